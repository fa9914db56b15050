import base64
import json
import zlib
from datetime import UTC, datetime, timedelta

import numpy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from disclose.errors import LedgerError
from disclose.ledger.bilevel import expand
from disclose.ledger.earlier_encoding import _DICTIONARY
from disclose.ledger.encoding import pack, unpack
from disclose.ledger.record import canonical

CERTIFICATE = bytes(range(100, 132))
COLUMNS = (bytes(range(16)), bytes(range(32)), b"\xaa" * 32)
VALUES = st.recursive(
    st.text() | st.integers() | st.booleans() | st.binary().map(bytes.hex),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(text=st.text())
@example(text="")
@example(text="\x01a\x02b\x03cd")
@example(text='"8x8:\x04ab"')
@example(text='"2026-13-01T00:00:00Z""2026-11-22T24:00:00Z""1969-12-31T23:59:59Z""2107-01-01T00:00:00Z"')
@example(text='"2026-11-22T15:58:03.052038Z""0001-01-01T00:00:00.000000Z""9999-12-31T23:59:59.999999Z"')
@example(text='"12x10:' + "A" * 41 + '"')
@example(text=json.dumps({"a": "AB" * 20 + "==", "b": "ab" * 60, "c": COLUMNS[0].hex(), "d": COLUMNS[0][:8].hex()}))
def test_every_text_comes_back_as_it_was(text):
    assert unpack(pack(text, COLUMNS), COLUMNS) == text


@given(values=st.dictionaries(st.text(), VALUES))
def test_every_canonical_text_comes_back_as_it_was(values):
    text = canonical(values)
    assert unpack(pack(text, (COLUMNS[0], COLUMNS[1], None)), (COLUMNS[0], COLUMNS[1], None)) == text


def test_a_text_of_ours_takes_a_ninth_of_its_length():
    text = canonical(
        {
            "disclosure": {
                "action": "created", "created": "2026-11-22T15:58:02Z", "id": COLUMNS[0].hex(), "provider": "Acme GmbH",
                "model": "acme/paint-3", "source_type": "trainedAlgorithmicMedia", "system": "Studio", "version": "2.1",
            },
            "marks": {
                "c2pa": {"alg": "es256", "certificate": CERTIFICATE.hex()},
                "fingerprint": {"pdq": COLUMNS[2].hex()},
                "image_watermark": {
                    "alg": "io.github.disclose-ai.image.1", "strength": 1.0, "value": COLUMNS[0][:8].hex(),
                },
            },
            "media_type": "image/jpeg", "recorded": "2026-11-22T15:58:03.052038Z", "sha256": COLUMNS[1].hex(),
        }
    )  # fmt: skip
    packed = pack(text, COLUMNS, CERTIFICATE)
    assert len(packed) < len(text) / 9
    assert unpack(packed + CERTIFICATE, COLUMNS) == text


@given(values=st.dictionaries(st.text(), VALUES), certificate=st.binary(min_size=32, max_size=32))
def test_a_certificate_that_is_left_out_comes_back(values, certificate):
    text = canonical({**values, "certificate": certificate.hex()})
    packed = pack(text, COLUMNS, certificate)
    assert packed[:9] == b"\x04" + certificate[:8]
    assert unpack(packed + certificate, COLUMNS) == text
    assert certificate not in packed


def test_a_certificate_that_the_text_does_not_name_is_not_referred_to():
    text = of_a_picture("8x8:AAECAwQFBgc=")
    assert unpack(pack(text, COLUMNS, CERTIFICATE), COLUMNS) == text


@pytest.mark.parametrize("behind", [b"", bytes(32), CERTIFICATE[:31]])
def test_a_body_without_the_certificate_that_it_refers_to_is_refused(behind):
    packed = pack(canonical({"certificate": CERTIFICATE.hex(), "more": "x" * 60}), COLUMNS, CERTIFICATE)
    with pytest.raises(LedgerError, match="certificate"):
        unpack(packed + behind, COLUMNS)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of_times(microseconds):
    moment = EPOCH + timedelta(microseconds=microseconds)
    return canonical({"created": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "recorded": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"})


@given(microseconds=st.integers(0, 2**32 * 1_000_000 - 1))
def test_every_time_comes_back_from_eleven_bytes(microseconds):
    text, earliest = of_times(microseconds), pack(of_times(0), COLUMNS)
    packed = pack(text, COLUMNS)
    assert unpack(packed, COLUMNS) == text
    assert packed[:-11] == earliest[:-11]
    assert earliest[-11:] == bytes(11)


def of_a_picture(structure):
    return canonical({"marks": {"fingerprint": {"pdq": COLUMNS[2].hex(), "structure": structure}}})


def structure(rows, columns, seed=0):
    """Blobs as light and shadow make them, one bit a cell."""
    noise = numpy.random.default_rng(seed).normal(size=(rows + 4, columns + 4))
    windows = numpy.lib.stride_tricks.sliding_window_view(noise, (5, 5))
    cells = numpy.packbits(windows.mean(axis=(2, 3)) > 0).tobytes()
    return f"{columns}x{rows}:{base64.b64encode(cells).decode('ascii')}"


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (52, 78), (127, 32), (20, 17)])
def test_the_structure_of_a_picture_takes_less_than_its_bits(rows, columns):
    text = of_a_picture(structure(rows, columns))
    packed = pack(text, COLUMNS)
    assert packed[:1] == b"\x03"
    assert len(packed) < rows * columns / 8 + 20
    assert unpack(packed, COLUMNS) == text


def test_the_structure_of_noise_takes_no_more_than_its_bits():
    bits = numpy.packbits(numpy.random.default_rng(0).random((64, 64)) < 0.5).tobytes()
    followed = {"structure": f"64x64:{base64.b64encode(bits).decode('ascii')}", "value": "ab" * 20}
    packed = pack(canonical(followed), COLUMNS)
    assert unpack(packed, COLUMNS) == canonical(followed)
    assert len(packed) < 64 * 64 / 8 + 60


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 40), columns=st.integers(1, 40), seed=st.integers(0, 99), more=st.binary(max_size=2))
def test_every_structure_comes_back_as_it_was(rows, columns, seed, more):
    cells = base64.b64decode(structure(rows, columns, seed).partition(":")[2]) + more
    text = of_a_picture(f"{columns}x{rows}:{base64.b64encode(cells).decode('ascii')}")
    assert unpack(pack(text, COLUMNS), COLUMNS) == text


