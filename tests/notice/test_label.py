from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from disclose.disclosure import Action
from disclose.notice import label
from disclose.notice.catalogue import catalogues

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("kind", ["generated", "modified"])
@pytest.mark.parametrize("language", catalogues())
def test_the_sign_has_a_name_and_a_description_in_every_language(kind, language):
    root = ElementTree.fromstring(label.svg(kind, language))  # noqa: S314
    assert root.get("role") == "img"
    named = root.get("aria-labelledby").split()
    assert [root.find(f"{SVG}{tag}").get("id") for tag in ("title", "desc")] == named
    assert all(root.find(f"{SVG}{tag}").text.strip() for tag in ("title", "desc"))
    assert root.get("lang") == language
    assert "{" not in label.svg(kind, language)


def test_the_sign_asks_for_nothing_from_elsewhere():
    for kind in ("generated", "modified"):
        text = label.svg(kind).replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "http" not in text
        assert "<script" not in text


def test_the_two_signs_differ_in_shape_and_name():
    generated, modified = label.svg("generated"), label.svg("modified")
    assert "AI-generated" in generated
    assert "AI-modified" in modified
    assert generated.count("<path") != modified.count("<path")


def test_the_badge_is_one_named_element_with_enough_contrast():
    seen = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: seen.append((tag, dict(attributes)))
    parser.feed(label.badge("ar"))
    ((tag, attributes),) = seen
    assert (tag, attributes["role"], attributes["dir"], attributes["lang"]) == ("span", "note", "rtl", "ar")
    assert attributes["aria-label"]

    def luminance(colour):
        values = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert "background:#1e2433;color:#fff" in attributes["style"]
    assert 1.05 / (luminance("1e2433") + 0.05) > 15


def test_text_and_descriptions_begin_with_the_label():
    assert label.text_prefix("en") + "It rained." == "AI-generated text: It rained."
    assert label.alternative_text("modified", "A house.", "de").startswith("KI-bearbeitetes Bild: ")


def test_the_second_line_does_not_say_ai_again_where_it_can_be_left_out():
    assert label.second_line("generated", "en") == ("generated", "en")
    assert label.second_line("generated", "zh-Hans")[0] == "生成"
    assert label.second_line("modified", "xx") == ("modified", "en")


def test_what_was_created_is_generated_and_what_was_altered_is_modified():
    assert [label.kind_of(action) for action in Action] == ["generated", "modified"]
