"""How well is a text watermark found, how often is it seen where there is none, and what does it cost?

    python -m benchmarks.text_answers --out answers.json
    python -m benchmarks.text --answers answers.json
    python -m benchmarks.text --plot

Finding: answers of a real model, whole, cut short, with words replaced, in lower case, and half of one quoted amid
what people wrote. Words are replaced at random by words of other texts; a paraphrase by a model was not tried.
Where there is none: what people wrote, in two languages, under several keys, against what the p-value claims.
Needs ``pip install 'disclose-ai[text-models]'``, CPU torch first, and Debian's fortunes and fortunes-de.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from math import sqrt
from pathlib import Path
from typing import Any

import numpy

from benchmarks.common import RESULTS, machine, write
from benchmarks.text_answers import KEY, TOP_K, load
from benchmarks.text_human import texts
from disclose.watermark.text import gumbel, synthid

LENGTHS = (25, 50, 100, 200)
NULL_KEYS = tuple(bytes([number]) * 32 for number in range(1, 26))
CLAIMED = (0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4)
DETECT: dict[str, Callable[..., Any]] = {"gumbel": gumbel.detect, "synthid": synthid.detect}
Encode = Callable[[str], list[int]]


def handled(ids: list[int], tokenizer: Any, encode: Encode, human: Sequence[str], seed: int) -> dict[str, list[int]]:
    """Return the token ids of one answer after each handling."""
    numbers = random.Random(seed)  # noqa: S311
    text = tokenizer.decode(ids)
    words = [word for other in numbers.sample(human, 20) for word in other.split()]
    found: dict[str, list[int]] = {f"first {length} tokens": ids[: length + gumbel.WIDTH] for length in LENGTHS}
    found["retokenised"] = encode(text)
    for share in (0.1, 0.2, 0.3, 0.5):
        edited = [numbers.choice(words) if numbers.random() < share else word for word in text.split(" ")]
        found[f"{share:.0%} of words replaced"] = encode(" ".join(edited))
    found["lower case"] = encode(text.lower())
    start = numbers.randrange(len(ids) // 2)
    quote = tokenizer.decode(ids[start : start + len(ids) // 2])
    before, after = numbers.sample([other for other in human if 400 <= len(other) <= 1200], 2)
    found["half quoted inside human text"] = encode(f"{before}\n\n{quote}\n\n{after}")
    return found


def power(answers: dict[str, Any], tokenizer: Any, encode: Encode, human: Sequence[str]) -> dict[str, Any]:
    """Return, for each cell and handling, the shares found at two p-values, corrected for the search."""
    results = {}
    for cell, rows in answers.items():
        scheme = cell.split(",")[0]
        schemes = DETECT if scheme == "none" else {scheme: DETECT[scheme]}
        for named, detect in schemes.items():
            p_values: dict[str, list[float]] = {}
            for number, row in enumerate(rows):
                for handling, ids in handled(row["ids"], tokenizer, encode, human, number).items():
                    p_values.setdefault(handling, []).append(detect(ids, KEY).p_value)
            results[cell if scheme != "none" else f"{cell}, read as {named}"] = {
                "answers": len(rows),
                "mean_entropy_nats": round(float(numpy.mean([row["entropy"] for row in rows])), 3),
                "handlings": {
                    handling: {
                        "found_at_1e-3": round(float(numpy.mean(numpy.array(found) <= 1e-3)), 4),
                        "found_at_1e-6": round(float(numpy.mean(numpy.array(found) <= 1e-6)), 4),
                        "median_log10_p": round(float(numpy.median(numpy.log10(found))), 2),
                    }
                    for handling, found in p_values.items()
                },
            }
    return results


def surprise(answers: dict[str, Any]) -> dict[str, Any]:
    """Return each cell's mean surprise in nats a token, the logarithm of its perplexity, and its standard error.

    Where the temperature was also drawn without a mark, also the mean difference, prompt by prompt.
    """
    found = {}
    for cell, rows in answers.items():
        values = numpy.array([row["surprise"] for row in rows])
        found[cell] = {
            "nats_per_token": round(float(values.mean()), 4),
            "standard_error": round(float(values.std(ddof=1) / sqrt(len(values))), 4),
            "perplexity": round(float(numpy.exp(values.mean())), 2),
        }
        plain = answers.get(f"none,{cell.partition(',')[2]}", ())
        if plain and not cell.startswith("none"):
            paired = numpy.array([row["surprise"] - other["surprise"] for row, other in zip(rows, plain, strict=False)])
            found[cell]["difference_to_unmarked"] = round(float(paired.mean()), 4)
            found[cell]["its_standard_error"] = round(float(paired.std(ddof=1) / sqrt(len(paired))), 4)
    return found


def null(encode: Encode, sources: dict[str, list[str]], most: int) -> dict[str, Any]:
    """Return how often the p-value of human text was as low as each claim, over texts and keys."""
    readers: dict[str, Callable[..., Any]] = {
        "gumbel, whole text": partial(gumbel.detect, spans=False),
        "gumbel, text and parts": gumbel.detect,
        "synthid, whole text": partial(synthid.detect, spans=False),
    }
    keys = {"gumbel": NULL_KEYS, "synthid": [synthid.Tournament.from_secret(key) for key in NULL_KEYS]}
    p_values: dict[str, list[float]] = {name: [] for name in readers}
    by_source, lengths = {}, []
    for source, several in sources.items():
        encoded = [encode(text) for text in several[:most]]
        lengths += [len(ids) for ids in encoded]
        by_source[source] = len(encoded)
        for ids in encoded:
            for name, detect in readers.items():
                p_values[name] += [detect(ids, key).p_value for key in keys[name.split(",")[0]]]
    return {
        "texts": by_source,
        "keys": len(NULL_KEYS),
        "median_tokens": int(numpy.median(lengths)),
        "claimed": CLAIMED,
        "schemes": {
            name: {
                "examined": len(found),
                "observed": [int((numpy.array(found) <= claim).sum()) for claim in CLAIMED],
                "observed_rate": [float((numpy.array(found) <= claim).mean()) for claim in CLAIMED],
                "least_p": float(min(found)),
            }
            for name, found in p_values.items()
        },
    }


def speed(model: Any, tokenizer: Any) -> dict[str, Any]:
    """Return milliseconds: the median of repeated calls, and the best, which other work disturbs less."""
    import torch

    numbers = numpy.random.default_rng(1)
    context = numbers.integers(0, 49_152, 1000)
    hundred, large = numbers.normal(0, 3, TOP_K), numbers.normal(0, 3, 128_256).astype(numpy.float32)
    excluded = numpy.full(49_152, -numpy.inf, numpy.float32)
    excluded[numbers.choice(49_152, TOP_K, replace=False)] = hundred
    tournament = synthid.Tournament.from_secret(KEY)
    measured = {
        "sample_of_top_100": _timed(lambda: gumbel.sample(hundred, context, KEY), 400),
        "sample_of_49152_with_all_but_100_excluded": _timed(lambda: gumbel.sample(excluded, context, KEY), 400),
        "sample_of_128256": _timed(lambda: gumbel.sample(large, context, KEY), 60),
        "synthid_sample_of_49152_with_all_but_100_excluded": _timed(
            lambda: synthid.sample(excluded, context, tournament), 200
        ),
        "detect_1000_tokens_whole_and_parts": _timed(lambda: gumbel.detect(context, KEY), 100),
        "synthid_detect_1000_tokens_whole_and_parts": _timed(lambda: synthid.detect(context, tournament), 100),
    }
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Tell me about the sea."}],
        add_generation_prompt=True, return_tensors="pt", return_dict=True,
    )  # fmt: skip
    step = _timed(lambda: _decoded(model, asked, torch), 3)
    measured["decoding_one_token"] = {name: value / 40 for name, value in step.items()}
    shares = {
        name: measured["sample_of_49152_with_all_but_100_excluded"][name] / measured["decoding_one_token"][name]
        for name in ("median", "best")
    }
    return {"milliseconds": measured, "sampling_share_of_decoding": shares}


def _decoded(model: Any, asked: Any, torch: Any) -> None:
    with torch.no_grad():
        model.generate(**asked, do_sample=True, top_k=TOP_K, temperature=1.0, max_new_tokens=40, min_new_tokens=40)


def _timed(call: Callable[[], object], times: int) -> dict[str, float]:
    call()
    found = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - start))
    return {"median": round(float(numpy.median(found)), 4), "best": round(min(found), 4)}


def plot() -> None:
    """Draw what is claimed against what was observed, and what was found after which handling."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    results = json.loads((RESULTS / "text.json").read_text())
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, 5), layout="constrained")
    claimed = results["null"]["claimed"]
    for name, scheme in results["null"]["schemes"].items():
        seen = [(c, o) for c, o in zip(claimed, scheme["observed_rate"], strict=True) if o]
        error = [1.96 * sqrt(o / scheme["examined"]) for _, o in seen]
        left.errorbar(
            *zip(*seen, strict=True), yerr=error, marker="o", capsize=3, label=f"{name}, n = {scheme['examined']:,}"
        )
    left.plot([1e-5, 1], [1e-5, 1], color="grey", linewidth=1, label="as claimed")
    left.set(xscale="log", yscale="log", xlim=(3e-5, 0.3), ylim=(1e-5, 0.3), xlabel="claimed p-value",
             ylabel="share of human texts at or below it", title="Human texts, other people's keys")  # fmt: skip
    left.legend(loc="upper left", fontsize=8)
    cells = {name: cell for name, cell in results["power"].items() if not name.startswith("none")}
    handlings = list(next(iter(cells.values()))["handlings"])
    width = 0.8 / len(cells)
    for number, (name, cell) in enumerate(cells.items()):
        found = [cell["handlings"][handling]["found_at_1e-6"] for handling in handlings]
        places = [place + number * width for place in range(len(handlings))]
        right.barh(
            places, found, height=width, label=f"{name}, {cell['mean_entropy_nats']:.2f} nats, n = {cell['answers']}"
        )
    right.set_yticks([place + 0.4 - width / 2 for place in range(len(handlings))], handlings)
    right.invert_yaxis()
    right.set(xlabel="share found at a corrected p-value of 1e-6", title="Answers of SmolLM2-135M, 200 tokens scored")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, fontsize=8)
    figure.savefig(RESULTS / "text.png", dpi=110)
    print(RESULTS / "text.png")


