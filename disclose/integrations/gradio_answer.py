"""The answer to "are you human?": in a chat it stands before whatever the model says (Guidelines C(2026) 5054, ¶40).

It is put into the chat as Gradio is about to show it, in every turn anew, and so it needs no memory: a model that
denies what it is, is preceded by the truth, and the question stays answered when the chat is shown again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from disclose.errors import extra
from disclose.notice import Kind, Text, wording
from disclose.notice.asked import asks_about_nature
from disclose.notice.asked_grammar import grammars

with extra("gradio"):
    import gradio

Asked = Callable[[str, str, int], bool]
"""What hears a question, the language (BCP 47) of its answer and which question of the chat it is, counted from 0.

It returns whether the system answers; while a named person is in charge it does not.
"""


def answered(value: Any, block: Any, asked: Asked) -> Any:
    """Return what the chat *block* shows, serialised, with an answer before what follows each question.

    *asked* hears each question and decides whether its answer leaves. What is no chat comes back as it is.
    """
    if not isinstance(block, gradio.Chatbot):
        return value
    if isinstance(value, dict) and value.get("__type__") == "update":
        return {**value, "value": answered(value["value"], block, asked)} if "value" in value else value
    if not isinstance(value, list):
        return value
    if getattr(block, "type", None) == "tuples":
        return [_turn(turn, asked, number) for number, turn in enumerate(value)]
    return _messages(value, asked)


def answered_response(predictions: Any, asked: Asked) -> Any:
    """Return what a chat answers a program with, a text and the history behind it, with the answer before the text."""
    if not (isinstance(predictions, (list, tuple)) and len(predictions) > 1 and isinstance(predictions[0], str)):
        return predictions
    history = predictions[1] if isinstance(predictions[1], list) else []
    questions = _questions(history)
    if not questions:
        return predictions
    return [_preceded(predictions[0], questions[-1], asked, len(questions) - 1), *predictions[1:]]


def _questions(history: list[Any]) -> list[str]:
    """Return what a person said in *history*, turn by turn; one question may be sent in parts, a file and a text."""
    questions: list[str] = []
    before = None
    for one in history:
        role = one.get("role") if isinstance(one, dict) else None
        if role == "user":
            text = _text(one.get("content"))
            if before == "user":
                questions[-1] = f"{questions[-1]}\n{text}".strip()
            else:
                questions.append(text)
        elif role is None and isinstance(one, (list, tuple)) and len(one) == 2:
            questions.append(_text(one[0]))
        before = role
    return questions


def _preceded(text: str, question: str, asked: Asked, turn: int) -> str:
    """Return *text*, with the answer before it where *question* asks what it talks to."""
    answer = _answer(question)
    if answer is None or not asked(question, answer.language, turn):
        return text
    return text if text.startswith(str(answer)) else f"{answer}\n\n{text}" if text else str(answer)


def _messages(messages: list[Any], asked: Asked) -> list[Any]:
    done: list[Any] = []
    is_open = False
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        if role == "assistant" and is_open:
            questions = _questions(done)
            content = _before(message.get("content"), questions[-1], asked, len(questions) - 1)
            message = {**message, "content": content}
        is_open = role == "user" or (is_open and role != "assistant")
        done.append(message)
    return done


def _turn(turn: Any, asked: Asked, number: int) -> Any:
    if not (isinstance(turn, (list, tuple)) and len(turn) == 2 and isinstance(turn[0], str)):
        return turn
    return [turn[0], _preceded(turn[1], turn[0], asked, number) if isinstance(turn[1], str) else turn[1]]


def _before(content: Any, question: str, asked: Asked, turn: int) -> Any:
    """Return the *content* of a message with the answer before it: a text, or since Gradio 6 a list of parts."""
    if isinstance(content, str):
        return _preceded(content, question, asked, turn)
    answer = _answer(question)
    if answer is None or not isinstance(content, list) or not asked(question, answer.language, turn):
        return content
    if content and isinstance(content[0], dict) and str(content[0].get("text", "")).startswith(str(answer)):
        return content
    return [{"text": str(answer), "type": "text"}, *content]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return str(content.get("text") or "")
    return "\n".join(_text(part) for part in content) if isinstance(content, list) else ""


@lru_cache(maxsize=256)
def _answer(question: str) -> Text | None:
    """Return the answer to *question* in its own language, or None where it does not ask."""
    # A chat is shown anew with every word of a stream, and its questions stay the same.
    if not asks_about_nature(question):
        return None
    language = next((name for name in ("en", *grammars()) if asks_about_nature(question, name)), "en")
    return wording(Kind.ANSWER, language)
