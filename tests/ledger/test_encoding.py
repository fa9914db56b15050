import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from disclose.errors import LedgerError
from disclose.ledger.encoding import pack, unpack
from disclose.ledger.record import canonical

COLUMNS = (bytes(range(16)), bytes(range(32)), b"\xaa" * 32)
VALUES = st.recursive(
    st.text() | st.integers() | st.booleans() | st.binary().map(bytes.hex),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(text=st.text())
@example(text="")
@example(text="\x01a\x02b\x03cd")
@example(text=json.dumps({"a": "AB" * 20 + "==", "b": "ab" * 60, "c": COLUMNS[0].hex(), "d": COLUMNS[0][:8].hex()}))
def test_every_text_comes_back_as_it_was(text):
    assert unpack(pack(text, COLUMNS), COLUMNS) == text


@given(values=st.dictionaries(st.text(), VALUES))
def test_every_canonical_text_comes_back_as_it_was(values):
    text = canonical(values)
    assert unpack(pack(text, (COLUMNS[0], COLUMNS[1], None)), (COLUMNS[0], COLUMNS[1], None)) == text


def test_a_text_of_ours_takes_a_sixth_of_its_length():
    text = canonical(
        {
            "disclosure": {
                "action": "created", "created": "2026-11-22T15:58:02Z", "id": COLUMNS[0].hex(), "provider": "Acme GmbH",
                "model": "acme/paint-3", "source_type": "trainedAlgorithmicMedia", "system": "Studio", "version": "2.1",
            },
            "marks": {
                "c2pa": {"alg": "es256", "certificate": "34225a823981d889" * 4},
                "fingerprint": {"pdq": COLUMNS[2].hex()},
                "image_watermark": {
                    "alg": "io.github.disclose-ai.image.1", "strength": 1.0, "value": COLUMNS[0][:8].hex(),
                },
            },
            "media_type": "image/jpeg", "recorded": "2026-11-22T15:58:03.052038Z", "sha256": COLUMNS[1].hex(),
        }
    )  # fmt: skip
    assert len(pack(text, COLUMNS)) < len(text) / 6


@given(data=st.binary(max_size=80))
@example(data=b"\x01\x00\xff")
@example(data=b"\x07")
def test_what_was_not_packed_is_refused(data):
    try:
        unpack(data, COLUMNS)
    except LedgerError:
        return
    assert data[:1] in (b"\x00", b"\x01")


def test_a_body_of_a_later_form_asks_for_an_upgrade():
    with pytest.raises(LedgerError, match="upgrade disclose"):
        unpack(b"\x07abc", COLUMNS)
