"""What the rules name as not enough is refused by name, and what tells people what they meet is not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from disclose.errors import ProfileError
from disclose.notice import Kind, Notice, Wording, catalogues, wording
from disclose.notice.kinds import placeholders
from disclose.notice.linter import PLACES, Placement, lint, names_artificial_nature
from disclose.notice.linter_words import ARTIFICIAL, ASSISTANT, DENIAL, TERMS, USED, USES
from disclose.notice.page import lint_page, passages

GOOD = "You are interacting with an AI system."
VALUES = {"principal": "Acme", "function": "voice analysis", "hours": 3}


def rules(text, placement=None):
    return [finding.rule for finding in lint(text, placement=placement)]


# The five that the guidelines name (C(2026) 5054, points 38 and 142).


def test_the_word_assistant_alone_is_refused():
    assert rules("Hello, I am your digital assistant.") == ["assistant-alone"]


def test_that_services_use_ai_is_refused():
    assert rules("Services on this website use AI.") == ["uses-ai"]


def test_that_a_system_uses_llms_is_refused():
    assert rules("This system uses LLMs.") == ["uses-technique"]


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("terms", "only-in-terms"),
        ("privacy-policy", "only-in-terms"),
        ("footer", "only-in-footer"),
        ("menu", "only-in-menu"),
        ("manual", "only-in-manual"),
    ],
)
def test_a_notice_out_of_the_way_is_refused_by_its_place(place, rule):
    assert rules(GOOD, place) == [rule]


@pytest.mark.parametrize("place", ["header", "json", "metadata"])
def test_a_notice_for_machines_only_is_refused(place):
    assert rules(GOOD, place) == ["machine-readable-only"]


@pytest.mark.parametrize(
    "text", ["AI-Disclosure: mode=ai-originated", '{"ai_generated": true}', '<meta name="ai" content="AI">']
)
def test_a_header_or_a_field_is_no_text_for_people(text):
    assert rules(text) == ["machine-readable-only"]


def test_every_finding_cites_its_clause_and_says_what_to_do():
    placement = Placement(
        where="footer", font_size=8, contrast=2, visible=False, needs_action=True, after_first_output=True
    )
    found = lint("I am your assistant.", placement=placement)
    assert [finding.rule for finding in found] == [
        *("assistant-alone", "only-in-footer", "hidden", "needs-action", "too-late", "too-small", "too-faint"),
    ]
    for finding in found:
        assert finding.clause.startswith("AI Act Art. 50(")
        assert "EU-" not in str(finding)
        assert finding.advice in str(finding)
    assert found[0].to_dict()["clause"] == found[0].clause


NOT_ENOUGH = {
    "de": {
        "assistant-alone": "Ich bin Ihr virtueller Assistent. Ihre Reiseassistentin hilft gern.",
        "uses-ai": "Die Dienste auf dieser Website nutzen KI.|Auf dieser Seite wird KI eingesetzt.|Wir setzen KI ein.",
        "uses-technique": "Dieses System arbeitet mit großen Sprachmodellen.|Das System verwendet maschinelles Lernen.",
        "terms-only": "Hinweise zu KI finden Sie in unseren Nutzungsbedingungen.",
        "nature-denied": "Ich bin kein Chatbot. Keine KI.",
    },
    "en": {
        "assistant-alone": "Your personal shopping assistant is here.",
        "uses-ai": "We use AI to serve you.|Powered by AI|AI is used on this site.|AI-powered features|"
        "This website employs artificial intelligence.",
        "uses-technique": "Based on a large language model.|This chat uses machine learning.",
        "terms-only": "Information about AI is in our terms and conditions.",
        "nature-denied": "I am a real person, not a bot.",
    },
    "es": {
        "assistant-alone": "Soy su asistente virtual.",
        "uses-ai": "Los servicios de este sitio usan IA.|Este sitio utiliza inteligencia artificial.",
        "uses-technique": "Este sistema utiliza grandes modelos de lenguaje.",
        "terms-only": "La información sobre IA está en las condiciones de uso.",
        "nature-denied": "Soy una persona y no una máquina. No soy un robot.",
    },
    "fr": {
        "assistant-alone": "Je suis votre assistante virtuelle.",
        "uses-ai": "Les services de ce site utilisent l’IA.|Ce site a recours à l'intelligence artificielle.",
        "uses-technique": "Ce système utilise de grands modèles de langage.",
        "terms-only": "Les informations sur l’IA figurent dans les conditions générales.",
        "nature-denied": "Je ne suis pas un robot.",
    },
    "it": {
        "assistant-alone": "Sono il tuo assistente personale.",
        "uses-ai": "I servizi di questo sito usano l’IA.|Questo sito utilizza l'intelligenza artificiale.",
        "uses-technique": "Questo sistema si avvale di modelli linguistici.",
        "terms-only": "Le informazioni sull’IA sono nei termini e condizioni.",
        "nature-denied": "Non sono un robot.",
    },
    "nl": {
        "assistant-alone": "Ik ben uw digitale assistent.",
        "uses-ai": "De diensten op deze website maken gebruik van AI.|Op deze website wordt AI gebruikt.",
        "uses-technique": "Dit systeem is gebaseerd op taalmodellen.",
        "terms-only": "Informatie over AI staat in de algemene voorwaarden.",
        "nature-denied": "Ik ben een mens, geen robot.",
    },
    "pl": {
        "assistant-alone": "Jestem Twoim asystentem.",
        "uses-ai": "Usługi na tej stronie wykorzystują AI.|Ta strona korzysta ze sztucznej inteligencji.",
        "uses-technique": "Ten system korzysta z dużych modeli językowych.",
        "terms-only": "Informacje o AI znajdują się w regulaminie.",
        "nature-denied": "Nie jestem robotem.",
    },
    "pt": {
        "assistant-alone": "Sou o seu assistente virtual.",
        "uses-ai": "Os serviços deste site usam IA.|Este site utiliza inteligência artificial.",
        "uses-technique": "Este sistema utiliza modelos de linguagem.",
        "terms-only": "As informações sobre IA estão nos termos e condições.",
        "nature-denied": "Não sou um robô.",
    },
}


def test_what_is_not_enough_is_known_in_eight_languages():
    assert all(set(table) == set(NOT_ENOUGH) for table in (ASSISTANT, DENIAL, TERMS, USED, USES))


@pytest.mark.parametrize("language", NOT_ENOUGH)
def test_what_is_not_enough_is_refused_in_the_language_it_is_said_in(language):
    for rule, texts in NOT_ENOUGH[language].items():
        for text in texts.split("|"):
            assert rule in rules(text), text


@pytest.mark.parametrize(
    "text",
    [
        "Your AI assistant",
        "You are chatting with our AI-powered assistant.",
        "You are chatting with an AI that uses machine learning.",
        "You are interacting with an AI system (see our terms of use).",
        "You are interacting with an AI system, as our privacy policy explains.",
        "Using this chat, you are talking to a machine.",
        "I am a chatbot.",
        "You are not talking to a human.",
        "Sie sprechen nicht mit einem Menschen.",
        "Vous ne parlez pas à une personne.",
        "No está hablando con una persona.",
        "Non stai parlando con una persona.",
        "U praat niet met een mens.",
        "Nie rozmawiasz z człowiekiem.",
        "Não está a falar com uma pessoa.",
        "Ihr KI-Assistent: Sie sprechen mit einer Maschine.",
        "Sie sprechen mit einem Chatbot, der Sprachmodelle nutzt.",
        "Vous parlez à un agent conversationnel.",
        "Hablas con una IA que utiliza modelos de lenguaje.",
        "Parli con un’IA, non una persona.",
        "U praat met een AI-assistent.",
        "Rozmawiasz z botem.",
        "Está a falar com uma IA.",
        "AIアシスタント",
        "[AI-generated]",
        "[[" * 5_000 + "AI",
    ],
)
def test_what_names_the_artificial_nature_is_let_through(text):
    assert rules(text) == []


@pytest.mark.parametrize(
    "text",
    ["", "Welcome!", "How can I help you?", "Ai clienti: benvenuti", "J’ai compris", "FAIR PLAY", "Aix", "E-MAIL"],
)
def test_what_names_nothing_artificial_is_refused(text):
    assert rules(text) == ["nature-not-named"]


@pytest.mark.parametrize("language", sorted(catalogues()))
def test_our_own_wording_passes_in_every_language(language):
    for kind in Kind:
        text = wording(kind, language, **{name: VALUES[name] for name in placeholders(kind)})
        assert lint(text) == []


def test_every_language_of_the_catalogues_has_words_for_what_is_artificial():
    assert set(ARTIFICIAL) == set(catalogues())


def test_a_notice_is_checked_in_each_of_its_languages():
    assert lint(Notice()) == []
    poor = Wording(headline="Ihr Assistent ist da.", detail="", button="", label="")
    (finding,) = lint(Notice(wording={"en": catalogue_wording("en"), "de": poor}))
    assert (finding.rule, finding.language) == ("assistant-alone", "de")


def catalogue_wording(language):
    return Notice().wording[language]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"font_size": 11.9}, ["too-small"]),
        ({"font_size": 12}, []),
        ({"contrast": 4.49}, ["too-faint"]),
        ({"contrast": 4.5}, []),
        ({"contrast": 3.2, "font_size": 24}, []),
        ({"contrast": 2.9, "font_size": 24}, ["too-faint"]),
        ({"visible": False}, ["hidden"]),
        ({"needs_action": True}, ["needs-action"]),
        ({"after_first_output": True}, ["too-late"]),
        ({}, []),
    ],
)
def test_how_a_notice_is_shown_counts_as_much_as_what_it_says(facts, expected):
    assert rules(GOOD, Placement(**facts)) == expected


def test_an_unknown_place_is_refused_by_name():
    with pytest.raises(ProfileError, match=r"'basement'.*footer"):
        lint(GOOD, placement="basement")


@given(some.text(max_size=60))
def test_naming_the_nature_in_a_clause_of_its_own_is_always_enough(text):
    assert names_artificial_nature(f"{text}. {GOOD}")


@given(some.sampled_from(sorted(PLACES)), some.floats(1, 40), some.floats(1, 21), some.booleans(), some.booleans())
def test_a_worse_place_never_has_fewer_findings(place, size, contrast, hidden, late):
    best = lint(GOOD, placement=Placement(font_size=size, contrast=contrast))
    worse = Placement(where=place, font_size=size, contrast=contrast, visible=not hidden, after_first_output=late)
    assert {finding.rule for finding in best} <= {finding.rule for finding in lint(GOOD, placement=worse)}


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (f"<main><p>{GOOD}</p></main><footer>Imprint</footer>", []),
        ("<p>You are interacting with an <b>AI</b> system.</p>", []),
        (f"<main>Chat</main><footer><p>{GOOD}</p></footer>", ["only-in-footer"]),
        (f"<div role=contentinfo>{GOOD}</div>", ["only-in-footer"]),
        (f"<nav><ul><li>{GOOD}</ul></nav><p>Chat</p>", ["only-in-menu"]),
        (f"<nav>{GOOD}</nav><p>{GOOD}</p>", []),
        (f"<p hidden>{GOOD}</p>", ["hidden"]),
        (f"<div style='display: none'><p>{GOOD}</p></div>", ["hidden"]),
        (f"<p style='opacity:0.9'>{GOOD}</p>", []),
        (f"<p style='font-size: 9px'>{GOOD}</p>", ["too-small"]),
        (f"<details><summary>About</summary>{GOOD}</details>", ["needs-action"]),
        (f"<details open><summary>About</summary>{GOOD}</details>", []),
        (f"<details><summary>{GOOD}</summary>More</details>", []),
        ("<head><meta name=ai content='AI-generated'></head><p>Chat</p>", ["machine-readable-only"]),
        ("<head><meta name=viewport content='width=device-width'></head><p>Chat</p>", ["nature-not-named"]),
        ("<script>const AI = 1</script><title>AI</title><p>Chat</p>", ["nature-not-named"]),
        ("<p>Services on this website use <b>AI</b>.</p>", ["uses-ai"]),
        ("<p>Your assistant</p><p>Your assistant</p><p>Welcome</p>", ["assistant-alone"]),
        ("", ["nature-not-named"]),
    ],
)
def test_a_page_is_judged_by_where_its_notice_stands(page, expected):
    assert [finding.rule for finding in lint_page(page)] == expected


def test_our_own_banner_passes_in_a_page():
    from disclose.integrations.asgi_notice import banner

    page = f"<!doctype html><body>{banner('de', []).decode()}<p>Chat</p></body>"
    assert lint_page(page) == []


@given(some.text(alphabet="<>/abdivpfooter =\"'-!", max_size=200))
def test_no_page_is_too_broken_to_be_read(page):
    assert isinstance(passages(page), list)


@pytest.mark.parametrize(
    "piece",
    ["a", "use ", "uses a ", "not to ", "machine-", "אבג"],
    ids=["letters", "use", "uses", "not", "compound", "hebrew"],
)
def test_hostile_text_costs_its_length_and_not_its_square(piece):
    text = piece * (40_000 // len(piece))
    begin = time.process_time()
    lint(text)
    assert time.process_time() - begin < 5


def test_tags_that_never_close_cost_no_more():
    begin = time.process_time()
    lint_page("<a>" * 10_000 + "</b>" * 10_000)
    assert time.process_time() - begin < 5
