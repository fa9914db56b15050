"""What people read as prose counts as prose, whatever stands around it, and code and data do not."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from disclose.media.text_prose import prose

SENTENCE = "Thank you, dear reader, for your patience while we looked into the missing parcel."
LETTER = " ".join([SENTENCE] * 10)


@pytest.mark.parametrize(
    "text",
    [
        f"{LETTER}\n\n{LETTER}",
        "\n".join(f"{name}: I have looked for you, and nobody knew where you were." for name in ("Ann", "Ben") * 9),
        "\n".join(f"{name}: Where were you?" for name in ("Ann", "Ben") * 9),
        "\n".join(f"- Point {number}: the tide rises twice a day because of the moon." for number in range(9)),
        "The tide that rises in the night and falls again before the light;\n" * 9,
        "\n".join(f"> {SENTENCE}" for _ in range(9)),
        "\n".join([SENTENCE] * 9),
        "<p>" + LETTER + "</p>",
    ],
    ids=["paragraphs", "dialogue", "short-dialogue", "list", "poem", "quoted", "wrapped", "markup"],
)
def test_what_only_looks_like_data_counts_in_full(text):
    assert len(prose(text)) > 0.9 * len(text) - 20


@pytest.mark.parametrize(
    "around",
    [
        *("Here is your letter:\n\n```\n{}\n```\n", "```markdown\n# A letter\n\n{}\n```", "~~~text\n{}\n~~~"),
        *("---\ntitle: A letter\ndate: today\n---\n\n{}", "Subject: A letter\nTo: Ada\n\n{}", "import os\n\n{}"),
        "{}\n" + "value = compute(value)\n" * 55,
        *("value = compute(value)\n{}", "name\tsaying\nAda\t{}\n", "<p>{}</p><script>hidden()</script>"),
        *('{{"letter": "{}"}}', '{{"a": 1}}\n\n{}', '{{"letter": "{}"}}\n{{"letter": ""}}', '```json\n["{}"]\n```'),
    ],
)
def test_a_letter_counts_wherever_it_stands(around):
    said = prose(around.format(LETTER))
    assert LETTER in said
    assert len(said) < len(LETTER) + 40


@pytest.mark.parametrize(
    "said", ["今日はとても良い天気ですから、公園を散歩しましょう。", "วันนี้อากาศดีมากเราไปเดินเล่นในสวนกันเถอะ"]
)
def test_a_sentence_without_spaces_is_one_inside_json_too(said):
    assert prose(json.dumps({"answer": said})) == said


@pytest.mark.parametrize(
    "text",
    [
        "```python\n# " + LETTER + "\n```",
        "def area(radius):\n    # the area\n    return 3.14 * radius ** 2\n\n\nprint(area(2))\n",
        "SELECT name, age FROM people ORDER BY age;\nSELECT name FROM people WHERE age > 3;\n",
        "from os import path, sep, name, environ, linesep\n",
        'printf("The tide rises twice a day because of it");\n',
        "name: web\nimage: nginx\nport: 80\n",
        "[tool]\nname = 1\n",
        "name, age\nAda, 36\nBob, 41\n",
        "name;age;town\nAda;36;Ulm\n",
        json.dumps({"status": "done", "codes": ["a1", "b2"], "name": "Ada Lovelace"}),
        "<script>one two three four five</script>",
    ],
)
def test_code_and_data_hold_no_prose(text):
    assert prose(text).strip() == ""


@given(
    some.lists(
        some.sampled_from(("\n", "\n\n", "```", "~~~", "a: b", "x = 1;", "a,b", "{", "[1]", SENTENCE)), max_size=12
    )
)
def test_whatever_stands_around_sentences_none_is_counted_twice(pieces):
    text = "".join(pieces)
    assert prose(text).count(SENTENCE) <= text.count(SENTENCE)


@pytest.mark.parametrize(
    "unit", ["a", "```\n", "a: b\n", "a,b\n", "{", "[", "\n", " \n", "x;", "<p", "\t", '"', "a\n\n"]
)
def test_hostile_text_takes_time_in_proportion_to_its_size(unit):
    text = unit * (200_000 // len(unit))
    start = time.process_time()
    prose(text)
    assert time.process_time() - start < 3