def main() -> None:
    """Measure, write, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--texts", type=int, default=4000, help="human texts of each source")
    parser.add_argument(
        "--only", nargs="+", choices=("power", "null", "speed", "surprise"), help="measure this anew, keep the rest"
    )
    parser.add_argument("--plot", action="store_true", help="only draw the results that are there")
    options = parser.parse_args()
    path = RESULTS / "text.json"
    if not options.plot:
        model, tokenizer = load()
        encode = partial(_encoded, tokenizer)
        sources = texts()
        human = sources["English sayings"] + sources["Python documentation"]
        answers = json.loads(options.answers.read_text()) if options.answers else {}
        steps: dict[str, Callable[[], dict[str, Any]]] = {
            "speed": lambda: speed(model, tokenizer),
            "surprise": lambda: surprise(answers),
            "power": lambda: power(answers, tokenizer, encode, human),
            "null": lambda: null(encode, sources, options.texts),
        }
        results = json.loads(path.read_text()) if path.exists() and options.only else {}
        results["machine"] = machine()
        for name in options.only or steps:
            began = time.monotonic()
            results[name] = steps[name]()
            write("text", results)
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    if {"null", "power"} <= json.loads(path.read_text()).keys():
        plot()


def _encoded(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


if __name__ == "__main__":
    main()
