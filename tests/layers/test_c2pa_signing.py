import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from certificates import MAKERS, chain
from pictures import encoded, photograph
from time_stamping import time_stamping_authority

from disclose.asset import Asset
from disclose.errors import MarkingError
from disclose.evidence import Integrity, Time, Trust
from disclose.layers.c2pa_codes import axes
from disclose.layers.c2pa_engine import Engine
from disclose.profile import Profile
from disclose.signing import Signer, TrustList
from disclose.signing.signatures import signing

JPEG = "image/jpeg"
CREATED = {
    "action": "c2pa.created",
    "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
}
DEFINITION = {
    "claim_generator_info": [{"name": "disclose tests"}],
    "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [CREATED]}}],
}
FOR_ALL = pytest.mark.parametrize("algorithm", MAKERS)


@pytest.fixture(scope="module")
def picture():
    return encoded(photograph(), "JPEG")


@pytest.fixture(scope="module")
def identity():
    return chain()


@pytest.fixture
def authority(tmp_path):
    with time_stamping_authority(tmp_path / "authority") as running:
        yield running


def asking(identity, sign=None, algorithm="es256", **settings):
    """Return a signer that asks a callback, by default one that signs."""
    signer = Signer.from_callback(identity.certificates, sign or signing(identity.leaf.key, algorithm))
    return replace(signer, **settings)


def engine(signer, anchors=""):
    return Engine(signer=lambda: signer, trust=lambda: TrustList(anchors=anchors))


def axes_of(data, anchors):
    store = engine(None, anchors).read(JPEG, data)
    return axes(store["validation_results"]["activeManifest"])


@FOR_ALL
def test_a_callback_signs_with_every_algorithm(algorithm, picture):
    identity = chain(algorithm)
    signed = engine(asking(identity, algorithm=algorithm)).sign(DEFINITION, JPEG, picture)
    assert axes_of(signed.data, identity.anchors)[:2] == (Integrity.INTACT, Trust.TRUSTED)
    assert signed.timestamp is None


@pytest.mark.parametrize("wanted", ["ps384", "ps512"])
def test_a_callback_may_sign_with_a_longer_digest(wanted, picture):
    identity = chain("ps256")
    signer = Signer.from_callback(identity.certificates, signing(identity.leaf.key, wanted), wanted)
    signed = engine(signer).sign(DEFINITION, JPEG, picture)
    assert axes_of(signed.data, identity.anchors)[:2] == (Integrity.INTACT, Trust.TRUSTED)


def test_what_a_callback_raises_is_named_and_kept_as_the_cause(identity, picture, caplog):
    def denied(data):
        raise PermissionError("kms:Sign is not allowed for this role")

    with pytest.raises(MarkingError, match=r"raised PermissionError: kms:Sign is not allowed") as caught:
        engine(asking(identity, denied)).sign(DEFINITION, JPEG, picture)
    assert isinstance(caught.value.__cause__, PermissionError)
    assert not caplog.records


def test_a_time_out_of_the_key_service_is_told_from_our_own(identity, picture):
    def late(data):
        raise TimeoutError("read timed out")

    with pytest.raises(MarkingError, match="raised TimeoutError: read timed out"):
        engine(asking(identity, late)).sign(DEFINITION, JPEG, picture)


@pytest.mark.parametrize("rubbish", [b"", b"x", bytes(64), b"x" * 64, b"x" * 71])
def test_bytes_that_are_no_signature_are_found_out_before_they_are_written(rubbish, identity, picture):
    with pytest.raises(MarkingError, match="no es256 signature under the public key"):
        engine(asking(identity, lambda data: rubbish)).sign(DEFINITION, JPEG, picture)


def test_a_signature_by_another_key_is_found_out(identity, picture):
    another = signing(MAKERS["es256"](), "es256")
    with pytest.raises(MarkingError, match="no es256 signature under the public key"):
        engine(asking(identity, another)).sign(DEFINITION, JPEG, picture)


def test_a_callback_that_returns_no_bytes_is_told_what_to_return(identity, picture):
    with pytest.raises(MarkingError, match="returned NoneType"):
        engine(asking(identity, lambda data: None)).sign(DEFINITION, JPEG, picture)


def test_a_callback_that_hangs_fails_within_its_time_limit(identity, picture):
    released = threading.Event()
    hanging = asking(identity, lambda data: released.wait(), time_limit=0.2)
    started = time.monotonic()
    with pytest.raises(MarkingError, match=r"no signature within 0\.2 seconds"):
        engine(hanging).sign(DEFINITION, JPEG, picture)
    assert time.monotonic() - started < 2
    released.set()


def test_an_interruption_is_not_swallowed(identity, picture):
    def interrupted(data):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine(asking(identity, interrupted)).sign(DEFINITION, JPEG, picture)


