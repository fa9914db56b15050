"""Manifests made by somebody who means harm, through the public door: evidence, never a crash, never a connection."""

import hashlib
import io
import json
import socket
import struct
import subprocess
import sys
import threading
from datetime import timedelta
from shutil import which

import pytest
from certificates import issued
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import media_types, small_file
from PIL import Image
from signed_files import read, signed, swapped
from system_parts import need

import disclose
from disclose.cli.terminal import show_verdict
from disclose.errors import IdentityError, MarkingError
from disclose.evidence import Integrity, Outcome, Trust
from disclose.layers.c2pa import STATEMENT, C2paLayer
from disclose.layers.c2pa_codes import Assessment
from disclose.media.containers import png_chunk
from disclose.profile import Profile
from disclose.signing import Signer, TrustList

ROOT = issued("root", is_authority=True)
SIGNER = issued("signer", by=ROOT)
_TYPE = bytes.fromhex("00110010800000aa00389b71")
MANIFEST = "urn:c2pa:0d15dd8d-dac1-4dcc-9ce0-dfe6d3cbcd00"


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A profile with only the layers that read files, for there is nothing to see in these pictures."""
    return Profile(folder=tmp_path_factory.mktemp("reader"), layers=("c2pa", "iptc", "ledger"), also_read=())


def box(kind, body, *, length=None):
    return struct.pack(">I", len(body) + 8 if length is None else length) + kind + body


def described(kind, label, *parts, length=None):
    description = box(b"jumd", kind + _TYPE + b"\x03" + label.encode() + b"\x00")
    return box(b"jumb", description + b"".join(parts), length=length)


def store(*manifests):
    return described(b"c2pa", "c2pa", *manifests)


def manifest(claim=b"\xa0", *assertions, label=MANIFEST):
    return described(
        b"c2ma",
        label,
        described(b"c2as", "c2pa.assertions", *assertions),
        described(b"c2cl", "c2pa.claim.v2", box(b"cbor", claim)),
        described(b"c2cs", "c2pa.signature", box(b"cbor", b"\xd2\x84\x40\xa0\xf6\x40")),
    )


def in_a_picture(found):
    plain = small_file("image/png")
    return plain[:33] + png_chunk(b"caBX", found) + plain[33:]


def damaged(data, reader):
    verdict = disclose.verify(data, reader)
    assert verdict.outcome is Outcome.CONTESTED
    assert verdict.disclosure is None
    (found,) = [item for item in verdict.evidence if item.layer == "c2pa"]
    assert (found.integrity, found.is_bound) == (Integrity.BROKEN, False)
    return verdict


# Forms.


@pytest.mark.parametrize("media_type", media_types())
def test_a_file_cut_off_anywhere_is_read_without_a_crash_and_never_disclosed(media_type, reader):
    data = signed(SIGNER, media_type=media_type)
    for end in range(8, len(data), len(data) // 23):
        verdict = disclose.verify(data[:end], reader)
        assert verdict.outcome is not Outcome.DISCLOSED
        assert not any(item.integrity is Integrity.INTACT for item in verdict.evidence)


@pytest.mark.parametrize("depth", [1_000, 50_000])
def test_boxes_a_thousand_deep_are_damage(depth, reader):
    inner, parts = described(b"c2as", "c2pa.assertions"), []
    size = len(inner)
    for _ in range(depth):
        description = box(b"jumd", b"c2ma" + _TYPE + b"\x03x\x00")
        size += 8 + len(description)
        parts.append(struct.pack(">I", size) + b"jumb" + description)
    damaged(in_a_picture(store(b"".join(reversed(parts)) + inner)), reader)


@pytest.mark.parametrize("opening", [b"\x81", b"\xc1", b"\x9f"], ids=["arrays", "tags", "endless arrays"])
def test_values_five_thousand_deep_are_damage(opening, reader):
    data = signed(SIGNER, assertions=[{"label": "org.example.deep", "data": {"a": "x" * 5_000}}])
    start = data.index(b"xxxx")
    damaged(data[: start - 3] + opening * 5_002 + b"\x00" + data[start + 5_000 :], reader)


def test_fifty_megabytes_of_manifest_are_damage(reader):
    noise = box(b"cbor", b"\x5a" + struct.pack(">I", 50_000_000) + bytes(50_000_000))
    damaged(in_a_picture(store(manifest(b"\xa0", described(b"cbor", "org.example.large", noise)))), reader)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are for Linux")
@pytest.mark.parametrize("opening", ["7affffffff", "5affffffff", "7b0000000100000000"])
def test_a_text_that_says_it_is_four_gigabytes_is_damage_where_memory_is_limited(opening, tmp_path):
    # The engine (c2pa-rs 0.91.3) asks for as much memory as a value says it is long, and copes when there is none.
    data = signed(SIGNER, assertions=[{"label": "org.example.long", "data": {"a": "x" * 5_000}}])
    start = data.index(b"xxxx") - 3
    (tmp_path / "long.jpg").write_bytes(data[:start] + bytes.fromhex(opening) + data[start + len(opening) // 2 :])
    program = """
