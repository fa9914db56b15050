"""Words of every script, where they stand, and what an HTML document shows."""

import gc
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from disclose.errors import UnreadableError
from disclose.media.text import UNSPACED, _inner, columns, decode, folded, visible_text, words


@given(some.text())
def test_every_word_stands_where_it_says(text):
    found = words(text)
    assert all(0 <= word.start < word.end <= len(text) for word in found)
    assert all(one.end <= other.start for one, other in zip(found, found[1:], strict=False))  # noqa: RUF007


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t panic, Émile!", ["don't", "panic", "émile"]),
        ("हिन्दी में लिखा", ["हिन्दी", "में", "लिखा"]),
        ("می‌خواهم بروم", ["میخواهم", "بروم"]),
        ("東京へ行く", ["東", "京", "へ", "行", "く"]),
        ("서울은 크다", ["서울은", "크다"]),
        ("soft\u00adware \u200bhid\u200bden", ["software", "hidden"]),
    ],
)
def test_words_are_those_of_the_script(text, expected):
    assert [word.folded for word in words(text)] == expected


@given(some.text(alphabet=some.characters(max_codepoint=127)))
def test_the_short_way_for_plain_letters_finds_what_the_long_one_does(text):
    assert [word.folded for word in words(text)] == [word.folded for word in words(text + " é")[:-1]]


_PIECES = some.sampled_from(
    [*"ab_'’09 .-éİß東京กａﬁ", "\u0301", "\u200d", "\u115f", "\U0001d165", "\U000e0100", "\ud800"]
)


@given(some.text(alphabet=_PIECES))
@example("é\u0301'\U0001d165")
@example("a\u0301'東\u0301'b 京_")
def test_a_run_that_holds_characters_as_words_is_those_and_what_stands_between_them(text):
    found = words(text)
    assert all(word.is_character == bool(re.match(f"[{UNSPACED}]", text[word.start])) for word in found)
    for run in re.finditer(rf"\w(?:\w|{_inner()})*+(?:['’]\w(?:\w|{_inner()})*+)*+", text):
        within = [word for word in found if run.start() <= word.start and word.end <= run.end()]
        kept = "".join(text[word.start : word.end] for word in within)
        assert folded(kept).replace("_", "") == folded(run[0]).replace("_", "")
        assert len(within) <= 1 or any(word.is_character for word in within)


@given(some.text(alphabet=_PIECES))
def test_the_columns_are_those_of_the_words(text):
    found, rows = columns(text), words(text)
    assert list(found) == found[:] == rows
    assert found[1::2] == rows[1::2]
    assert [found[index] for index in range(len(found))] == rows


@given(some.text(alphabet=_PIECES))
@example("é\u0301'\U0001d165")
def test_words_of_a_text_without_characters_as_words_are_its_runs_of_letters_marks_and_joiners(text):
    runs = re.finditer(rf"\w(?:\w|{_inner()})*+(?:['’]\w(?:\w|{_inner()})*+)*+", text)
    plain = [(folded(run[0]).strip("_"), run.start(), run.end()) for run in runs]
    if not any(word.is_character for word in words(text)):
        assert [word[:3] for word in words(text)] == [one for one in plain if one[0]]


@pytest.mark.parametrize("piece", ["One and another. ", "Eins — und noch eins. ", "一 und zwei. "])
def test_a_long_text_has_the_words_of_its_parts_and_leaves_the_collector_on(piece):
    count = len(words(piece))
    found = words(piece * 20_000)
    assert len(found) == 20_000 * count
    assert [word.folded for word in found] == [word.folded for word in words(piece)] * 20_000
    assert [word.start for word in found[-count:]] == [word.start + len(piece) * 19_999 for word in words(piece)]
    assert gc.isenabled()


@pytest.mark.parametrize("unit", ["東", "กิ", "東\u3099", "東\U00020001", "a\U0001d165", "é\u200d", "'a", "東😀"])
def test_the_words_of_every_script_take_time_in_proportion_to_the_text(unit):
    start = time.process_time()
    columns(unit * (300_000 // len(unit)))
    assert time.process_time() - start < 2


@given(some.text(), some.text())
def test_invisible_characters_and_case_change_no_wording(one, other):
    assert folded(f"{one} \u200b{other}") == folded(f"{one} {other}".upper().lower()) or not (one + other).isascii()


def test_what_is_no_utf_8_is_refused_with_the_place():
    with pytest.raises(UnreadableError, match="byte 3"):
        decode(b"abc\xff")
    assert decode(b"\xef\xbb\xbfabc") == "abc"


def test_of_a_page_what_is_shown_comes_with_its_place():
    page = "<html><head><title>no</title></head><body><p>Fish &amp; chips</p><script>no()</script> there</body>"
    shown, places = visible_text(page)
    assert shown.split() == ["Fish", "&", "chips", "there"]
    for at, place in places:
        if shown[at].isalpha():
            assert page[place] == shown[at]


@pytest.mark.parametrize("unit", ["<p>a</p>", "<", "&#1;", "<!--", "<head ", "<script>", "&am", "<title></tit", "</"])
def test_hostile_markup_takes_time_in_proportion_to_its_size(unit):
    start = time.process_time()
    visible_text(unit * (300_000 // len(unit)))
    assert time.process_time() - start < 3
