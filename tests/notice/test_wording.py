"""Every kind of wording in every language: complete, right in number, and refused by name where it is broken."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as some

import disclose.notice
from disclose.errors import ProfileError
from disclose.notice import WORDING, Kind, Notice, ReviewState, Wording, catalogues, review_state, wording
from disclose.notice.catalogue import read_all
from disclose.notice.catalogue_faults import COUNTABLE
from disclose.notice.kinds import PARTS, placeholders
from disclose.notice.languages import ALIASES, best, direction

# fmt: off
OFFICIAL = [
    "bg", "hr", "cs", "da", "nl", "en", "et", "fi", "fr", "de", "el", "hu",
    "ga", "it", "lv", "lt", "mt", "pl", "pt", "ro", "sk", "sl", "es", "sv",
]
MORE = ["nb", "is", "uk", "tr", "ar", "he", "hi", "ja", "ko", "zh-Hans", "zh-Hant"]
# fmt: on
LANGUAGES = sorted([*OFFICIAL, *MORE])
VALUES = {"principal": "Acme GmbH", "function": "voice analysis", "hours": 3}
# How each language says it; a notice that says none of these names no artificial counterpart.
AI = {
    **dict.fromkeys(["en", "da", "nl", "sv"], r"\bAI\b"),
    **dict.fromkeys(["fr", "it", "pt", "es"], r"\bIA\b"),
    **dict.fromkeys(["de", "nb"], r"\bKI\b"),
    **dict.fromkeys(["cs", "sk"], r"\bAI\b|uměl|umel"),
    "pl": r"\bAI\b|sztuczn",
    "bg": r"\bИИ\b|изкуствен",
    "hr": "umjetn",
    "et": "tehisintellekt",
    "fi": "tekoäly",
    "el": "τεχνητή|τεχνητής",
    "hu": r"\bMI\b|mesterséges",
    "ga": "intleacht[a]? shaorga|intleachta saorga",
    "lv": "mākslīg",
    "lt": "dirbtin",
    "mt": r"\bIA\b|artifiċjal",
    "ro": r"\bIA\b|artificial",
    "sl": "umetn",
    "is": "gervigreind",
    "uk": r"\bШІ\b|штучн",
    "tr": "yapay",
    "ar": "اصطناعي",
    "he": "מלאכותי",
    "hi": "एआई|कृत्रिम",
    "ja": "AI|人工",
    "ko": "AI|인공",
    "zh-Hans": "AI|人工智能|人工合成",
    "zh-Hant": "AI|人工智慧|人工產生",
}
# Words that other languages share with English; a sentence left in English has others as well.
# fmt: off
SHARED_WITH_ENGLISH = {
    "a", "ai", "an", "as", "chatbot", "computer", "data", "for", "image", "in", "intentions", "is", "machine", "on",
    "program", "system", "text",
}
# fmt: on


def said(kind, language, **values):
    needed = {name: {**VALUES, **values}[name] for name in placeholders(kind)}
    return wording(kind, language, **needed)


def path(language):
    return Path(disclose.notice.__file__).parent / "locales" / language.replace("-", "_") / "LC_MESSAGES/disclose.po"


def portable(language):
    return path(language).read_text("utf-8")


def by_babel(language):
    with path(language).open("rb") as file:
        return read_po(file, abort_invalid=True)


def test_the_24_official_languages_of_the_union_and_eleven_more_are_spoken():
    assert len(OFFICIAL) == 24
    assert sorted(catalogues()) == LANGUAGES == sorted(WORDING)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_is_said_in_every_language_with_all_its_values(language):
    for kind in Kind:
        text = said(kind, language)
        parts = (text.headline, text.short, text.long, text.button, text.label)
        assert (text.language, text.is_fallback, str(text)) == (language, False, text.headline)
        assert all(getattr(text, part) for part in (*PARTS[kind], "label"))
        assert not any(re.search(r"[{}]", part) for part in parts)
        for name in placeholders(kind):
            assert any(str(VALUES[name]) in part for part in parts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_read_first_names_what_is_artificial(language):
    for kind in Kind:
        assert re.search(AI[language], said(kind, language).headline, re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_notice_calls_the_counterpart_an_assistant(language):
    everything = " ".join(form for entry in by_babel(language) for form in entry.string if entry.id)
    assert not re.search(
        "assist|asist|ассист|асист|βοηθός|avustaj|pomoc|pomôc|מסייע|アシスタント|助手|어시스턴트", everything
    )


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_no_english_is_left(language):
    for entry in by_babel(language):
        if not entry.id:
            continue
        english, words = _words(entry.id), _words(entry.string)
        assert (english & words) <= SHARED_WITH_ENGLISH, entry.context


def _words(text):
    text = " ".join([text] if isinstance(text, str) else text)
    # Umlauts and accents belong to words: "für" is not "f" and "r".
    return set(re.findall(r"(?<![^\W\d_])[a-z]+(?![^\W\d_])", re.sub(r"\{\w+\}", "", text).lower()))


def test_english_is_its_own_source():
    for entry in by_babel("en"):
        assert not entry.id or entry.string == entry.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_reader_and_babel_read_the_same(language):
    theirs = {
        entry.context: (entry.string,) if isinstance(entry.string, str) else entry.string
        for entry in by_babel(language)
        if entry.id
    }
    ours = {f"{kind}.{part}": forms for (kind, part), forms in catalogues()[language]._forms.items()}
    assert ours == theirs


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_plural_form_is_used_where_the_unicode_tables_use_one(language):
    rule = Locale.parse(language, sep="-").plural_form
    form_of = catalogues()[language]._form_of
    assert len({(rule(number), form_of(number)) for number in COUNTABLE}) == len({rule(number) for number in COUNTABLE})


@given(language=some.sampled_from(LANGUAGES), hours=some.sampled_from(COUNTABLE))
def test_a_number_is_read_or_has_a_form_of_its_own(language, hours):
    text = said(Kind.REMINDER, language, hours=hours).long
    if re.search(r"\d", text):
        assert re.findall(r"\d+", text) == [str(hours)]
    else:
        others = {said(Kind.REMINDER, language, hours=other).long for other in COUNTABLE if other != hours}
        assert text not in others


@pytest.mark.parametrize(
    ("language", "hours", "said"),
    [
        ("en", 1, "every hour"),
        ("pl", 22, "co 22 godziny"),
        ("pl", 12, "co 12 godzin"),
        ("ro", 20, "20 de ore"),
        ("mt", 11, "11-il siegħa"),
        ("sl", 2, "2 uri"),
        ("ar", 2, "ساعتين"),
        ("ar", 3, "3 ساعات"),
        ("he", 2, "שעתיים"),
        ("ga", 7, "7 n-uaire"),
        ("uk", 21, "21 годину"),
    ],
)
def test_hours_are_counted_as_the_language_counts(language, hours, said):
    assert said in wording("reminder", language, hours=hours).long


@pytest.mark.parametrize("language", LANGUAGES)
def test_direction_is_that_of_the_unicode_tables(language):
    expected = Locale.parse(language, sep="-").text_direction
    assert direction(language) == expected == WORDING[language].direction == said("interaction", language).direction
    assert (expected == "rtl") == (language in ("ar", "he"))


def test_a_name_written_the_other_way_is_kept_together():
    assert "\u2066Acme GmbH\u2069" in wording("agent", "ar", principal="Acme GmbH").headline
    assert "\u2067שלום\u2069" in wording("agent", "de", principal="שלום").headline
    assert wording("agent", "de", principal="Acme GmbH").headline.isprintable()


@pytest.mark.parametrize(
    ("wanted", "language", "is_fallback"),
    [
        ("zh-TW", "zh-Hant", False),
        ("zh-Hant-HK", "zh-Hant", False),
        ("zh_CN", "zh-Hans", False),
        ("zh", "zh-Hans", False),
        ("no", "nb", False),
        ("nn-NO", "nb", False),
        ("pt-BR", "pt", False),
        ("iw", "he", False),
        ("EL-gr", "el", False),
        ("de-u-co-phonebk", "de", False),
        (["sr-Latn-RS", "hr", "en"], "hr", False),
        (["sr", "en-GB"], "en", False),
        ("sr", "en", True),
        ("", "en", True),
        ([], "en", True),
        ("*", "en", True),
    ],
)
def test_the_reader_s_language_is_found_and_a_fallback_says_so(wanted, language, is_fallback):
    text = wording("badge", wanted)
    assert (text.language, text.is_fallback) == (language, is_fallback)


def test_another_fallback_can_be_chosen():
    assert wording("badge", "sr", fallback="hr").language == "hr"
    with pytest.raises(ProfileError, match="'sr' to fall back to"):
        wording("badge", "de", fallback="sr")


@given(some.lists(some.text(alphabet="abcdehinorstuvwz-_*0", max_size=12), max_size=4))
def test_any_tags_lead_to_a_language_that_is_there(tags):
    assert best(tags, LANGUAGES) in {*LANGUAGES, None}
    assert wording("badge", tags).language in LANGUAGES


def test_every_alias_leads_to_a_language_that_is_there():
    assert {best(alias, LANGUAGES) for alias in ALIASES} == {"he", "nb", "zh-Hans", "zh-Hant"}


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("agent", {}, "principal=.*acts for"),
        ("agent", {"principal": "  "}, "principal"),
        ("agent", {"principal": "a\nb"}, "plain characters"),
        ("agent", {"principal": "a\u202eb"}, "plain characters"),
        ("agent", {"principal": "a" * 201}, "200"),
        ("agent", {"principal": "Acme", "step": "booking"}, "step=.*leave it out"),
        ("emotion_recognition", {}, r"function=.*50\(3\)"),
        ("biometric_categorisation", {}, "function"),
        ("reminder", {"hours": 0}, "hours=0"),
        ("reminder", {"hours": "3"}, "whole number"),
        ("reminder", {"hours": True}, "whole number"),
        ("interaction", {"principal": "Acme"}, "no place for principal"),
        ("notice", {}, "kind 'notice'"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(kind, values, message):
    with pytest.raises(ProfileError, match=message):
        wording(kind, "de", **values)


@given(principal=some.text(alphabet="aZ{}!.0[]<>&%$ ", min_size=1).filter(str.strip))
def test_a_value_is_said_as_it_is_and_never_interpreted(principal):
    headline = wording("agent", "en", principal=principal).headline
    assert headline == f"You are interacting with an AI system. It acts on behalf of {principal.strip()}."


def test_every_catalogue_says_who_has_looked_at_it():
    assert review_state("en") is ReviewState.SOURCE
    assert {review_state(language) for language in LANGUAGES if language != "en"} <= set(ReviewState)
    today = datetime.now(UTC).date()
    assert all(catalogue.review.by and catalogue.review.on <= today for catalogue in catalogues().values())
    with pytest.raises(ProfileError, match="'sr'"):
        review_state("sr")


# Each fault: what is done to the German catalogue, and what its refusal says.
FAULTS = {
    "a line that is no syntax": (lambda po: po + "\nhello\n", r"line \d+: this is neither"),
    "an unfinished string": (lambda po: po.replace('"KI-System"', '"KI-System'), r"line \d+: this is neither"),
    "something after a string": (lambda po: po.replace('"KI-System"', '"KI-System" x'), r"line \d+: this is neither"),
    "an unknown escape": (lambda po: po.replace('"KI-System"', r'"KI\q-System"'), r"line \d+: this is neither"),
    "a text without translation": (lambda po: po.replace('msgstr "KI-System"\n', ""), r"line \d+: msgid and msgstr"),
    "two translations": (lambda po: po.replace('"KI-System"', '"KI-System"\nmsgstr "KI"'), r"line \d+: msgstr is out"),
    "a text given twice": (lambda po: po + '\nmsgctxt "badge.headline"\nmsgid "AI system"\nmsgstr "KI"\n', "already"),
    "an unfinished translation": (lambda po: po.replace('\nmsgctxt "badge', '\n#, fuzzy\nmsgctxt "badge'), "fuzzy"),
    "a file without header": (lambda po: po[po.index("#.") :], "header is missing"),
    "a missing placeholder": (lambda po: po.replace("von {principal}.", "von Acme."), "lacks .*{principal}"),
    "a missing number": (lambda po: po.replace("alle {hours} St", "alle St"), "reminder.long lacks .*{hours}"),
    "an unknown placeholder": (lambda po: po.replace('r "KI-System"', 'r "KI {name}"'), "unknown placeholder {name}"),
    "a loose brace": (lambda po: po.replace('"KI-System"', '"KI-System {0}"'), "brace"),
    "markup": (lambda po: po.replace('"KI-System"', '"<b>KI</b>-System"'), "badge.headline has markup"),
    "an entity": (lambda po: po.replace('"KI-System"', '"KI&nbsp;System"'), "markup"),
    "control characters": (lambda po: po.replace('"KI-System"', '"KI\u202e-System"'), "control characters"),
    "a missing kind": (
        lambda po: po[: po.index('msgctxt "badge')] + po[po.index("#. Stands in") :],
        "badge.headline is",
    ),
    "an unknown kind": (lambda po: po.replace('"badge.headline"', '"bagde.headline"'), "'bagde.headline' is unknown"),
    "an empty text": (lambda po: po.replace('msgstr "KI-System"', 'msgstr ""'), "badge.headline is empty"),
    "a plural form too few": (lambda po: po.replace("nplurals=2", "nplurals=3"), r"2 form\(s\) where 3"),
    "a plural rule that is none": (lambda po: po.replace("plural=(n != 1)", "plural=(n ?? 1)"), "cannot be used"),
    "a plural rule beyond its forms": (lambda po: po.replace("(n != 1)", "(n)"), "not among its 2"),
    "a translation of words since changed": (
        lambda po: po.replace('d "AI system"', 'd "A bot"'),
        "now reads 'AI system'",
    ),
    "another language": (lambda po: po.replace("Language: de", "Language: nl"), "header Language says 'nl'"),
    "an unknown review state": (
        lambda po: po.replace(": machine-drafted", ": perfect"),
        "X-Review-State says 'perfect'",
    ),
    "nobody behind the review": (lambda po: po.replace("The disclose developers", ""), "Last-Translator"),
    "no date of the review": (lambda po: po.replace("PO-Revision-Date: 2", "PO-Revision-Date: x"), "no date"),
    "no name of the language": (lambda po: po.replace("X-Language-Name", "X-Name"), "X-Language-Name is missing"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_catalogue_is_refused_by_name(fault):
    breaking, message = FAULTS[fault]
    broken = breaking(portable("de"))
    assert broken != portable("de")
    with pytest.raises(ProfileError, match=message) as raised:
        read_all({"en": portable("en"), "de": broken})
    assert "disclose/notice/locales/de/LC_MESSAGES/disclose.po" in str(raised.value)


def test_without_the_source_nothing_can_be_held_against_it():
    with pytest.raises(ProfileError, match="locales/en/LC_MESSAGES"):
        read_all({"de": portable("de")})


def test_all_faults_of_a_catalogue_are_said_at_once():
    broken = portable("de").replace('"KI-System"', '"<b>KI"').replace("von {principal}.", "von Acme.")
    with pytest.raises(ProfileError, match=r"agent.headline lacks.*badge.headline has markup"):
        read_all({"en": portable("en"), "de": broken})


def test_an_edited_file_is_all_that_a_translation_takes():
    edited = portable("de").replace('msgstr "KI-System"', 'msgstr "KI-"\n"Anwendung"')
    catalogue = read_all({"en": portable("en"), "de": edited})["de"]
    assert catalogue.template(Kind.BADGE, "headline") == "KI-Anwendung"


@given(some.text(alphabet='ab "\\\n\tä', max_size=20))
def test_any_text_that_babel_writes_is_read_back(text):
    from io import BytesIO

    from babel.messages.pofile import write_po

    from disclose.notice.portable_object import read

    catalog = Catalog(locale="de")
    catalog.add("source", string=text, context="there")
    out = BytesIO()
    write_po(out, catalog, width=20)
    # Babel cuts at carriage returns and the like; none is in this alphabet.
    (entry,) = read(out.getvalue().decode("utf-8").replace("#, fuzzy\n", ""))[1]
    assert (entry.context, entry.source, entry.forms) == ("there", "source", (text,))


def test_a_page_is_told_the_direction():
    hebrew = Notice(wording={"he": WORDING["he"], "en": WORDING["en"]}).to_script()
    assert '"direction": "rtl"' in hebrew
    assert Wording(headline="a", detail="b", button="c", label="d").direction == "ltr"