import resource
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
import disclose
from disclose.profile import Profile
profile = Profile(folder=Path("home"), layers=("c2pa", "iptc", "ledger"), also_read=())
print(disclose.verify(Path("long.jpg"), profile).outcome.value)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "contested\n"), done.stderr


@pytest.mark.parametrize("claim", [b"\x5b" + b"\xff" * 8, b"\x9b" + b"\x0f" * 8, b"\xbb" + b"\x7f" * 8, b"\xa0", b""])
def test_a_claim_that_says_it_is_endless_is_damage(claim, reader):
    damaged(in_a_picture(store(manifest(claim, described(b"json", "org.example.x", box(b"json", b"{}"))))), reader)


@pytest.mark.parametrize("length", [0, 1, 7, 9, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("name", [b"jumb", b"jumd", b"cbor"])
def test_a_box_that_lies_about_its_length_is_damage(name, length, reader):
    data = signed(SIGNER, media_type="image/png")
    inside = data.index(b"c2pa.assertions")
    place = data.index(name, inside) - 4
    changed = data[:place] + struct.pack(">I", length) + data[place + 4 :]
    damaged(changed, reader)


def test_many_empty_manifests_are_damage(reader):
    damaged(in_a_picture(store(*[manifest()] * 5_000)), reader)


# Whose it is.


def test_the_manifest_of_another_file_is_damage(reader):
    chunk = chunk_of(signed(SIGNER, media_type="image/png", data=navy()))
    victim = signed(SIGNER, media_type="image/png")
    damaged(victim.replace(chunk_of(victim), chunk), reader)


def chunk_of(data):
    start = data.index(b"caBX") - 4
    return data[start : start + 12 + int.from_bytes(data[start : start + 4], "big")]


def navy():
    buffer = io.BytesIO()
    Image.new("RGB", (48, 48), "navy").save(buffer, "PNG")
    return buffer.getvalue()


# What came before.


@pytest.fixture(scope="module")
def altered():
    """A picture that a stranger signed, altered and signed again here."""
    signer = Signer.from_pem(SIGNER.pem, SIGNER.key_pem())
    layer = C2paLayer(signer=lambda: signer, trust=TrustList)
    parent = signed(issued("stranger", by=ROOT), media_type="image/png")
    return layer.mark(disclose.Asset.open(parent), disclose.Disclosure.new(system="Studio", action="altered")).data


def assessed(data):
    return Assessment.of_store(read(data, media_type="image/png"))


def test_what_came_before_is_part_of_what_was_signed(altered):
    assert assessed(altered).integrity is Integrity.INTACT


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"trainedAlgorithmicMedia", b"digitalCapture_________"), (b"etests", b"eTESTS")],
    ids=["assertion", "claim"],
)
def test_a_change_in_what_came_before_is_damage_although_the_engine_calls_the_file_itself_sound(altered, old, new):
    found = assessed(with_right_checksum(swapped(altered, old, new)))
    assert found.integrity is Integrity.BROKEN
    assert "ingredient.manifest.mismatch" in found.meanings


def test_what_came_before_cannot_be_changed_past_the_public_door(altered, reader):
    changed = with_right_checksum(swapped(altered, b"trainedAlgorithmicMedia", b"digitalCapture_________"))
    assert disclose.verify(altered, reader).outcome is Outcome.DISCLOSED
    assert disclose.verify(changed, reader).outcome is Outcome.CONTESTED


def test_a_manifest_put_in_beside_the_signed_ones_is_damage(altered):
    """COSE leaves a kilobyte unsigned, and that is room enough for a manifest that vouches for the others."""
    start = altered.index(b"jumb") - 4
    length = int.from_bytes(altered[start : start + 4], "big")
    whole = altered[start : start + length]
    head = 8 + int.from_bytes(whole[8:12], "big")
    parent_length = int.from_bytes(whole[head : head + 4], "big")
    parent, last = whole[head : head + parent_length], whole[head + parent_length :]
    forged = forged_manifest(MANIFEST)
    rebuilt = whole[:head] + forged + parent + with_less_padding(last, len(forged))
    assert len(rebuilt) == length
    changed = with_right_checksum(altered[:start] + rebuilt + altered[start + length :])
    found = assessed(changed)
    assert found.integrity is Integrity.BROKEN
    assert "manifest.unreferenced" in found.meanings
    assert "dataHash.mismatch" not in str(found.meanings), "nothing else gives it away"


