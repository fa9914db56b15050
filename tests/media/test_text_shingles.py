"""Phrases of a text: each window's smallest hash is kept, so that a quotation keeps what the whole kept."""

from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as some

from disclose.media.text import columns, words
from disclose.media.text_shingles import Phrases, probes, shingles, sketch, winnowed

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


@given(texts)
def test_a_phrase_is_hashed_by_itself_under_the_key(text):
    found, every = words(text), shingles(columns(text), KEY)
    for number, (first, last) in enumerate(zip(every.firsts, every.lasts, strict=True)):
        phrase = "\n".join(word.folded for word in found[first : last + 1]).encode("utf-8", "surrogatepass")
        digest = blake2b(phrase, key=KEY, digest_size=6, person=b"disclose-phrase").digest()
        assert every.hashes[number] == int.from_bytes(digest, "big")
