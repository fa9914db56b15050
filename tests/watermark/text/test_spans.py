from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streams import KEY, OTHER_KEY, marked, overlap, written

from disclose.watermark.text import Reason, Span, gumbel
from disclose.watermark.text.spans import SHORTEST, disjoint, joined, placements, sums


@pytest.mark.parametrize("before", [0, 150, 600])
def test_half_an_answer_quoted_in_other_text_is_found_where_it_stands(answer, before):
    text = written(20, before) + list(answer[50:150]) + written(21, 600 - before)
    found = gumbel.detect(text, KEY)
    assert found.reason is Reason.MARKED
    (span,) = found.spans
    assert overlap(span, before, before + 100) > 0.6


def test_two_quotes_are_two_spans(answer):
    text = written(22, 300) + list(answer[:90]) + written(23, 400) + list(answer[100:190]) + written(24, 300)
    first, second = gumbel.detect(text, KEY).spans
    assert overlap(first, 300, 390) > 0.6
    assert overlap(second, 790, 880) > 0.6


def test_what_stands_between_two_answers_is_in_no_span(answer):
    text = written(22, 120) + list(answer[:120]) + written(23, 300) + list(answer[120:]) + written(24, 120)
    found = gumbel.detect(text, KEY)
    first, second = found.spans
    assert overlap(first, 120, 240) > 0.8
    assert overlap(second, 540, 540 + len(answer[120:])) > 0.8
    assert found.share < 0.5
    assert f"{found.share:.0%} of the text" in found.summary


def test_a_text_that_is_marked_throughout_is_one_span_to_its_ends():
    found = [gumbel.detect(marked(seed, 150), KEY).spans for seed in range(40, 60)]
    assert sum([(span.start, span.end) for span in spans] == [(0, 150)] for spans in found) >= 17


def test_a_span_that_is_none_after_the_correction_is_not_named():
    found = gumbel.detect(written(28, 300), KEY)
    weak = Span(start=10, end=60, p_value=1e-4)
    assert replace(found, spans=(weak,)).among(5 * found.hypotheses, "").spans[0].p_value == pytest.approx(5e-4)
    assert replace(found, spans=(weak,)).among(50 * found.hypotheses, "").spans == ()


def test_passages_of_two_keys_are_told_apart(answer):
    text = list(answer[:100]) + marked(25, 100, OTHER_KEY)
    (ours,), (theirs,) = gumbel.detect(text, KEY).spans, gumbel.detect(text, OTHER_KEY).spans
    assert overlap(ours, 0, 100) > 0.6
    assert overlap(theirs, 100, 200) > 0.6


def test_without_the_search_a_quote_drowns(answer):
    text = written(26, 1500) + list(answer[:60]) + written(27, 1500)
    assert gumbel.detect(text, KEY).p_value < 1e-6 < gumbel.detect(text, KEY, spans=False).p_value


@given(st.integers(0, 3000))
def test_every_passage_lies_in_a_window_less_than_twice_as_long(scored):
    places = placements(scored)
    assert ((places >= 0) & (places <= scored)).all()
    random = np.random.default_rng(scored)
    for _ in range(5):
        length = int(random.integers(SHORTEST, max(scored // 2, SHORTEST + 1)))
        if length * 2 > scored:
            break
        start = int(random.integers(0, scored - length + 1))
        around = places[(places[:, 0] <= start) & (places[:, 1] >= start + length)]
        assert (around[:, 1] - around[:, 0]).min() <= 2 * length + 4


@given(st.integers(0, 20_000))
def test_the_number_of_windows_is_linear_in_the_text(scored):
    assert len(placements(scored)) <= 1 + scored


def test_sums_over_windows_are_sums():
    values = np.random.default_rng(1).random(500)
    places = placements(500)
    assert np.allclose(sums(values, places), [values[a:b].sum() for a, b in places])


def test_of_spans_that_overlap_those_stay_that_are_the_least_likely_together():
    def of(*spans):
        return tuple(Span(start=a, end=b, p_value=p) for a, b, p in spans)

    assert disjoint(list(of((0, 10, 1e-4), (5, 20, 1e-9), (21, 30, 1e-4)))) == of((5, 20, 1e-9), (21, 30, 1e-4))
    assert disjoint(list(of((0, 100, 1e-40), (0, 30, 1e-30), (70, 100, 1e-30)))) == of((0, 30, 1e-30), (70, 100, 1e-30))
    assert disjoint(list(of((0, 100, 1e-40), (0, 50, 1e-19), (50, 100, 1e-19)))) == of((0, 100, 1e-40))
    assert disjoint([]) == ()


def test_neighbours_are_one_span():
    spans = [Span(start=a, end=b, p_value=p) for a, b, p in [(0, 30, 1e-4), (32, 60, 1e-9), (90, 130, 1e-4)]]
    assert joined(spans) == (Span(start=0, end=60, p_value=1e-9), spans[2])
