"""Labels that people see in a Gradio app: drawn into pictures, before texts, and beside a conversation."""

from dataclasses import replace

import gradio
import pytest
from browsers import running_browser
from gradio_pages import REVIEWED, calling
from pictures import photograph
from PIL import Image, ImageChops, ImageStat

from disclose import Outcome, verify
from disclose.demo import app
from disclose.integrations.gradio import disclosed, hand_back, take_over
from disclose.notice.label import badge, labelled, text_prefix, unlabelled

SYSTEM = "Acme Studio"
OF_MESSAGES = {} if app._SIX else {"type": "messages"}
PREFIX = text_prefix("de")
PARAGRAPH = f"{PREFIX.rstrip()}\n\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))


def test_a_picture_is_served_with_the_label_in_it_and_verifies(profile):
    drawing = replace(profile, layers=("label", *profile.layers), label_language="de")
    with gradio.Blocks() as demo:
        picture = lambda: photograph(width=512, height=512)  # noqa: E731
        gradio.Button().click(picture, None, gradio.Image(), api_name="draw")
        gradio.Button().click(lambda: [(picture(), "a hill")], None, gradio.Gallery(), api_name="several")
    with calling(disclosed(demo, drawing, system=SYSTEM)) as client:
        paths = [client.predict(api_name="/draw")]
        (item,) = client.predict(api_name="/several")
        paths.append(item["image"])
    assert item["caption"] == "a hill"
    for path in paths:
        verdict = verify(path, drawing)
        assert verdict.outcome is Outcome.DISCLOSED
        assert {"label", "image_watermark", "c2pa"} <= {one.layer for one in verdict.evidence}
        shown, drawn_first = Image.open(path).convert("RGB"), photograph(width=512, height=512)
        differs = ImageChops.difference(shown, drawn_first).crop((312, 0, 512, 90))
        assert max(ImageStat.Stat(differs).mean) > 20


def labelling(demo, profile):
    """Return *demo*, whose generated texts begin with the label in German."""
    german = replace(profile, label_language="de")
    return disclosed(demo, german, notice=False, conversation=REVIEWED, text_label=True, system=SYSTEM)


STORY = "# A story\n\nOnce upon a time."


def words(text):
    """Yield *text*, longer with every word."""
    for end in range(1, len(text.split(" ")) + 1):
        yield " ".join(text.split(" ")[:end])


def texts(seen):
    def answer(message, history):
        seen.append([*history])
        yield from words(STORY)

    def echo_and_tell(text):
        seen.append(text)
        return text, f"more than {text}"

    with gradio.Blocks() as demo:
        box = gradio.Textbox()
        ways = {
            "text": (lambda: STORY, gradio.Textbox()),
            "streamed": (lambda: (yield from words(STORY)), gradio.Textbox()),
            "markdown": (lambda: STORY, gradio.Markdown()),
            "update": (lambda: gradio.update(value=STORY), gradio.Textbox()),
            "nothing": (lambda: "", gradio.Textbox()),
            "code": (lambda: "print(1)", gradio.Code()),
            "json": (lambda: {"a": "b"}, gradio.JSON()),
            "label": (lambda: "cat", gradio.Label()),
            "table": (lambda: [["a", "b"]], gradio.Dataframe()),
            "html": (lambda: "<b>a</b>", gradio.HTML()),
        }
        for name, (function, output) in ways.items():
            gradio.Button().click(function, None, output, api_name=name)
        gradio.Button().click(echo_and_tell, box, [gradio.Textbox(), gradio.Textbox()], api_name="echo")
        gradio.ChatInterface(answer, api_name="chat", **OF_MESSAGES)
    return demo


def test_texts_begin_with_the_label_and_code_data_and_classes_do_not(profile):
    with calling(labelling(texts([]), profile)) as client:
        shown = {
            name: client.predict(api_name=f"/{name}")
            for name in ("text", "markdown", "update", "nothing", "code", "json", "label", "table", "html")
        }
        steps = list(client.submit(api_name="/streamed"))
    assert shown["text"] == PREFIX + STORY
    assert shown["markdown"] == PARAGRAPH + STORY
    assert shown["update"]["value"] == PREFIX + STORY
    assert shown["nothing"] == ""
    assert not any("KI" in str(shown[name]) for name in ("code", "json", "label", "table", "html"))
    assert steps == [PREFIX + text for text in words(STORY)]


