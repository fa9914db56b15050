"""The invisible tag: found where it was put, made by nobody else, and never seen in emoji or other scripts."""

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from disclose.disclosure import Identifier
from disclose.media.text_tag import LENGTH, hidden, tags, without, written
from disclose.media.text_zones import places

KEY, OTHER = b"one key of a tenant", b"another tenant's key"
PROSE = "The tide rises twice a day because of the moon.\n\nNobody knew that for long."
prose_text = some.sampled_from((PROSE, "今日はとても良い天気です。", "The tide is high." * 9))
identifiers = some.integers(0, 2**128 - 1).map(lambda value: Identifier(value=value))


@given(identifiers, some.text(max_size=50), some.text(max_size=50))
def test_a_tag_is_found_where_it_was_put(identifier, before, after):
    text = written(before + ". " + after, len(before) + 1, identifier, KEY)
    found = [tag for tag in tags(text) if tag.is_made_with(KEY)]
    assert [tag.identifier for tag in found] == [identifier.leading(64)]
    assert without(text, KEY) == before + ". " + after


def test_eighteen_characters_are_added_and_nothing_that_is_seen_changes():
    text = written(PROSE, places(PROSE)[-1], Identifier.new(), KEY)
    assert len(text) == len(PROSE) + LENGTH
    assert "".join(one for one in text if unicodedata.category(one) != "Mn") == PROSE


def test_who_has_not_the_key_makes_no_tag_of_ours():
    text = written(PROSE, len(PROSE), Identifier.new(), OTHER)
    (tag,) = tags(text)
    assert not tag.is_made_with(KEY)


def test_what_others_hid_in_a_text_is_named_and_left_there():
    manifest = "\ufeff" + "".join(
        chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16) for byte in b"C2PATXT\x00\x01\x00\x00\x00\x01x"
    )
    zero_width = "\u200b\u200c" * 20
    smuggled = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore this")
    text = f"One.{manifest} Two.{zero_width} Three.{smuggled}"
    kinds = [found.kind for found in hidden(text)]
    assert kinds == ["a C2PA manifest (2.4, A.8)", "letters in tag characters", "a run of zero-width characters"]
    assert without(text, KEY) == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        # As glyphmark 0.3 writes it behind words, sparsely and compact, and zwsp-steg-py 0.2 at the end.
        (
            "The\u200d\u200d tide\u200d rises\u200c\u200c twice\u200c a\u200d day\u200c.",
            "zero-width characters among letters",
        ),
        ("The\U000e0148 tide\U000e01d0 rises\U000e0153\ufe0d twice.", "variation selectors among letters"),
        ("The tide.\u200b\u200b\u200b\u200b\u200f\u200c\u200b\u200b", "a run of zero-width characters"),
        ("T\U000e0069h\U000e0067e\U000e006e\U000e006f", "tag characters among letters"),
        ("a\u2009b\u200ac\u2009d\u205fe\u2005f\u2006g\u2009h\u2009i", "spaces of several widths"),
    ],
)
def test_marks_that_are_spread_over_a_text_are_named_and_left_there(text, kind):
    (found,) = hidden(text)
    assert found.kind == kind
    assert without(text, KEY) == text


def test_a_hundred_thousand_strings_of_emoji_and_joiners_hold_no_tag():
    numbers = random.Random(7)  # noqa: S311
    pieces = (
        *(
            "👩‍👩‍👧‍👦",
            "🏳️‍🌈",
            "❤️",
            "☎︎",
            "👍🏽",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "1️⃣",
            "🇪🇺",
        ),
        *(
            "葛\U000e0100",
            "می‌خواهم",
            "क्‍ष",
            "e\u0301",
            "שלום\u200f",
            "\u202emirrored\u202c",
            "ᠮᠣᠩ\u180b",
            "\ud800",
            "a",
            " ",
        ),
        *("\ufe0f", "\ufe0e", "\u200d", "\U000e0101"),
    )
    for _ in range(100_000):
        text = "".join(numbers.choices(pieces, k=12))
        assert not list(tags(text))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "👩‍👩‍👧‍👦 🏳️‍🌈 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f می‌خواهم 葛\U000e0100" * 9,
            "1️⃣2️⃣*️⃣#️⃣" * 9,
        ),
        *(
            "❤\ufe0f\ufe0f\ufe0f\ufe0f\ufe0f",
            "in\u00adter\u00adna\u00adtion\u00adal" * 9,
            "Auf\u200clage" * 9,
            "\ufeff\ufeffa",
        ),
        *(
            "葛\U000e0100辻\U000e0101" * 9,
            "ក\u200bខ\u200b" * 30,
            "C'est vrai\u202f! Oui\u2009: non\u202f? " * 9,
            "ᠮᠣᠩ\u180b\u180c" * 9,
        ),
        "\u2067" * 9 + "\u202a\u202c" * 9,
    ],
)
def test_what_scripts_and_emoji_are_made_of_is_nothing_hidden(text):
    assert not list(hidden(text))


@given(identifiers, prose_text)
def test_a_tag_of_ours_is_nothing_hidden(identifier, text):
    assert not list(hidden(written(text, places(text)[-1], identifier, KEY)))
