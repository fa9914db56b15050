import pytest
from certificates import MAKERS
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from disclose.errors import IdentityError
from disclose.signing.signatures import ALGORITHMS, algorithm_of, algorithms_of, signing, verified

KEYS = {name: make() for name, make in MAKERS.items()}
PAIRS = [(key, algorithm) for key in KEYS.values() for algorithm in algorithms_of(key.public_key())]
FOR_ALL = pytest.mark.parametrize(("key", "algorithm"), PAIRS, ids=[algorithm for _, algorithm in PAIRS])
WIDTHS = {"es256": 64, "es384": 96, "es512": 132, "ed25519": 64, "ps256": 256, "ps384": 256, "ps512": 256}


def test_every_algorithm_of_c2pa_has_a_key_that_signs_it():
    assert {algorithm for _, algorithm in PAIRS} == set(ALGORITHMS)


@FOR_ALL
@given(data=st.binary(max_size=200))
@settings(max_examples=10, deadline=None)
def test_what_a_key_signs_verifies_in_the_form_that_cose_carries(key, algorithm, data):
    signature = verified(signing(key, algorithm)(data), data, key.public_key(), algorithm)
    assert len(signature) == WIDTHS[algorithm]
    assert verified(signature, data, key.public_key(), algorithm) == signature


@FOR_ALL
@given(data=st.binary(min_size=1, max_size=50), position=st.integers(0), bit=st.integers(0, 7))
@settings(max_examples=10, deadline=None)
def test_a_signature_with_one_bit_changed_does_not_verify(key, algorithm, data, position, bit):
    signature = bytearray(verified(signing(key, algorithm)(data), data, key.public_key(), algorithm))
    signature[position % len(signature)] ^= 1 << bit
    with pytest.raises(InvalidSignature):
        verified(bytes(signature), data, key.public_key(), algorithm)


@FOR_ALL
@given(rubbish=st.binary(max_size=300))
@settings(max_examples=20, deadline=None)
def test_rubbish_of_any_length_is_no_signature(key, algorithm, rubbish):
    with pytest.raises(InvalidSignature):
        verified(rubbish, b"data", key.public_key(), algorithm)


@given(data=st.binary(max_size=50))
@settings(max_examples=20, deadline=None)
def test_der_and_plain_numbers_are_the_same_ecdsa_signature(data):
    key = KEYS["es384"]
    der = signing(key, "es384")(data)
    plain = b"".join(number.to_bytes(48, "big") for number in decode_dss_signature(der))
    assert verified(der, data, key.public_key(), "es384") == verified(plain, data, key.public_key(), "es384") == plain


def test_an_algorithm_that_the_key_does_not_sign_is_refused_by_name():
    with pytest.raises(IdentityError, match="'es384' does not fit the certificate's key, which signs es256"):
        algorithm_of(KEYS["es256"].public_key(), "es384")
    assert algorithm_of(KEYS["ps256"].public_key(), "ps512") == "ps512"


def test_a_kind_of_key_that_c2pa_does_not_know_is_refused_by_name():
    with pytest.raises(IdentityError, match=r"secp256k1.*P-256"):
        algorithm_of(ec.generate_private_key(ec.SECP256K1()).public_key())