@pytest.mark.parametrize("text", [of_a_picture("9999x9999:" + "A" * 80), of_a_picture("064x64:" + "A" * 684 + "==")])
def test_what_only_looks_like_a_structure_comes_back_too(text):
    assert unpack(pack(text, COLUMNS), COLUMNS) == text


def test_what_was_stored_by_an_earlier_version_is_read():
    cells = structure(64, 64)
    plain = of_a_picture("64x64:\x03\x04\x00").replace(COLUMNS[2].hex(), "\x02\x02")
    plain = plain.replace("\\u0003\\u0004\\u0000", "\x03\x04\x00")
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    deflated = deflater.compress(plain.encode()) + deflater.flush()
    stored = b"\x01" + len(deflated).to_bytes(2) + deflated + base64.b64decode(cells.partition(":")[2])
    assert unpack(stored, COLUMNS) == of_a_picture(cells)


def test_a_damaged_structure_is_refused_or_is_another_one():
    text = of_a_picture(structure(64, 64))
    packed = bytearray(pack(text, COLUMNS))
    for place in range(len(packed) - 200, len(packed), 20):
        damaged = bytes(packed[:place] + bytes([packed[place] ^ 0xFF]) + packed[place + 1 :])
        try:
            assert unpack(damaged, COLUMNS) != text
        except LedgerError:
            continue


def test_a_structure_of_too_many_cells_is_refused():
    with pytest.raises(LedgerError, match="cells"):
        expand(b"", 9999, 9999)


@given(data=st.binary(max_size=80))
@example(data=b"\x01\x00\xff")
@example(data=b"\x07")
@example(data=b"\x02\x00\xff")
@example(data=b"\x03")
@example(data=b"\x04" + bytes(40))
def test_what_was_not_packed_is_refused(data):
    try:
        unpack(data, COLUMNS)
    except LedgerError:
        return
    assert data[:1] in (b"\x00", b"\x01", b"\x02", b"\x03", b"\x04")


def test_a_body_of_a_later_form_asks_for_an_upgrade():
    with pytest.raises(LedgerError, match="upgrade disclose"):
        unpack(b"\x07abc", COLUMNS)
