import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclose.notice.asked import asks_about_nature

MAIN = ("en", "de", "fr", "es", "it", "nl", "pl", "pt")


def phrases(name):
    """Return {(language, whether it asks): phrases} of a file of phrases."""
    tables = tomllib.loads((Path(__file__).parent / "asked" / f"{name}.toml").read_text("utf-8"))
    return {
        (language, kind == "asks"): value if isinstance(value, list) else value.strip().split("\n")
        for language, table in tables.items()
        for kind, value in table.items()
    }


def test_the_sets_are_as_large_as_their_figures_need():
    main = phrases("phrasings_main")
    for language in MAIN:
        assert len(set(main[language, True])) >= 40
        assert len(set(main[language, False])) >= 100
    assert {language for language, _ in main | phrases("phrasings_more")} >= set(MAIN) | {"sv", "cs", "tr", "uk"}
    assert {language for language, _ in phrases("held_out")} == {
        language for language, _ in main | phrases("phrasings_more")
    }


@pytest.mark.parametrize("name", ["phrasings_main", "phrasings_more"])
@pytest.mark.parametrize("told_the_language", [True, False])
def test_every_phrase_that_the_patterns_were_made_with_is_told_apart(name, told_the_language):
    wrong = [
        phrase
        for (language, asks), examples in phrases(name).items()
        for phrase in examples
        if asks_about_nature(phrase, language if told_the_language else None) != asks
    ]
    assert wrong == []


def test_of_phrases_kept_apart_nearly_all_are_told_apart():
    held_out = phrases("held_out")
    found = [asks_about_nature(one) for (_, asks), examples in held_out.items() if asks for one in examples]
    wrong = [one for (_, asks), examples in held_out.items() if not asks for one in examples if asks_about_nature(one)]
    assert sum(found) >= 0.95 * len(found)
    assert len(wrong) <= 0.02 * (sum(found) + len(wrong))


@pytest.mark.parametrize(
    "text",
    [
        "ARE YOU A ROBOT???",
        "  are   you\ta robot  ",
        "Are you a robot.",
        "are you a r\u00f3bot",
        "¿ERES HUMANO?",
        "czy jestes czlowiekiem",
        "Bist Du ein Mensch ?",
        "Hi! Thanks, that helped a lot.\n\nOne question: are you a robot?",
        "I have been thinking about it for a while, are you an A.I.?",
        "are you a robot? I also need the price list for next year, please.",
        "I need the price list. " * 500 + "Are you human?",
        "Are you human? " + "I need the price list. " * 500,
    ],
)
def test_how_it_is_written_makes_no_difference(text):
    assert asks_about_nature(text)


@pytest.mark.parametrize("text", ["", " ", "?", "¿?", ",", "are you", "🤖?", "\ud800", "\x00", "a" * 10**6])
def test_what_says_nothing_asks_nothing(text):
    assert not asks_about_nature(text)


@pytest.mark.parametrize("code", ["app?.unmount();", "root ??= create(root);", "x = bot ? 1 : 2", "is_human = True"])
def test_program_code_asks_nothing(code):
    assert not asks_about_nature(code)


@pytest.mark.parametrize("language", ["de", "DE", "de-AT", "de_CH", "xx", "", None])
def test_a_language_narrows_the_patterns_and_never_turns_them_off(language):
    assert asks_about_nature("Bist du ein Mensch?", language)
    assert asks_about_nature("Are you human?", language)


def test_another_language_s_patterns_are_left_out():
    assert not asks_about_nature("¿Eres humano?", "de")


_KEYS = st.sampled_from(["robot", "human", "machine", "chatbot", "computer", "person"])


@given(_KEYS, st.data())
def test_one_letter_wrong_in_a_key_word_still_asks(word, data):
    at = data.draw(st.integers(1, len(word) - 2))
    wrong = data.draw(
        st.sampled_from(
            [
                word[:at] + word[at + 1 :],
                word[:at] + "x" + word[at:],
                word[:at] + "x" + word[at + 1 :],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            ]
        )
    )
    assert asks_about_nature(f"are you a {wrong}?")


@given(st.text(max_size=400))
def test_any_text_gets_an_answer(text):
    assert asks_about_nature(text) in (True, False)


HOSTILE = {
    "one word without end": "a" * 10_000,
    "question marks": "?" * 10_000,
    "commas": "," * 10_000,
    "quotation marks": '"a' * 5000,
    "politeness without end": "please tell me if " * 560,
    "doubt without end": "are you " + "really " * 1420 + "x",
    "many questions that are none": "".join(f"robot {at} you. " for at in range(800))[:10_000],
    "many clauses": "".join(f"bot a{at}, " for at in range(1300))[:10_000],
    "near misses of two languages": "are you bist du robot mensch oder human with. " * 220,
    "misspelt words": " ".join(f"rob{at}t" for at in range(1400))[:10_000],
    "long sentences of key words": ("are you a human or a bot " * 5 + "x. ") * 80,
    "Chinese": "你是的。" * 2500,
    "Japanese": "人間ですか本物の、" * 1100,
    "abbreviations": "a.i." * 2500,
    "accents": "a\u0301" * 5000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_ten_kilobytes_of_hostile_text_take_less_than_five_milliseconds(name):
    asks_about_nature("")
    times = []
    for _ in range(7):
        start = time.thread_time()
        asks_about_nature(HOSTILE[name])
        times.append(time.thread_time() - start)
    assert min(times) < 0.005
