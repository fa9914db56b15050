"""What a Gradio app does when something goes wrong: nothing leaves unmarked, and its user reads why."""

import base64
import threading
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import gradio
import pytest
from gradio_pages import calling
from media_files import small_file
from pictures import encoded, photograph

from disclose import Outcome, verify
from disclose.errors import DiscloseError, ProfileError
from disclose.integrations.gradio import disclosed
from disclose.marker import Marker

SYSTEM = "Acme Studio"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def drawing(profile, function, output=lambda: gradio.Image(format="png"), **options):
    with gradio.Blocks() as demo:
        shown = output()
        gradio.Button().click(function, None, shown, api_name="draw")
        gradio.Button().click(lambda: "here", None, gradio.Textbox(), api_name="other")
    return disclosed(demo, profile, system=SYSTEM, **options)


def picture():
    return photograph(width=384, height=384)


def test_nothing_returned_is_nothing_marked(profile):
    with calling(drawing(profile, lambda: None), download_files=False) as client:
        assert client.predict(api_name="/draw") is None


def test_an_error_of_the_app_s_own_stays_its_own(profile):
    def fail():
        raise gradio.Error("the model is asleep")

    with (
        calling(drawing(profile, fail), download_files=False) as client,
        pytest.raises(Exception, match="the model is asleep"),
    ):
        client.predict(api_name="/draw")


def test_a_component_that_cannot_show_a_value_says_so_itself(profile):
    demo = drawing(profile, lambda: object())
    with calling(demo, download_files=False) as client, pytest.raises(Exception, match=r"(?i)object|process"):
        client.predict(api_name="/draw")


def test_without_room_for_the_marked_copy_nothing_leaves(profile, monkeypatch):
    def full(asset, path, **options):
        raise OSError(28, "No space left on device")

    demo = drawing(profile, picture)
    monkeypatch.setattr("disclose.asset.Asset.save", full)
    with (
        calling(demo, download_files=False) as client,
        pytest.raises(Exception, match=r"held back.*No space left on device"),
    ):
        client.predict(api_name="/draw")


@pytest.mark.parametrize("function", [picture, lambda: gradio.update(value=picture()), lambda: gradio.Image(picture())])
def test_while_one_output_is_being_marked_other_events_go_on(profile, monkeypatch, function):
    begun, go_on = threading.Event(), threading.Event()
    demo = drawing(profile, function)
    mark = Marker.mark

    def slow(*args, **kwargs):
        begun.set()
        assert go_on.wait(20)
        return mark(*args, **kwargs)

    monkeypatch.setattr(Marker, "mark", slow)
    with calling(demo, download_files=False) as client:
        waiting = client.submit(api_name="/draw")
        assert begun.wait(20)
        assert client.predict(api_name="/other") == "here"
        assert not waiting.done()
        go_on.set()
        shown = waiting.result()
    assert verify(shown.get("value", shown)["path"], profile).outcome is Outcome.DISCLOSED