def test_what_a_person_wrote_is_not_called_generated_and_the_function_does_not_see_the_label(profile):
    seen = []
    with calling(labelling(texts(seen), profile)) as client:
        assert client.predict("mine", api_name="/echo") == ("mine", f"{PREFIX}more than mine")
        # What went out with the label comes in without it, and leaves with it again.
        assert client.predict(f"{PREFIX}theirs", api_name="/echo")[0] == f"{PREFIX}theirs"
    assert seen == ["mine", "theirs"]


def test_a_chat_that_streams_has_the_label_once_at_the_top_and_the_model_never_sees_it(profile):
    seen = []
    with calling(labelling(texts(seen), profile)) as client:
        steps = list(client.submit("Tell me.", api_name="/chat"))
        assert steps == [PARAGRAPH + text for text in words(STORY)]
        assert client.predict("More.", api_name="/chat") == PARAGRAPH + STORY
    assert len(seen[1]) == 2
    assert "KI" not in str(seen)


def test_what_a_person_in_charge_writes_has_no_label_then_or_later(profile):
    def talk(message, history, request: gradio.Request):
        if message == "A person, please.":
            take_over(request, human="Ana Ruiz")
        if message == "Thank you.":
            hand_back(request)
        return [*history, {"role": "user", "content": message}, {"role": "assistant", "content": f"About {message}"}]

    with gradio.Blocks() as demo:
        message, chat = gradio.Textbox(), gradio.Chatbot(**OF_MESSAGES)
        message.submit(talk, [message, chat], chat, api_name="talk")
    german = replace(profile, label_language="de")
    shown = []
    with calling(disclosed(demo, german, text_label=True, system=SYSTEM)) as client:
        for said in ("Hello.", "A person, please.", "Thank you."):
            shown = client.predict(said, shown, api_name="/talk")
    answers = [str(one["content"]) for one in shown if one["role"] == "assistant"]
    assert [PREFIX.strip() in answer for answer in answers] == [True, False, True]


def test_an_answer_in_a_page_has_the_label_and_goes_back_to_the_model_without(profile):
    seen = []

    def talk(message, history):
        seen.append([*history])
        return "# Yes"

    with gradio.Blocks() as demo:
        gradio.HTML(badge("de"))
        gradio.ChatInterface(talk, chatbot=gradio.Chatbot(elem_id="talk", **OF_MESSAGES), **OF_MESSAGES)
    shown = calling(labelling(demo, profile))
    with shown, running_browser() as browser:
        page = browser.new_context(locale="de-AT").new_page()
        page.set_default_timeout(20_000)
        page.goto(shown.address)
        for turn in (1, 2):
            page.locator("textarea").last.fill("Ist es so?")
            page.keyboard.press("Enter")
            page.locator("#talk h1").nth(turn - 1).wait_for()
            page.wait_for_function("!document.querySelector('textarea').value")
        labels = page.locator("#talk").get_by_text(PREFIX.strip(), exact=True)
        assert labels.count() == 2
        mark = page.get_by_role("note", name="Sie interagieren mit einem KI-System.")
        assert mark.is_visible()
        # A selection copied is the text as it is shown.
        page.locator("#talk .bot, #talk [data-testid=bot]").last.evaluate(
            "node => getSelection().selectAllChildren(node)"
        )
        copied = page.evaluate("getSelection().toString()")
        assert [line for line in copied.splitlines() if line][:2] == [PREFIX.strip(), "Yes"]
    assert len(seen) == 2
    assert len(seen[1]) >= 2
    assert "KI-gen" not in str(seen)


@pytest.mark.parametrize("language", ["en", "de", "ar", "zh-Hans"])
@pytest.mark.parametrize("paragraph", [False, True])
def test_the_label_comes_off_as_it_went_on(language, paragraph):
    for text in ("A house.", " x", "\n", "AI"):
        once = labelled(text, language, paragraph=paragraph)
        assert once != text
        assert labelled(once, language, paragraph=paragraph) == once
        assert unlabelled(once, language) == text
    assert labelled("", language) == ""
