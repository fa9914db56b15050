"""Which texts have to be watermarked: each example of the guidelines falls where they say, with its reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from disclose.duty import VERY_SHORT, Duty, Function, Reason, Route, duty_of, estimated_tokens

LETTER = "Thank you for your patience while we looked into the matter of the missing parcel. " * 20


def reason(*arguments, **options):
    return duty_of(*arguments, **options).reason


def test_a_long_answer_in_prose_needs_a_watermark_and_says_by_what_clause():
    duty = duty_of(LETTER)
    assert duty.watermark
    assert duty.tokens >= VERY_SHORT
    assert "50(2)" in duty.clause


def test_two_hundred_tokens_are_the_border():
    def count(text):
        return len(text.split())

    assert duty_of("word " * 200, count=count, tokenizer="words").watermark
    assert reason("word " * 199, count=count, tokenizer="words") is Reason.VERY_SHORT


@pytest.mark.parametrize("text", ["Yes.", "Paris", "A red bicycle leans against a wall.", "Save", "東京"])
def test_words_and_captions_are_very_short_text(text):
    assert reason(text) is Reason.VERY_SHORT


@pytest.mark.parametrize(
    "text",
    [
        "```python\n" + "def area(radius):\n    return 3.14 * radius ** 2\n" * 60 + "```",
        "import os\n" + "value = compute(value)\n" * 200,
        "SELECT name FROM users WHERE id = 1;\n" * 100,
        "name: web\nimage: nginx\nport: 80\n" * 60,
        "name,age\n" + "Ada,36\n" * 200,
        json.dumps({"codes": ["a1", "b2"] * 500}),
    ],
)
def test_code_and_data_need_none_with_their_comments(text):
    duty = duty_of(text)
    assert not duty.watermark
    assert duty.reason is Reason.NO_PROSE


def test_a_letter_inside_json_counts_all_the_same():
    assert duty_of(json.dumps({"status": "done", "parts": [{"letter": LETTER}]})).watermark


def test_prose_around_code_counts_and_the_code_does_not():
    assert duty_of(LETTER + "\n\n```sh\nls\n```\n").watermark
    assert not duty_of("Run this:\n\n```sh\n" + "echo a line of some length\n" * 200 + "```\n").watermark


@pytest.mark.parametrize(
    "text",
    [
        "\n\n".join([LETTER.strip()] * 2),
        "\n".join(f"{name}: I have looked for you, and nobody knew where you were." for name in ("Ann", "Ben") * 9),
        f"Here is your letter:\n\n```\n{LETTER}\n```",
        f"---\ntitle: A letter\ndate: today\n---\n\n{LETTER}",
        json.dumps({"answer": "今日はとても良い天気ですから、公園を散歩しましょう。" * 9}),
    ],
    ids=["as-many-stops", "dialogue", "fence", "front-matter", "no-spaces"],
)
def test_free_form_text_that_looks_like_code_or_data_needs_a_watermark(text):
    assert duty_of(text).watermark


def test_an_essay_is_not_taken_for_a_program_because_two_lines_look_like_one():
    assert duty_of(LETTER.replace(". ", ".\n") + "\nimport os\nvalue = 1;\n").watermark


def test_what_no_person_sees_needs_none():
    assert reason(LETTER, route="machine") is Reason.MACHINE


@pytest.mark.parametrize("function", ["spelling", "style", "translation", "transcription"])
def test_assistive_functions_need_none(function):
    assert reason(LETTER, function=function) is Reason.ASSISTIVE


@pytest.mark.parametrize("function", ["summary", "rewriting", "generation"])
def test_summaries_and_rewriting_cannot_be_exempted(function):
    assert duty_of(LETTER, function=function).watermark


def test_a_function_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="assisting"):
        duty_of(LETTER, function="assisting")
    with pytest.raises(ValueError, match="tokenizer"):
        duty_of(LETTER, count=len)


def test_the_duty_stands_in_a_record_as_plain_values():
    written = json.loads(json.dumps(duty_of(LETTER).to_dict()))
    assert written["watermark"] is True
    assert written["tokenizer"].startswith("estimate")


@given(some.text(max_size=400), some.sampled_from(Route), some.sampled_from(Function))
def test_every_text_has_a_duty_and_only_free_form_text_needs_a_watermark(text, route, function):
    duty = duty_of(text, route=route, function=function)
    assert isinstance(duty, Duty)
    assert duty.watermark == (duty.reason is Reason.FREE_FORM)
    assert duty.tokens >= 0


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("달 때문에 밀물은 하루에 두 번 차오르고, 그녀가 그렇게 빨리 해안의 오래된 등대로 돌아올 줄은 몰랐다.", 33),
        ("הגאות עולה פעמיים ביום בגלל הירח, ואיש לא ציפה שהיא תחזור כל כך מהר למגדלור הישן שעל החוף.", 33),
        ("မိုးရွာသွန်းမှုကြောင့် ဒီရေသည် တစ်နေ့ နှစ်ကြိမ် တက်သည်။", 27),
        ("Thủy triều lên hai lần một ngày vì mặt trăng, và không ai ngờ rằng cô ấy sẽ trở lại ngọn hải đăng cũ.", 33),
        ("👩‍👩‍👧‍👦🏳️‍🌈❤️👍🏽🌊", 23),
    ],
)
def test_the_estimate_is_not_below_a_current_tokenizer_in_any_script(text, tokens):
    # Counted by OpenAI's o200k.
    assert estimated_tokens(text) >= tokens


@pytest.mark.parametrize("text", ["", " \n", "\u200b" * 900, "\x00" * 900, "\ufeff\u2067\u2069"])
def test_where_nothing_is_seen_there_is_nothing_to_mark(text):
    assert reason(text) is Reason.EMPTY


@given(some.text(alphabet="abc déß 東京, .", max_size=300))
def test_the_estimate_is_never_below_a_token_for_each_word(text):
    assert estimated_tokens(text) >= len(text.replace(",", " ").replace(".", " ").split())
