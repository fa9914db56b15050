"""Answers of a real model, as tests/fixtures/text/make.py keeps a few of benchmarks/text_answers.py."""

import json
from pathlib import Path

import pytest

from disclose.watermark.text import REPORT_AT, gumbel, synthid

ANSWERS = json.loads((Path(__file__).parents[2] / "fixtures/text/answers.json").read_text())
KEY = b"the key of the text benchmarks: not a secret"
DETECT = {"gumbel": gumbel.detect, "synthid": synthid.detect}


def cells(*schemes: str) -> list:
    return [
        pytest.param(cell.split(",")[0], ids, id=f"{cell}, {number}")
        for cell, rows in ANSWERS.items()
        for number, ids in enumerate(rows)
        if cell.split(",")[0] in schemes and cell.endswith("T = 1")
    ]


@pytest.mark.parametrize(("scheme", "ids"), cells("gumbel", "synthid"))
def test_an_answer_that_was_marked_once_is_found_for_ever(scheme, ids):
    assert DETECT[scheme](ids, KEY).p_value < REPORT_AT
    assert DETECT[scheme](ids[:104], KEY).p_value < REPORT_AT


@pytest.mark.parametrize(("scheme", "ids"), cells("none", "gumbel", "synthid"))
def test_an_answer_is_not_found_under_a_key_that_had_no_part_in_it(scheme, ids):
    for detect in DETECT.values():
        assert detect(ids, KEY + b".").p_value > 1e-4
    if scheme == "none":
        assert gumbel.detect(ids, KEY).p_value > 1e-4