def test_after_a_failure_the_next_file_is_signed(identity, picture):
    answers = iter([b"nonsense"])
    sign = signing(identity.leaf.key, "es256")
    signs = engine(asking(identity, lambda data: next(answers, None) or sign(data)))
    with pytest.raises(MarkingError):
        signs.sign(DEFINITION, JPEG, picture)
    assert axes_of(signs.sign(DEFINITION, JPEG, picture).data, "")[0] is Integrity.INTACT


@pytest.mark.parametrize("kind", ["file", "callback"])
def test_eight_threads_sign_at_once(kind, identity, picture):
    key = Signer.from_pem(identity.certificates, identity.leaf.key_pem())
    signs = engine(key if kind == "file" else asking(identity), identity.anchors)
    with ThreadPoolExecutor(8) as pool:
        signed = list(pool.map(lambda _: signs.sign(DEFINITION, JPEG, picture).data, range(24)))
    assert {axes_of(data, identity.anchors)[:2] for data in signed} == {(Integrity.INTACT, Trust.TRUSTED)}


@pytest.mark.parametrize("kind", ["file", "callback"])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_two_forked_workers_sign_with_an_engine_made_before_the_fork(kind, identity, picture, tmp_path):
    key = Signer.from_pem(identity.certificates, identity.leaf.key_pem())
    signs = engine(key if kind == "file" else asking(identity), identity.anchors)
    signs.sign(DEFINITION, JPEG, picture)
    context = multiprocessing.get_context("fork")
    files = [tmp_path / "1.jpg", tmp_path / "2.jpg"]
    workers = [
        context.Process(target=lambda file=file: file.write_bytes(signs.sign(DEFINITION, JPEG, picture).data))
        for file in files
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert [worker.exitcode for worker in workers] == [0, 0]
    signed = [file.read_bytes() for file in files]
    assert {axes_of(data, identity.anchors)[:2] for data in signed} == {(Integrity.INTACT, Trust.TRUSTED)}


@pytest.mark.parametrize("kind", ["file", "callback"])
def test_with_a_stamp_a_file_outlives_its_certificate_and_without_one_it_does_not(kind, authority, picture):
    identity = chain(ends=timedelta(seconds=3))
    signer = asking(identity) if kind == "callback" else Signer.from_pem(identity.certificates, identity.leaf.key_pem())
    plain = engine(signer).sign(DEFINITION, JPEG, picture)
    stamped = engine(signer.with_timestamps(authority.url)).sign(DEFINITION, JPEG, picture)
    assert (plain.timestamp, stamped.timestamp) == (None, "stamped")
    anchors = identity.anchors + authority.anchors
    assert axes_of(plain.data, anchors) == (Integrity.INTACT, Trust.TRUSTED, Time.STATED)

    # The engine counts whole seconds.
    time.sleep((signer.expires - datetime.now(UTC)).total_seconds() + 1.1)
    assert axes_of(plain.data, anchors)[1] is Trust.UNTRUSTED
    assert axes_of(stamped.data, anchors) == (Integrity.INTACT, Trust.TRUSTED, Time.STAMPED)
    assert axes_of(stamped.data, identity.anchors)[1] is Trust.UNTRUSTED


@pytest.mark.parametrize("manner", ["refuse", "babble", "hang", "gone"])
def test_without_an_answer_from_the_authority_marking_fails_and_says_what_to_do(manner, authority, identity, picture):
    authority.manner = manner
    url = "http://127.0.0.1:9/stamp" if manner == "gone" else authority.url
    signer = asking(identity, timestamp_url=url, time_limit=0.4)
    started = time.monotonic()
    with pytest.raises(MarkingError, match="gave no time-stamp") as caught:
        engine(signer).sign(DEFINITION, JPEG, picture)
    assert time.monotonic() - started < 5
    assert url in str(caught.value)
    assert 'timestamp_outage="unstamped"' in str(caught.value)


@pytest.mark.parametrize("manner", ["refuse", "hang"])
def test_in_an_outage_marking_goes_on_unstamped_where_the_deployment_says_so(
    manner, authority, identity, picture, caplog
):
    authority.manner = manner
    signer = asking(identity, timestamp_url=authority.url, timestamp_outage="unstamped", time_limit=0.4)
    with caplog.at_level(logging.WARNING):
        signed = engine(signer).sign(DEFINITION, JPEG, picture)
    assert signed.timestamp == "unavailable"
    assert axes_of(signed.data, identity.anchors) == (Integrity.INTACT, Trust.TRUSTED, Time.STATED)
    assert "signed without a time-stamp" in caplog.text
    assert authority.url in caplog.text


@pytest.mark.parametrize("outage", ["fail", "unstamped"])
def test_a_failure_of_the_callback_is_never_taken_for_an_outage(outage, authority, identity, picture):
    asked = []
    signer = asking(identity, asked.append, timestamp_url=authority.url, timestamp_outage=outage)
    with pytest.raises(MarkingError, match="returned NoneType"):
        engine(signer).sign(DEFINITION, JPEG, picture)
    assert len(asked) == 1
    assert authority.requests == 0


@pytest.mark.parametrize("outage", ["fail", "unstamped"])
def test_a_file_that_cannot_be_signed_is_never_taken_for_an_outage(outage, authority, identity):
    signer = asking(identity, timestamp_url=authority.url, timestamp_outage=outage)
    with pytest.raises(MarkingError, match=r"^image/jpeg, signed by"):
        engine(signer).sign(DEFINITION, JPEG, b"\xff\xd8 no picture")


@pytest.mark.parametrize("outage", ["fail", "unstamped"])
def test_a_certificate_that_c2pa_refuses_is_never_taken_for_an_outage(outage, authority, picture):
    identity = chain(usages=())
    signer = asking(identity, timestamp_url=authority.url, timestamp_outage=outage)
    with pytest.raises(MarkingError, match=r"^image/jpeg, signed by .*certificate"):
        engine(signer).sign(DEFINITION, JPEG, picture)
    assert authority.requests == 0


def test_each_file_is_stamped_by_one_question(authority, identity, picture):
    signs = engine(asking(identity, timestamp_url=authority.url))
    with ThreadPoolExecutor(4) as pool:
        assert {one.timestamp for one in pool.map(lambda _: signs.sign(DEFINITION, JPEG, picture), range(4))} == {
            "stamped"
        }
    assert authority.requests == 4


def test_a_process_ends_though_the_authority_still_hangs(authority, identity, picture, tmp_path):
    authority.manner = "hang"
    identity.write(tmp_path)
    (tmp_path / "picture.jpg").write_bytes(picture)
    program = f"""
from dataclasses import replace
from pathlib import Path
from disclose.asset import Asset
from disclose.errors import MarkingError
from disclose.layers.c2pa_engine import Engine
from disclose.signing import Signer, TrustList
signer = Signer.from_files(Path("certificates.pem"), Path("private_key.pem")).with_timestamps({authority.url!r})
engine = Engine(signer=lambda: replace(signer, time_limit=0.3), trust=TrustList)
try:
    engine.sign({DEFINITION!r}, "image/jpeg", Path("picture.jpg").read_bytes())
except MarkingError:
    print("refused")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, "refused\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="strace is for Linux")
def test_signing_without_an_authority_opens_no_connection(identity, picture, tmp_path):
    from shutil import which

    from system_parts import need

    need(which("strace") is not None, "apt install strace")
    identity.write(tmp_path)
    (tmp_path / "picture.jpg").write_bytes(picture)
    program = f"""
from pathlib import Path
from disclose.layers.c2pa_engine import Engine
from disclose.signing import Signer, TrustList
signer = Signer.from_files(Path("certificates.pem"), Path("private_key.pem"))
engine = Engine(signer=lambda: signer, trust=TrustList)
engine.read("image/jpeg", engine.sign({DEFINITION!r}, "image/jpeg", Path("picture.jpg").read_bytes()).data)
"""
    command = ["strace", "-f", "-qq", "-e", "trace=socket,connect", "-o", "calls", sys.executable, "-c", program]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    assert "AF_INET" not in (tmp_path / "calls").read_text()


def test_a_profile_s_mark_says_whether_a_stamp_was_to_be_had(authority, picture, tmp_path):
    profile = Profile(folder=tmp_path, layers=("c2pa",), timestamp_url=authority.url, timestamp_outage="unstamped")
    stamped = profile.marker().mark(Asset.open(picture), profile.disclosure(system="Studio"))
    assert stamped.mark_of("c2pa").details["timestamp"] == "stamped"
    authority.manner = "refuse"
    unstamped = profile.marker().mark(Asset.open(picture), profile.disclosure(system="Studio"))
    assert unstamped.mark_of("c2pa").details["timestamp"] == "unavailable"


def read_by(signer, data, anchors=""):
    return engine(signer, anchors).is_own(JPEG, data)


def test_what_we_signed_is_our_own_and_what_another_signed_is_not(identity, picture):
    ours, another = asking(identity), asking(chain())
    signed = engine(ours).sign(DEFINITION, JPEG, picture).data
    assert read_by(ours, signed)
    assert not read_by(another, signed)
    assert not read_by(ours, picture)


def test_a_stranger_with_our_serial_number_is_not_taken_for_us(identity, picture):
    stranger = chain(serial_number=identity.leaf.certificate.serial_number)
    forged = engine(asking(stranger)).sign(DEFINITION, JPEG, picture).data
    assert not read_by(asking(identity), forged)


def test_a_retired_certificate_of_ours_is_still_us_whoever_issued_it(identity, picture):
    before = chain()
    signed = engine(asking(before)).sign(DEFINITION, JPEG, picture).data
    assert not read_by(asking(identity), signed)
    assert read_by(asking(identity).with_retired(before.certificates), signed)
    assert read_by(asking(identity).with_retired(before.leaf.pem), signed, anchors=before.anchors)
    assert not read_by(asking(identity).with_retired(before.leaf.pem), signed)