def forged_manifest(label):
    """Return a manifest that nobody signed, well-formed enough to be read."""
    said = described(b"cbor", "org.example.x", box(b"cbor", b"\xa0"))
    reference = b"\xa2\x63url" + text("self#jumbf=c2pa.assertions/org.example.x")
    reference += b"\x64hash\x58\x20" + hashlib.sha256(said[8:]).digest()
    claim = b"\xa5\x6ainstanceID\x61x" + b"\x74claim_generator_info\xa1\x64name\x61x" + b"\x63alg\x66sha256"
    claim += b"\x69signature" + text(f"self#jumbf=/c2pa/{label}/c2pa.signature")
    return manifest(claim + b"\x72created_assertions\x81" + reference, said, label=label)


def text(found):
    """Return *found* as a CBOR text string of 24 to 255 bytes."""
    return b"\x78" + bytes([len(found)]) + found.encode()


def with_less_padding(found, by):
    """Return the manifest *found* shorter by as many bytes of what COSE leaves unsigned."""
    key = found.index(b"\xa1cpadY")
    size = int.from_bytes(found[key + 6 : key + 8], "big") - by
    assert size > 255
    left = found[: key + 6] + struct.pack(">H", size) + bytes(size) + found[key + 8 + size + by :]
    signature = found.index(b"c2pa.signature\x00\x00")
    for place in (0, found.rindex(b"jumb", 0, signature) - 4, found.index(b"cbor", signature) - 4):
        value = int.from_bytes(left[place : place + 4], "big") - by
        left = left[:place] + struct.pack(">I", value) + left[place + 4 :]
    return left


def with_right_checksum(data):
    start = data.index(b"caBX") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    return data[:start] + png_chunk(b"caBX", data[start + 8 : end - 4]) + data[end:]


SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
RUBBISH = st.recursive(
    SCALARS | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("id", "system", "created", "action", "provider", "version", "model", "source_type", "lineage", "detector")


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(FIELDS), RUBBISH, max_size=6))
def test_rubbish_under_our_own_label_is_no_statement(rubbish):
    data = signed(SIGNER, assertions=[{"label": STATEMENT, "data": rubbish}])
    layer = C2paLayer(signer=lambda: pytest.fail("reading asks for no signer"), trust=TrustList)
    (found,) = layer.detect(disclose.Asset.open(data))
    assert (found.integrity, found.disclosure, found.id) == (Integrity.INTACT, None, None)


# What it says.

SCRIPT = "<script>alert(1)</script>"
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\n\u202edoog"


@pytest.fixture(scope="module")
def loud():
    party = issued(f"signer {ESCAPES}", by=ROOT)
    statement = disclose.Disclosure.new(system=f"{SCRIPT}{ESCAPES}", provider=f"Acme {ESCAPES}").to_dict()
    more = {"title": SCRIPT + ESCAPES, "claim_generator_info": [{"name": SCRIPT + ESCAPES, "version": ESCAPES}]}
    return signed(party, assertions=[{"label": STATEMENT, "data": dict(statement)}], **more)


def test_what_a_manifest_says_stays_text_that_is_carried_and_not_run(loud, reader):
    verdict = disclose.verify(loud, reader)
    assert verdict.disclosure.system.startswith(SCRIPT)
    told = json.loads(verdict.to_json())
    assert SCRIPT in told["evidence"][0]["summary"]


def test_the_terminal_shows_no_control_character_of_a_manifest(loud, reader, capsys):
    show_verdict(f"name{ESCAPES}.jpg", disclose.verify(loud, reader))
    shown = capsys.readouterr().out
    assert "alert(1)" in shown
    assert not {character for character in shown if not character.isprintable()} - {"\n"}


def test_the_command_shows_none_either(loud, tmp_path):
    path = tmp_path / "loud.jpg"
    path.write_bytes(loud)
    command = [sys.executable, "-m", "disclose", "verify", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "alert(1)" in done.stdout
    assert not {character for character in done.stdout + done.stderr if not character.isprintable()} - {"\n"}


# Where it points.


class Listener:
    """Counts who connects to ``port`` of this machine."""

    def __init__(self):
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)

    def _accept(self):
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if connection.recv(4) == b"end.":
                    return
            self.connections += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"end.")
        self._thread.join()
        self._socket.close()


