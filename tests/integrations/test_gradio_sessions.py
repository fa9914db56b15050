"""Many people at one Gradio app at once: each gets their own picture, marked, and on record in their own session."""

import hashlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import gradio
import numpy
import pytest
from gradio_client import Client
from pictures import photograph
from PIL import Image

from disclose import Outcome, Profile, verify
from disclose.demo import app
from disclose.evidence import Integrity
from disclose.integrations.gradio import disclosed
from disclose.integrations.gradio_notice import SIGNAL
from disclose.ledger.notices import State

SESSIONS = 50
PEOPLE, TIMES = 8, 4
BITS = 8
EDGE = 384
WAYS = ("png", "webp")


def painted(seed):
    """Return a photograph with the bits of *seed* as dark and light fields above it."""
    pixels = numpy.asarray(photograph(width=EDGE, height=EDGE)).copy()
    side = EDGE // BITS
    for bit in range(BITS):
        pixels[:side, bit * side : (bit + 1) * side] = 200 if seed >> bit & 1 else 50
    return Image.fromarray(pixels)


def seed_of(path):
    """Return the seed that the picture at *path* was painted with."""
    pixels = numpy.asarray(Image.open(path).convert("L"))
    side = EDGE // BITS
    fields = [pixels[4 : side - 4, bit * side + 4 : (bit + 1) * side - 4].mean() for bit in range(BITS)]
    return sum((field > 125) << bit for bit, field in enumerate(fields))


def app_that_remembers(profile):
    """Return an app that keeps a seed in each session's state and paints it later."""

    def remember(seed: float):
        return int(seed)

    def paint(seed: int | None):
        assert seed is not None, "the session lost its state"
        time.sleep(0.02 * (seed % 5))  # they overtake each other
        return painted(seed)

    with gradio.Blocks() as demo:
        seed, state = gradio.Number(), gradio.State()
        gradio.Button().click(remember, seed, state, api_name="remember", concurrency_limit=None)
        for way in WAYS:
            shown = gradio.Image(format=way)
            gradio.Button().click(paint, state, shown, api_name=way, concurrency_limit=None)
    return disclosed(demo, profile, system="Acme Studio")


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What one session asked for and got."""

    seed: int
    session: str
    path: Path


PAGE = json.dumps({"language": "en", "earlier": ""})
"""What a page says of itself when it loads."""


def told(client):
    """Load the page and return the notice that the app sends it."""
    (load,) = [one for one in client.config["dependencies"] if "load" in [event for _, event in one["targets"]]]
    (notice,) = json.loads(client.predict(PAGE, fn_index=load["id"]))["notices"]
    return notice


def visited(address, seed, together):
    """Visit the app as a page does: be told, report that, leave a seed, and ask for a picture with all the others."""
    # Plain HTTP: without this each of hundreds of requests would load the certificates of all authorities first.
    client = Client(address, verbose=False, analytics_enabled=False, ssl_verify=False)
    try:
        notice = told(client)
        assert client.predict(notice["id"], notice["nonce"], "shown", api_name=f"/{SIGNAL}") is True
        client.predict(seed, api_name="/remember")
        together.wait(timeout=60)
        path = Path(client.predict(api_name=f"/{WAYS[seed % len(WAYS)]}"))
        return Visit(seed=seed, session=client.session_hash, path=path)
    finally:
        client.close()


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sessions")
    profile = Profile(folder=folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "cache"))
        demo = app_that_remembers(profile)
        address = app.serve(demo, prevent_thread_lock=True, quiet=True, show_error=True)
        together = threading.Barrier(SESSIONS)
        try:
            with ThreadPoolExecutor(SESSIONS) as pool:
                yield list(pool.map(lambda seed: visited(address, seed, together), range(SESSIONS))), profile
        finally:
            demo.close(verbose=False)
            demo.server.force_exit = True  # a browser keeps its connections
            demo.server.thread.join()


def test_of_fifty_people_at_once_each_gets_their_own_picture(visits):
    made, _ = visits
    assert [seed_of(visit.path) for visit in made] == [visit.seed for visit in made]
    assert len({visit.session for visit in made}) == SESSIONS


def test_of_fifty_pictures_none_leaves_unmarked(visits):
    made, profile = visits
    identifiers = set()
    for visit in made:
        verdict = verify(visit.path, profile)
        assert verdict.outcome is Outcome.DISCLOSED
        (signed,) = [item for item in verdict.evidence if item.layer == "c2pa"]
        assert signed.integrity is Integrity.INTACT
        identifiers.add(verdict.disclosure.id)
    assert len(identifiers) == SESSIONS


def test_each_of_fifty_pictures_is_on_record_after_the_notice_of_its_own_session(visits):
    made, profile = visits
    proof, ledger = profile.notices(), profile.ledger()
    for visit in made:
        record = ledger.find_content(hashlib.sha256(visit.path.read_bytes()).hexdigest())
        chain = proof.history(visit.session)
        assert [event.state for event in chain] == [State.SENT, State.SHOWN, State.OUTPUT]
        assert chain[-1].subject == str(record.disclosure.id)
    assert proof.outputs_before_notice() == []
    assert len(ledger) == SESSIONS
    assert ledger.verify().is_intact


def test_of_people_who_are_given_the_same_picture_at_once_nobody_goes_without(profile, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    together = threading.Barrier(PEOPLE)

    def paint():
        together.wait(timeout=60)
        return painted(PEOPLE)

    with gradio.Blocks() as demo:
        shown = gradio.Image(format="png")
        gradio.Button().click(paint, None, shown, api_name="paint", concurrency_limit=None)
    address = app.serve(disclosed(demo, profile, system="Acme Studio"), prevent_thread_lock=True, quiet=True)
    try:
        client = Client(address, verbose=False, analytics_enabled=False, ssl_verify=False)
        for _ in range(TIMES):
            jobs = [client.submit(api_name="/paint") for _ in range(PEOPLE)]
            for job in jobs:
                assert verify(job.result(timeout=60), profile).outcome is Outcome.DISCLOSED
        client.close()
    finally:
        demo.close(verbose=False)
        demo.server.force_exit = True  # a browser keeps its connections
        demo.server.thread.join()
