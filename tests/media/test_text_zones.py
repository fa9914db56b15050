"""Safe zones hold whatever is put into them, and a mark may stand only where prose ends."""

import json
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some
from markdown_it import MarkdownIt

from disclose.media.text_zones import Kind, places, whole_kind, zones

SENTENCES = (
    "The tide rises twice a day because of the moon.",
    "Nobody had expected that she would come back so soon.",
    "“It is late,” he said, and closed the door behind him.",
    "Die Katze schläft auf dem warmen Ofen und träumt.",
    "今日はとても良い天気ですから、公園を散歩しましょう。",
    "المدينة القديمة جميلة جدا في فصل الربيع.",
    "यह एक सुंदर और शांत गाँव है जहाँ लोग मिलकर रहते हैं।",
    "วันนี้อากาศดีมากเราไปเดินเล่นในสวนกันเถอะนะครับ",
    "چاند کی وجہ سے سمندر میں دن میں دو بار جوار آتا ہے۔",
    "ባሕሩ በጨረቃ ምክንያት በቀን ሁለት ጊዜ ይነሣል።",
    "လကြောင့် ဒီရေသည် တစ်နေ့ နှစ်ကြိမ် တက်သည်။",
    "ទឹកសមុទ្រឡើងពីរដងក្នុងមួយថ្ងៃដោយសារព្រះចន្ទ។",
    "Մակընթացությունը օրական երկու անգամ բարձրանում է լուսնի պատճառով։",
    "ཟླ་བའི་རྐྱེན་གྱིས་རྒྱ་མཚོའི་རླབས་ཉིན་རེར་ཐེངས་གཉིས་འཕྱུར།",
)
PICTURE = '<img src="a.png"\n alt="A picture.\n\nWhat it shows reads well.\n\n">'
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
    *("<?php\n\nA line of prose that ends here.", "<![CDATA[\n\nProse that ends here."),
    *("diff --git a/one b/two", "@@ -1,2 +1,2 @@", "[a link](https://example.org)", "[1]: https://example.org"),
    *("SELECT name FROM people WHERE age > 3;", "^[a-z]+$", "x = compute(y)", "import os"),
    *("<pre>\nProse as it is typed.\n\nAnd more.\n</pre>", "<style>\n\nbody of a page to be styled.\n\n</style>"),
    "<math>\n<mtext>\n\nWhere x is the height of the tide.\n\n</mtext>\n</math>",
    "\\documentclass{article}\n\\begin{document}\nA sentence in LaTeX.\n\nAnd one more.\n\\end{document}",
    "description: |\n  A text in YAML.\n\n  Its second paragraph reads well.\n\n  And so does its third.\nname: web",
    PICTURE,
    *("getUserName", "get_user_name", "--force", "HOME_DIR", "deadbeef-dead-beef-dead-beefdeadbeef"),
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


@pytest.mark.parametrize(
    "text",
    [
        *("The password is:\n\ncorrect horse battery staple", "Run this:\n\ngit push everything to the origin"),
        *("The password that you need for this place is the following: correct horse battery", "sudo reboot the host"),
        *("Ask the database this:\n\nSELECT name\nFROM people\nORDER BY name", "Call it and wait for get_user_name."),
        *("You can get what you want with min(a).", "Call f(), then wait for it to call you back with g()."),
        *("The message is:\n\nAdd the tides,\nremove the moons", "Run this:\n\ngit push origin main."),
        *(
            "> ~~~\n~~~~\n\nNobody had expected that she came.",
            "- ~~~\n  code\n~~~\n\nNobody had expected that she came.",
        ),
        "~~~\n    ~~~\n\nNobody had expected that she came.\n\n~~~",
        *(
            "A heading without an end",
            "Example::\n\n  A literal block that reads well.",
            "2024-01-01 The tide rose here.",
        ),
        "\u2067The tide rises twice a day because of the moon.\u2069",
    ],
)
def test_what_is_copied_from_a_line_of_its_own_or_still_in_a_fence_has_no_place(text):
    assert places(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *("Best regards to you all,\nAnna", "The tide that rises in the night,\nand falls again before the light"),
        *("I have a new iPhone. It is nice to have.", "It was “the tide of the moon.”", "He said (and meant it.)"),
        *("That was long ago (before the war).", "He called it “the tide”.", "Nobody knew that (not even “she”)."),
    ],
)
def test_letters_and_poems_have_a_place_at_their_end(text):
    assert places(text) == [len(text)]


@given(some.lists(some.tuples(piece, some.sampled_from((" ", "\n", "\n\n"))), min_size=1, max_size=8))
@example([((before, True), " ") for before in ("\\begin{a}b\\end{a}", PICTURE)])
@example([((before, True), " ") for before in ("| a | b |", PICTURE)])
@example([((before, True), " ") for before in ("\\alpha", PICTURE)])
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


BEFORE_LINES = ("", "", "", "> ", "- ", "1. ", "  ", "    ", "\t", "> - ")
LINES = (
    *(SENTENCES[:3] * 3),
    *("", "", "", "```", "````", "~~~", "~~~~ text", "`", "``", "---", "===", "| a | b |", "|---|---|", "[a]: /x"),
    *("<pre>", "</pre>", "<div>", "</div>", "<script>", "</script>", "<!--", "-->", "<![CDATA[", "]]>", "<?php", "?>"),
    *("<!X", "<a\ntitle='", "'>"),
)


@given(some.lists(some.tuples(some.sampled_from(BEFORE_LINES), some.sampled_from(LINES)), min_size=2, max_size=12))
@settings(max_examples=400)
def test_nothing_is_written_into_what_commonmark_calls_code_or_markup(lines):
    text = "\n".join(before + line for before, line in lines)
    marked = text
    for place in reversed(places(text)):
        marked = marked[:place] + "\ue000" + marked[place:]
    for token in MarkdownIt("commonmark").parse(marked):
        for one in (token, *(token.children or ())):
            if one.type in ("fence", "code_block", "code_inline", "html_block", "html_inline"):
                assert "\ue000" not in one.content + one.info


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


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "1 ",
        "`",
        "<a ",
        "$a ",
        "[{",
        "x/",
        "[a](",
        "a.b",
        "``` \n",
        " ",
        "\n",
        "<tool_call>",
        "\\a{",
        "-" * 9,
        "<pre",
        "a:\n\n",
    ],
)
def test_hostile_text_takes_time_in_proportion_to_its_size(unit):
    text = unit * (200_000 // len(unit))
    start = time.process_time()
    places(text)
    assert time.process_time() - start < 3
