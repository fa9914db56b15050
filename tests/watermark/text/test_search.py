import logging

import pytest
from streams import KEY, OTHER_KEY, marked, written

from disclose.errors import InputError
from disclose.watermark.text import Reason, gumbel
from disclose.watermark.text.search import findings, readings, search


def encode(text: str) -> list[int]:
    return [int(word) for word in text.split()]


def backwards(text: str) -> list[int]:
    return encode(text)[::-1]


def failing(text: str) -> list[int]:
    raise OverflowError(f"a tokenizer's own trouble with {text}")


def in_words(ids) -> str:
    return " ".join(map(str, ids))


SCHEMES = {"gumbel": gumbel.detect}
KEYS = {"old": OTHER_KEY, "new": KEY}


def test_the_key_and_the_tokenizer_are_found_among_several(answer):
    found = search(in_words(answer), tokenizers={"wrong": backwards, "right": encode}, keys=KEYS, schemes=SCHEMES)
    assert found.reason is Reason.MARKED
    assert found.label == "gumbel, key new, tokenizer right"


def test_the_p_value_is_corrected_for_everything_that_was_tried(answer):
    alone = gumbel.detect(answer[:60], KEY)
    found = search(in_words(answer[:60]), tokenizers={"a": encode, "b": backwards}, keys=KEYS, schemes=SCHEMES)
    assert found.p_value == pytest.approx(4 * alone.p_value)
    assert found.hypotheses == 4 * alone.hypotheses
    assert found.spans[0].p_value == pytest.approx(4 * alone.spans[0].p_value)


def test_answers_under_two_keys_are_both_found_in_one_text(answer):
    text = in_words([*answer[:150], *marked(25, 150, OTHER_KEY)])
    found = findings(text, tokenizers={"a": encode, "b": backwards}, readings=readings(KEYS, SCHEMES))
    assert {one.label for one in found} == {"gumbel, key old, tokenizer a", "gumbel, key new, tokenizer a"}
    assert all(0.4 < one.share < 0.6 for one in found)
    assert {one.hypotheses for one in found} == {4 * gumbel.detect(encode(text), KEY).hypotheses}


def test_one_answer_is_found_once_however_many_tokenizers_can_read_it(answer):
    found = findings(in_words(answer), tokenizers={"a": encode, "b": encode}, readings=readings(KEYS, SCHEMES))
    assert [one.label for one in found] == ["gumbel, key new, tokenizer a"]


def test_looking_under_many_keys_does_not_find_what_is_not_there():
    keys = {str(number): number.to_bytes(16, "big") for number in range(200)}
    found = search(in_words(written(30, 100)), tokenizers={"a": encode}, keys=keys, schemes=SCHEMES)
    assert found.p_value > 0.01


def test_a_tokenizer_that_fails_does_not_silence_the_others(answer, caplog):
    with caplog.at_level(logging.WARNING):
        found = search(in_words(answer), tokenizers={"bad": failing, "a": encode}, keys=KEYS, schemes=SCHEMES)
    assert found.reason is Reason.MARKED
    assert "bad" in caplog.text
    assert in_words(answer[:5]) not in caplog.text


@pytest.mark.parametrize("tokenizers", [{}, {"bad": failing}])
def test_a_search_that_could_read_nothing_raises(tokenizers):
    with pytest.raises(InputError, match="no tokenizer"):
        search("1 2 3", tokenizers=tokenizers, keys=KEYS, schemes=SCHEMES)


def test_lone_surrogates_reach_no_tokenizer():
    seen = []
    search("a\ud800b\udfff😀", tokenizers={"a": lambda text: seen.append(text) or [1]}, keys=KEYS, schemes=SCHEMES)
    assert seen == ["a\ufffdb\ufffd😀"]


def test_an_empty_text_is_undetermined():
    assert search("", tokenizers={"a": encode}, keys=KEYS, schemes=SCHEMES).reason is Reason.TOO_SHORT
