"""Phrases of a text: each window's smallest hash is kept, so that a quotation keeps what the whole kept."""

from hashlib import blake2b
from itertools import permutations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as some

from disclose.media.text import columns, words
from disclose.media.text_shingles import Phrases, earlier_shingles, probes, shingles, sketch, winnowed

KEY = b"a key of thirty-two bytes, say.."
texts = some.lists(some.sampled_from(["one", "two", "three", "東京", "Ünder", "six"]), max_size=80).map(" ".join)


def phrases(text: str) -> Phrases:
    return shingles(columns(text), KEY)


@given(texts, some.integers(1, 20))
def test_what_is_kept_is_the_smallest_of_each_window_and_nothing_else(text, window):
    every = phrases(text)
    hashes = every.hashes.tolist()
    width = min(window, len(hashes))
    smallest = {min(hashes[start : start + width]) for start in range(len(hashes) - width + 1) if width}
    assert {one.hash for one in winnowed(every, window)} == smallest


@given(texts, some.integers(0, 40), some.integers(0, 40))
def test_a_quotation_is_asked_about_all_that_the_log_keeps_of_it(text, before, after):
    found = words(text)
    part = found[before : max(before, len(found) - after)]
    inner = {one.hash for one in winnowed(phrases(text), 2) if before < one.first and one.last < before + len(part) - 1}
    quoted = text[part[0].start : part[-1].end] if part else ""
    assert inner <= {one.hash for one in probes(phrases(quoted))} | _twice(text)


@given(texts)
def test_what_the_log_keeps_is_always_asked_about(text):
    every = phrases(text)
    assert {one.hash for one in sketch(every)} <= {one.hash for one in probes(every)}


@given(texts)
def test_phrases_left_out_are_gone_and_the_rest_keep_their_places(text):
    every = phrases(text)
    gone = set(every.hashes.tolist()[::3])
    left = every.without(gone)
    places = dict(zip(range(len(every)), every.hashes.tolist(), strict=True))
    assert [places[first] for first in left.firsts] == left.hashes.tolist()
    assert gone.isdisjoint(left.hashes.tolist())


def _twice(text):
    """Return the phrases that *text* has more than once: which of them is kept depends on where the text is cut."""
    hashes = phrases(text).hashes.tolist()
    return {one for one in hashes if hashes.count(one) > 1}


def _phrases(text, every):
    found = [word.folded for word in words(text)]
    return [found[first : last + 1] for first, last in zip(every.firsts, every.lasts, strict=True)]


@given(texts)
def test_a_phrase_is_hashed_by_itself_under_the_key(text):
    every = shingles(columns(text), KEY)
    secret = blake2b(key=KEY, digest_size=16, person=b"disclose-blocks").digest()
    for phrase, one in zip(_phrases(text, every), every.hashes, strict=True):
        block = b""
        for half in (slice(8), slice(8, 16)):
            digests = (
                blake2b(word.encode(), key=KEY, digest_size=16, person=b"disclose-word").digest() for word in phrase
            )
            value = sum(int.from_bytes(digest[half], "little") << place for place, digest in enumerate(digests))
            block += (value % 2**64).to_bytes(8, "little")
        hashed = Cipher(algorithms.AES(secret), modes.ECB()).encryptor().update(block)  # noqa: S305
        assert one == int.from_bytes(hashed[:6], "big")


@given(texts)
def test_a_phrase_is_hashed_by_itself_as_before(text):
    every = earlier_shingles(columns(text), KEY)
    for phrase, one in zip(_phrases(text, every), every.hashes, strict=True):
        digest = blake2b("\n".join(phrase).encode(), key=KEY, digest_size=6, person=b"disclose-phrase").digest()
        assert one == int.from_bytes(digest, "big")


@pytest.mark.parametrize("words_of_it", [["one", "two", "three"], [*"東京大阪神戸"], ["one", *"東京", "two"]])
def test_the_same_words_in_another_order_are_another_phrase(words_of_it):
    orders = {" ".join(order) for order in permutations(words_of_it)}
    hashes = {shingles(columns(order), KEY).hashes[0] for order in orders}
    assert len(hashes) == len(orders)
    assert len({one for order in orders for one in shingles(columns(order), bytes(32)).hashes} & hashes) == 0


def test_lone_surrogates_are_hashed_too():
    assert (
        len(shingles(columns("one \ud800 two three four"), KEY))
        == len(earlier_shingles(columns("one \ud800 two three four"), KEY))
        > 0
    )
