"""Safe zones hold whatever is put into them, and a mark may stand only where prose ends."""

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from disclose.media.text_zones import Kind, places, prose, whole_kind, zones

SENTENCES = (
    "The tide rises twice a day because of the moon.",
    "Nobody had expected that she would come back so soon.",
    "“It is late,” he said, and closed the door behind him.",
    "Die Katze schläft auf dem warmen Ofen und träumt.",
    "今日はとても良い天気ですから、公園を散歩しましょう。",
    "المدينة القديمة جميلة جدا في فصل الربيع.",
    "यह एक सुंदर और शांत गाँव है जहाँ लोग मिलकर रहते हैं।",
)
MACHINE_READ = (
    *("```python\nprint('a line of prose in a string that ends here.')\n```", "~~~\nThis is prose in a fence.\n~~~"),
    *("```\nThis fence is never closed.", "    indented code that reads like prose does", "`a name in code`"),
    *('{"answer": "A sentence that ends well."}', '[1, 2, "three words here"]', '{"answer": "cut off in the mid'),
    *("https://example.org/a-page-of-prose.", "www.example.org", "somebody@example.org", "mailto:a@b.org"),
    *("12345", "3.14", "−40 °C", "1,000,000 euros in 2024", "+49 30 123456", "v2", "10 000"),
    *("| a | table |\n|---|---|\n| of | words |", "one\ttwo\nthree\tfour"),
    *(r"\(a + b\)", r"\[ \sum x \]", "$x$ and $y$", "$$\nE = mc^2\n$$", r"\begin{equation}a\end{equation}", r"\alpha"),
    '<tool_call>{"name": "search", "arguments": {"query": "a sentence."}}</tool_call>',
    *("<|im_start|>assistant\nA turn of another model.<|im_end|>", "[INST] Tell me a story. [/INST]"),
    *("/usr/share/doc", "~/notes.txt", r"C:\Users\name", "setup.py", "./run"),
    *("<p>This paragraph is markup.</p>", "<!-- a comment that reads like prose. -->", "&nbsp;"),
    *("diff --git a/one b/two", "@@ -1,2 +1,2 @@", "[a link](https://example.org)", "[1]: https://example.org"),
    *("SELECT name FROM people WHERE age > 3;", "^[a-z]+$", "x = compute(y)", "import os"),
)  # fmt: skip

prose_text = some.lists(some.sampled_from(SENTENCES), min_size=1, max_size=3).map(" ".join)
machine_text = some.sampled_from(MACHINE_READ)
piece = some.one_of(prose_text.map(lambda text: (text, False)), machine_text.map(lambda text: (text, True)))


@pytest.mark.parametrize("sentence", SENTENCES)
def test_prose_in_any_script_has_a_place_after_its_last_visible_character(sentence):
    assert places(sentence + "\n") == [len(sentence)]


@pytest.mark.parametrize("text", MACHINE_READ)
def test_what_machines_read_has_no_place(text):
    assert places(text) == []


@given(some.lists(some.tuples(piece, some.sampled_from((" ", "\n", "\n\n"))), min_size=1, max_size=8))
def test_nothing_is_ever_written_into_a_zone_or_at_its_edge(pieces):
    text, guarded = "", []
    for (content, is_machine_read), gap in pieces:
        if content.startswith("    "):
            # Elsewhere these are spaces inside a paragraph (CommonMark 0.31.2, 4.4).
            text += "\n\n"
        if is_machine_read:
            guarded.append((len(text), len(text) + len(content)))
        text += content + gap
    for place in places(text):
        assert not any(start <= place <= end for start, end in guarded), text[max(0, place - 40) : place]
        assert text[place - 1].strip()


@given(some.text(max_size=300), prose_text)
def test_whatever_stands_in_a_fence_stays_as_it_is(content, after):
    fenced = "````\n" + content.replace("`", "") + "\n````"
    text = f"{fenced}\n\n{after}"
    assert all(place > len(fenced) for place in places(text))


@given(some.recursive(some.text() | some.integers() | some.booleans(), some.lists, max_leaves=8), some.text())
def test_a_json_document_is_a_zone_as_a_whole(value, key):
    assert places(json.dumps({key: value}, ensure_ascii=False)) == []


@given(some.text())
def test_zones_are_in_order_and_apart_and_places_outside_them(text):
    found = zones(text)
    assert all(0 <= zone.start < zone.end <= len(text) for zone in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    for place in places(text):
        assert not any(zone.start <= place <= zone.end for zone in found)


def test_a_python_file_has_no_place_even_in_its_docstring():
    source = '"""Say what a module does in one sentence.\n\nAnd then in a paragraph of prose.\n"""\n\nimport os\n'
    assert whole_kind(source) is Kind.CODE
    assert places(source) == []


def test_of_markup_the_prose_is_what_is_shown():
    assert prose("<p>Shown <b>words</b></p><script>hidden()</script>").split() == ["Shown", "words"]


@pytest.mark.parametrize(
    "unit",
    ["a", "1 ", "`", "<a ", "$a ", "[{", "x/", "[a](", "a.b", "``` \n", " ", "\n", "<tool_call>", "\\a{", "-" * 9],
)
def test_hostile_text_takes_time_in_proportion_to_its_size(unit):
    text = unit * (200_000 // len(unit))
    start = time.process_time()
    places(text)
    assert time.process_time() - start < 3