def pointing_to(url):
    """Return pictures whose manifest is said to be at *url*: with nothing in them, and with one of their own."""
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{url}"/>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()
    plain = small_file("image/jpeg")
    body = b"http://ns.adobe.com/xap/1.0/\x00" + packet
    bare = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]
    text = b"XML:com.adobe.xmp" + bytes(5) + packet
    picture = small_file("image/png")
    other = picture[:33] + png_chunk(b"iTXt", text) + picture[33:]
    return bare, signed(SIGNER, data=bare), other, bare + b"jumbc2pa"


def test_a_manifest_said_to_be_on_this_machine_is_not_fetched(reader):
    with Listener() as listener:
        for data in pointing_to(f"http://127.0.0.1:{listener.port}/manifest.c2pa"):
            disclose.verify(data, reader)
    assert listener.connections == 0


@pytest.mark.skipif(sys.platform != "linux", reason="strace is for Linux")
def test_reading_opens_no_connection_whatever_a_file_points_to(tmp_path):
    need(which("strace") is not None, "apt install strace")
    urls = ("http://169.254.169.254/latest/meta-data/", "https://example.org/manifest.c2pa", "http://[::1]:9/x")
    paths = []
    for url in urls:
        for data in pointing_to(url):
            paths.append(tmp_path / f"{len(paths)}.bin")
            paths[-1].write_bytes(data)
    program = f"""
from pathlib import Path
import disclose
from disclose.profile import Profile
profile = Profile(folder=Path("home"), layers=("c2pa", "iptc", "ledger"), also_read=())
for number in range({len(paths)}):
    disclose.verify(Path(f"{{number}}.bin"), profile)
"""
    command = ["strace", "-f", "-qq", "-e", "trace=connect,sendto", "-o", "calls", sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, check=False, timeout=100, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "AF_INET" not in (tmp_path / "calls").read_text()


# With which certificates.


@pytest.mark.parametrize(
    ("leaf", "said"),
    [
        ({"ends": timedelta(minutes=-5)}, "expired"),
        ({"starts": timedelta(days=1)}, "not valid|not yet valid|valid from"),
        ({"usages": [ExtendedKeyUsageOID.SERVER_AUTH]}, "usage|purpose|invalid"),
    ],
)
def test_an_unfit_certificate_signs_nothing(leaf, said):
    party = issued("unfit", by=ROOT, **leaf)
    with pytest.raises((IdentityError, MarkingError), match=said):
        mark_with(party.pem, party.key_pem())


def test_certificates_in_the_wrong_order_sign_nothing():
    between = issued("between", by=ROOT, is_authority=True)
    leaf = issued("leaf", by=between)
    with pytest.raises((IdentityError, MarkingError), match=r"leaf|first certificate"):
        mark_with(between.pem + leaf.pem, leaf.key_pem())
    mark_with(leaf.pem + between.pem, leaf.key_pem())


def test_a_key_of_another_certificate_signs_nothing():
    with pytest.raises((IdentityError, MarkingError), match="does not belong"):
        mark_with(SIGNER.pem, issued("other", by=ROOT).key_pem())


def mark_with(certificates, key):
    layer = C2paLayer(signer=lambda: Signer.from_pem(certificates, key), trust=TrustList)
    return layer.mark(disclose.Asset.open(small_file("image/jpeg")), disclose.Disclosure.new(system="Studio"))


def test_an_unknown_signer_is_neither_praised_nor_condemned(reader):
    verdict = disclose.verify(signed(SIGNER), reader)
    (found,) = [item for item in verdict.evidence if item.layer == "c2pa"]
    assert (found.integrity, found.trust) == (Integrity.INTACT, Trust.UNTRUSTED)
    for word in ("verified", "failed", "invalid", "trusted signer"):
        assert word not in found.summary.lower()
        assert word not in verdict.explain().lower()


def test_a_changed_statement_is_never_shown_as_one_that_was_signed(reader):
    statement = dict(disclose.Disclosure.new(system="Honest").to_dict())
    data = signed(SIGNER, assertions=[{"label": STATEMENT, "data": statement}])
    verdict = disclose.verify(swapped(data, b"Honest", b"Forged"), reader)
    assert verdict.outcome is Outcome.CONTESTED
    assert not any(item.is_bound for item in verdict.evidence)
