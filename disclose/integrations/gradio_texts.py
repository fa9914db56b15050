"""Generated texts in a Gradio app: the label that people read before them, and that the model never gets to see."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from disclose.errors import extra
from disclose.notice.label import labelled, unlabelled

with extra("gradio"):
    import gradio

_GRADIOS_CHAT = "gradio.chat_interface"
_of_gradios_chat: contextvars.ContextVar[bool] = contextvars.ContextVar("disclose_gradio_chat", default=False)


@dataclass(frozen=True)
class _Came:
    """The texts that came into the event at hand: ``bare`` without a label, and what stood behind a label."""

    bare: frozenset[str] = frozenset()
    labelled: frozenset[str] = frozenset()


_came: contextvars.ContextVar[_Came] = contextvars.ContextVar("disclose_gradio_came", default=_Came())  # noqa: B039


class TextLabels:
    """Puts the label in *language* before generated texts and takes it off again; without one it changes nothing.

    What a person writes while one *is_in_charge* gets none.
    """

    def __init__(self, language: str | None, is_in_charge: Callable[[], bool] = lambda: False) -> None:
        self.language, self._is_in_charge = language, is_in_charge

    @contextmanager
    def of(self, block_fn: Any) -> Iterator[None]:
        """Know, while the block lasts, what kind of function returned what is labelled in it."""
        token = _of_gradios_chat.set(getattr(block_fn.fn, "__module__", None) == _GRADIOS_CHAT)
        try:
            yield
        finally:
            _of_gradios_chat.reset(token)

    def labels(self, block: Any) -> bool:
        """Whether what *block* shows is labelled."""
        return self.language is not None and isinstance(block, (gradio.Textbox, gradio.Markdown, gradio.Chatbot))

    def receive(self, values: Any, blocks: Any) -> Any:
        """Return the inputs *values* without the labels that this app put before texts; a model does not get to see it.

        What came without one is the person's own: it gets none if this event returns it.
        """
        if self.language is None or not isinstance(values, (list, tuple)):
            return values
        bare = [self._unlabelled(value, block) for value, block in zip(values, blocks, strict=False)]
        before, after = frozenset(texts_in(list(values))), frozenset(texts_in(bare))
        _came.set(_Came(bare=before & after, labelled=after - before))
        return bare

    def labelled(self, value: Any, block: Any) -> Any:
        """Return *value*, which *block* shows, with the label before each text that was generated, once.

        These are what a text box or Markdown shows and what a chat answers, not code, data or classes.
        """
        if self.language is None:
            return value
        if isinstance(block, gradio.Chatbot) and isinstance(value, list):
            return _with_answers(value, block, self._paragraph)
        if isinstance(block, gradio.Textbox) and isinstance(value, str) and not _of_gradios_chat.get():
            return labelled(value, self.language) if self._is_generated(value) else value
        if isinstance(block, gradio.Markdown) and isinstance(value, str):
            return self._paragraph(value)
        return value

    def labelled_response(self, predictions: Any) -> Any:
        """Return what a chat answers a program with, a text and the history behind it, with the label on the text."""
        is_chat = isinstance(predictions, (list, tuple)) and len(predictions) > 1 and isinstance(predictions[1], list)
        if self.language is None or not is_chat or not isinstance(predictions[0], str):
            return predictions
        return [self._paragraph(predictions[0]), *predictions[1:]]

    def _is_generated(self, text: str) -> bool:
        """Whether the system wrote *text*: a person wrote what came bare, and what is new while one is in charge."""
        came = _came.get()
        return text in came.labelled or (text not in came.bare and not self._is_in_charge())

    def _paragraph(self, text: str) -> str:
        assert self.language is not None
        return labelled(text, self.language, paragraph=True) if self._is_generated(text) else text

    def _unlabelled(self, value: Any, block: Any) -> Any:
        assert self.language is not None
        language = self.language
        if isinstance(block, gradio.Chatbot) and isinstance(value, list):
            return _with_answers(value, block, lambda text: unlabelled(text, language))
        if isinstance(block, (gradio.Textbox, gradio.Markdown)) and isinstance(value, str):
            return unlabelled(value, language)
        return value


def _with_answers(value: list[Any], block: Any, change: Callable[[str], str]) -> list[Any]:
    """Return the chat *value*, serialised, with the first text of each answer as *change* returns it."""
    if getattr(block, "type", None) == "tuples":
        return [_with_answer(turn, change) for turn in value]
    done: list[Any] = []
    is_due = True
    for message in value:
        role = message.get("role") if isinstance(message, dict) else None
        if role == "user":
            is_due = True
        # What a model thinks aloud is folded away, and a label on it would be too.
        elif role == "assistant" and is_due and not (message.get("metadata") or {}).get("title"):
            content = _with_first_text(message.get("content"), change)
            if content is not None:
                message, is_due = {**message, "content": content}, False
        done.append(message)
    return done


def _with_answer(turn: Any, change: Callable[[str], str]) -> Any:
    if not (isinstance(turn, (list, tuple)) and len(turn) == 2 and isinstance(turn[1], str) and turn[1]):
        return turn
    return [turn[0], change(turn[1])]


def _with_first_text(content: Any, change: Callable[[str], str]) -> Any:
    """Return the *content* of a message with its first text changed, or None where it has none."""
    if isinstance(content, str):
        return change(content) if content else None
    if isinstance(content, dict) and isinstance(content.get("text"), str) and content["text"]:
        return {**content, "text": change(content["text"])}
    for index, part in enumerate(content if isinstance(content, list) else ()):
        if (changed := _with_first_text(part, change)) is not None:
            return [*content[:index], changed, *content[index + 1 :]]
    return None


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text inside *value*, as JSON would hold it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, dict):
        yield from texts_in(list(value.values()))
