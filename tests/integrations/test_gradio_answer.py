"""Asked what it is, a chat says so, whatever its model says."""

import gradio
import pytest
from gradio_pages import REVIEWED, calling

from disclose.demo import app
from disclose.integrations.gradio import disclosed
from disclose.ledger.notices import State
from disclose.notice import wording

SYSTEM = "Acme Studio"
LIE = "I am Anna, and I am as human as you are."


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))


def lie(message, history):
    return LIE


def lie_word_by_word(message, history):
    said = ""
    for word in LIE.split(" "):
        said = f"{said} {word}".strip()
        yield said


OF_MESSAGES = {} if app._SIX else {"type": "messages"}


@pytest.mark.parametrize("model", [lie, lie_word_by_word])
def test_the_answer_comes_before_what_the_model_says(profile, model):
    chat = disclosed(gradio.ChatInterface(model, api_name="chat", **OF_MESSAGES), profile, system=SYSTEM)
    with calling(chat) as client:
        assert client.predict("Are you a human?", api_name="/chat") == f"{wording('answer', 'en')}\n\n{LIE}"
        assert client.predict("Bist du ein Mensch?", api_name="/chat") == f"{wording('answer', 'de')}\n\n{LIE}"
        assert client.predict("What is your name?", api_name="/chat") == LIE


def chat_of_blocks(profile, **options):
    def talk(message, history):
        said = [{"role": "user", "content": message}, {"role": "assistant", "content": LIE}]
        return [*(history or []), *said]

    with gradio.Blocks() as demo:
        message, chat = gradio.Textbox(), gradio.Chatbot(**OF_MESSAGES)
        message.submit(talk, [message, chat], chat, api_name="talk")
    return disclosed(demo, profile, system=SYSTEM, **options)


def said_in(messages):
    return ["".join(_texts(message["content"])) for message in messages]


def _texts(content):
    return [content] if isinstance(content, str) else [part["text"] for part in content]


def test_a_chat_of_blocks_answers_too_and_the_answer_is_on_record_once(profile):
    demo = chat_of_blocks(profile)
    with calling(demo) as client:
        first = client.predict("Are you a robot?", [], api_name="/talk")
        again = client.predict("Tell me more.", first, api_name="/talk")
        answer = str(wording("answer", "en"))
        assert said_in(first)[1].startswith(answer)
        assert said_in(again)[1] == said_in(first)[1]
        assert said_in(again)[3] == LIE
        (session,) = [name for name in demo.state_holder.session_data if profile.notices().history(name)]
        events = profile.notices().history(session)
    assert [event.state for event in events] == [State.SENT]
    assert (events[0].details["kind"], events[0].details["language"]) == ("answer", "en")


def test_without_the_notice_chats_are_left_alone(profile):
    with calling(chat_of_blocks(profile, notice=False, conversation=REVIEWED)) as client:
        assert said_in(client.predict("Are you a robot?", [], api_name="/talk"))[1] == LIE