@pytest.fixture
def elsewhere(tmp_path):
    """The address of another web server on this machine, which has one picture."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    picture().save(folder / "drawn.png")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_address_that_gradio_may_not_fetch_is_held_back(profile, elsewhere):
    for output in (gradio.Image, gradio.Gallery, gradio.File):
        address = f"{elsewhere}/drawn.png"
        demo = drawing(profile, lambda value=[address] if output is gradio.Gallery else address: value, output)
        with calling(demo, download_files=False) as client, pytest.raises(Exception, match=r"held back|validation"):
            client.predict(api_name="/draw")


def test_a_gradio_that_passes_the_door_by_is_refused(profile, monkeypatch, tmp_path):
    async def postprocess_data(self, block_fn, predictions, state):
        picture().save(tmp_path / "unmarked.png")
        return [SimpleNamespace(path=str(tmp_path / "unmarked.png"))]

    monkeypatch.setattr(gradio.Blocks, "postprocess_data", postprocess_data)
    with pytest.raises(DiscloseError, match=f"gradio {gradio.__version__} lets outputs out unmarked"):
        disclosed(gradio.Blocks(), profile, system=SYSTEM)


def test_the_proof_at_start_leaves_no_record_and_no_file(profile, cache):
    with gradio.Blocks() as around:
        gradio.Textbox()
        disclosed(gradio.Blocks(), profile, system=SYSTEM)
    assert not any(isinstance(block, gradio.Image) for block in around.blocks.values())
    assert not list(profile.ledger().records())
    assert not any(path.is_file() for path in cache.rglob("*"))


def speaking(tmp_path, as_bytes=False):
    """Return a function that yields a sound in pieces, and its output."""
    piece = tmp_path / "piece.mp3"
    piece.write_bytes(small_file("audio/mpeg"))

    def speak():
        for _ in range(2):
            yield piece.read_bytes() if as_bytes else str(piece)

    return speak, lambda: gradio.Audio(streaming=True)


@pytest.mark.parametrize("as_bytes", [False, True])
def test_the_pieces_of_a_stream_are_held_back_because_they_hold_no_manifest(profile, tmp_path, as_bytes):
    with calling(drawing(profile, *speaking(tmp_path, as_bytes)), download_files=False) as client:
        with pytest.raises(Exception, match=r"held back, because the pieces of a stream.*return the whole file"):
            client.predict(api_name="/draw")
        assert client.predict(api_name="/other") == "here"
    assert not list(profile.ledger().records())


def test_for_a_reason_the_pieces_of_a_stream_leave_and_the_combined_file_is_marked(profile, tmp_path, caplog):
    function, output = speaking(tmp_path)
    with gradio.Blocks() as demo:
        gradio.Button().click(function, None, output(), api_name="draw")
    reason = "the player shows a label"
    with calling(disclosed(demo, profile, system=SYSTEM, unmarked_streams=reason), download_files=False) as client:
        client.submit(api_name="/draw").result()
        (address,) = _addresses(demo, client)
        with urllib.request.urlopen(address) as response:  # noqa: S310
            assert verify(response.read(), profile).outcome is Outcome.DISCLOSED
    assert len(list(profile.ledger().records())) == 1
    assert [reason in record.getMessage() for record in caplog.records if "streams" in record.getMessage()] == [True]


def test_streams_are_not_let_through_for_no_reason(profile):
    with pytest.raises(ProfileError, match="reason"):
        disclosed(gradio.Blocks(), profile, system=SYSTEM, unmarked_streams=" ")


def test_what_a_streaming_component_shows_whole_is_marked(profile, tmp_path):
    whole = tmp_path / "whole.mp3"
    whole.write_bytes(small_file("audio/mpeg"))
    demo = drawing(profile, lambda: str(whole), lambda: gradio.Audio(streaming=True))
    with calling(demo, download_files=False) as client:
        assert verify(client.predict(api_name="/draw")["path"], profile).outcome is Outcome.DISCLOSED


def _addresses(demo, client):
    for session, runs in demo.pending_streams.items():
        for run, streams in runs.items():
            for component in streams:
                yield f"{client.src}gradio_api/stream/{session}/{run}/{component}/playlist-file"


def test_a_picture_inside_an_address_is_marked_and_a_broken_one_is_held_back(profile):
    whole = f"data:image/png;base64,{base64.b64encode(encoded(picture())).decode()}"
    with calling(drawing(profile, lambda: whole, gradio.Textbox), download_files=False) as client:
        _, _, content = client.predict(api_name="/draw").partition(",")
    assert verify(base64.b64decode(content), profile).outcome is Outcome.DISCLOSED
    broken = drawing(profile, lambda: whole[:200], gradio.Textbox)
    with calling(broken, download_files=False) as client, pytest.raises(Exception, match="held back"):
        client.predict(api_name="/draw")


def test_what_comes_from_another_app_is_held_back(profile):
    demo = drawing(profile, lambda: "https://example.org/drawn.png")
    shown = next(block for block in demo.blocks.values() if isinstance(block, gradio.Image))
    shown.proxy_url = "https://example.org/"
    with calling(demo, download_files=False) as client, pytest.raises(Exception, match="a file of another app"):
        client.predict(api_name="/draw")
