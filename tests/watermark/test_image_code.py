from hypothesis import given
from hypothesis import strategies as st

from disclose.watermark.image import code

payloads = st.integers(0, 2**code.PAYLOAD_BITS - 1)
values = st.integers(0, 2**code.SYMBOL_BITS - 1)


@given(payloads, st.binary(max_size=40))
def test_a_payload_comes_back_from_its_symbols(payload, key):
    symbols = code.encode(payload, key)
    assert code.decode([symbol.value for symbol in symbols], key) == payload


@given(values)
def test_a_symbol_stands_for_the_value_it_was_made_of(value):
    assert code.Symbol.of(value).value == value


@given(st.lists(values, min_size=code.SYMBOLS, max_size=code.SYMBOLS), st.binary(max_size=40))
def test_whatever_the_check_lets_through_is_what_would_have_been_sent(received, key):
    payload = code.decode(received, key)
    assert payload is None or [symbol.value for symbol in code.encode(payload, key)] == received


def test_the_check_refuses_nearly_every_wrong_symbol():
    sent = [symbol.value for symbol in code.encode(7, b"key")]
    passed = sum(code.decode([*sent[:4], wrong], b"key") is not None for wrong in range(0, 65536, 7))
    assert passed < 5
