"""The invisible tag: found where it was put, made by nobody else, and never seen in emoji or other scripts."""

import random
import unicodedata

from hypothesis import given
from hypothesis import strategies as some

from disclose.disclosure import Identifier
from disclose.media.text_tag import LENGTH, hidden, tags, without, written
from disclose.media.text_zones import places

KEY, OTHER = b"one key of a tenant", b"another tenant's key"
PROSE = "The tide rises twice a day because of the moon.\n\nNobody knew that for long."
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


def test_emoji_flags_and_persian_are_nothing_hidden():
    text = "👩‍👩‍👧‍👦 🏳️‍🌈 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f می‌خواهم 葛\U000e0100"
    assert not list(hidden(text))
