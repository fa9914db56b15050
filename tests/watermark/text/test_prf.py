import hashlib
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import KEY

from disclose.watermark.text.prf import uniforms

SCHEME = b"disclose gumbel1"
VECTOR = [0.536055790344525, 0.6239293045177373, 0.15021770401773804, 0.3872613732662461]


def aes(key: bytes, block: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)  # noqa: S305


def as_written(key: bytes, window: list[int], token: int) -> float:
    """Return a uniform number step by step as the module's docstring has it."""
    derived = hashlib.blake2b(key, salt=struct.pack("<H", len(window)), person=SCHEME).digest()
    seed = bytes(16)
    for start in range(0, len(window), 4):
        ids = (window[start : start + 4] + [0, 0, 0])[:4]
        seed = aes(derived[:32], bytes(a ^ b for a, b in zip(seed, struct.pack("<4I", *ids), strict=True)))
    low, high = struct.unpack("<QQ", seed)
    half = struct.unpack("<QQ", aes(derived[32:], struct.pack("<QQ", low ^ (token // 2), high)))[token % 2]
    return ((half >> 12) + 0.5) / 2**52


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=9), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_the_numbers_are_those_of_the_description(window, token):
    source = uniforms(KEY, len(window), SCHEME)
    seeds = source.seeds(np.array([window], np.uint32))
    (number,) = source.of_tokens(seeds[0], np.array([token], np.uint32))
    assert number == as_written(KEY, window, token)


def test_the_numbers_stay_what_they_are():
    """A change here makes every text that was ever marked unreadable."""
    source = uniforms(KEY, 4, SCHEME)
    numbers = source.of_tokens(source.seeds(np.array([[1, 2, 3, 4]], np.uint32))[0], np.array([0, 1, 2, 49151]))
    assert numbers.tolist() == VECTOR


@given(start=st.integers(0, 500).map(lambda half: 2 * half), length=st.integers(0, 300))
def test_a_range_of_tokens_has_the_numbers_of_its_tokens(start, length):
    source = uniforms(KEY, 4, SCHEME)
    seed = source.seeds(np.array([[5, 6, 7, 8]], np.uint32))[0]
    tokens = np.arange(start, start + length)
    assert np.array_equal(source.of_range(seed, start, start + length), source.of_tokens(seed, tokens))


def test_threads_see_the_same_numbers():
    source = uniforms(KEY, 4, SCHEME)
    windows = np.arange(4000, dtype=np.uint32).reshape(-1, 4)
    expected = source.seeds(windows)
    with ThreadPoolExecutor(8) as pool:
        assert all(np.array_equal(seeds, expected) for seeds in pool.map(lambda _: source.seeds(windows), range(40)))
