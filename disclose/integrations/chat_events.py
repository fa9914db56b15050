"""Chat events: what one event of a model's answer does to the text of it, in the forms that clients understand.

Those of OpenAI (chat completions, completions, responses) and of Anthropic (messages), which other servers speak too.
An event of no such form does nothing to any text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_RESPONSE_BEGINS = ("response.created", "response.in_progress")
_RESPONSE_ENDS = ("response.completed", "response.incomplete")


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one event does to one text: adds ``text`` to it, or ends it, or both; at the least, the text has begun.

    Of several answers to one question each has its ``index``. ``text`` is None for what cannot be told here.
    """

    index: int = 0
    text: str | None = ""
    ends: bool = False


def steps(event: Mapping[str, Any]) -> Iterator[Step]:
    """Yield what *event* does, one step for each text that it is about.

    >>> list(steps({"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]}))
    [Step(index=0, text='Hi', ends=False)]
    """
    choices, kind = event.get("choices"), event.get("type")
    if isinstance(choices, list):
        for choice in choices:
            if isinstance(choice, dict):
                yield from _choice(choice)
    elif isinstance(kind, str):
        yield from _response(kind, event) if kind.startswith("response.") else _message(kind, event)


def _choice(choice: Mapping[str, Any]) -> Iterator[Step]:
    """Read one choice of a chunk of chat completions, or of completions, which have a text and no delta."""
    index, delta = choice.get("index", 0), choice.get("delta")
    if not isinstance(index, int) or not (isinstance(delta, dict) or "text" in choice):
        return
    text = delta.get("content") if isinstance(delta, dict) else choice["text"]
    # Some servers say "" where others say null.
    yield Step(index=index, text=_text(text), ends=bool(choice.get("finish_reason")))


def _response(kind: str, event: Mapping[str, Any]) -> Iterator[Step]:
    """Read an event of the responses interface; the text is that of all its parts, as ``output_text`` joins them."""
    if kind == "response.output_text.delta":
        yield Step(text=_text(event.get("delta")))
    elif kind in (*_RESPONSE_BEGINS, *_RESPONSE_ENDS) and isinstance(event.get("response"), dict):
        yield Step(ends=kind in _RESPONSE_ENDS)


def _message(kind: str, event: Mapping[str, Any]) -> Iterator[Step]:
    """Read an event of the messages interface; the text is that of all its blocks of text."""
    block, delta = event.get("content_block"), event.get("delta")
    if kind == "message_start" and isinstance(event.get("message"), dict):
        yield Step()
    elif kind == "content_block_start" and isinstance(block, dict) and block.get("type") == "text":
        yield Step(text=_text(block.get("text")))
    elif kind == "content_block_delta" and isinstance(delta, dict) and delta.get("type") == "text_delta":
        yield Step(text=_text(delta.get("text")))
    elif kind == "message_delta" and isinstance(delta, dict):
        yield Step(ends=bool(delta.get("stop_reason")))


def _text(value: object) -> str | None:
    if value is None:
        return ""
    return value if isinstance(value, str) else None
