"""The Gumbel-max watermark: draw each token with keyed randomness, and read it back from the token ids alone.

>>> from disclose.watermark.text import gumbel
>>> token = gumbel.sample(logits, context, key)         # doctest: +SKIP
>>> gumbel.detect(token_ids, key).p_value               # doctest: +SKIP
4.6e-75

A token drawn as the largest of ``logit - ln(-ln u)`` follows the model's distribution exactly when the *u* are
uniform (Gumbel 1954); here they are the key's numbers for the context (Aaronson 2022). Over keys nothing about the
text changes; whoever holds the key sees that the chosen tokens have high numbers. Three rules keep it so:

* the first tokens of an answer are drawn freely, until a window of the answer's own tokens is there. A detector
  could not score them, because their context is in the prompt; and equal prompts keep their different answers;
* a context that came before is drawn freely, or a text could fall into a loop;
* a detector scores each context once, or a repeated passage would count as new evidence.

Sampling belongs after temperature, top-k and top-p: what was excluded has a logit of minus infinity.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import ArrayLike, NDArray

from disclose.errors import InputError
from disclose.watermark.text.contexts import TokenIds, first_of_their_kind, last_window, token_array, windows
from disclose.watermark.text.detection import Detection, judged
from disclose.watermark.text.prf import BLOCK, Uniforms, uniforms
from disclose.watermark.text.significance import gamma_p_value

NAME = "gumbel-aes-1"
WIDTH = 4  # tokens of context: fewer repeat themselves too often, more are lost to every edit
_PERSON = b"disclose gumbel1"
_CACHEFUL = 1 << 13  # tokens; larger arrays cost more in fresh memory than in arithmetic


def sample(logits: ArrayLike, context: TokenIds, key: bytes, *, width: int = WIDTH, answer_from: int = 0) -> int:
    """Return the next token, drawn from the softmax of *logits*, shape (V,), with the mark of *key*.

    ``context`` holds all token ids so far; the answer begins at *answer_from* of them, and what is before (a prompt,
    earlier turns) is only looked at for repetition. Tokens whose logit is minus infinity are never drawn. Raises
    InputError for logits that are no distribution, and IdentityError for a key that is too short.
    """
    scores = np.asarray(logits)
    allowed = candidates(scores)
    source = uniforms(key, width, _PERSON)
    window = last_window(context, width, answer_from)
    seed = _fresh_seed() if window is None else source.seeds(window)[0]
    return _drawn(source, seed, scores, allowed)


def detect(token_ids: TokenIds, key: bytes, *, width: int = WIDTH, spans: bool = True) -> Detection:
    """Return how surely *token_ids*, as the marking model's own tokenizer gives them, carry the mark of *key*.

    With *spans*, also looks for a marked passage inside other text, and corrects for it.
    """
    ids = token_array(token_ids)
    values, places = token_scores(ids, key, width)
    return judged(
        scheme=NAME,
        basis="exact: Gamma",
        values=values,
        places=places,
        width=width,
        total=len(ids),
        p_value=gamma_p_value,
        search_spans=spans,
    )


def check(key: bytes, width: int = WIDTH) -> None:
    """Raise IdentityError for a key that is too short, ValueError for a window that is no window."""
    uniforms(key, width, _PERSON)


def token_scores(
    ids: NDArray[np.uint32], key: bytes, width: int = WIDTH
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the score of each token that counts, exponential of mean 1 without a mark, and its place in *ids*."""
    source = uniforms(key, width, _PERSON)
    seeds = source.seeds(windows(ids, width))
    first = first_of_their_kind(seeds[:, 0])
    numbers = source.of_tokens(seeds[first], ids[first + width])
    return -np.log1p(-numbers), first + width


def candidates(logits: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the tokens that may be drawn: those of finite logit. Raise InputError where there is no distribution."""
    if logits.ndim != 1 or logits.dtype.kind != "f":
        raise InputError(f"logits are one row of floats, but came as {logits.dtype} of shape {logits.shape}")
    top = float(logits.max(initial=-np.inf))
    if np.isnan(top) or top == np.inf:
        raise InputError("the logits hold NaN or plus infinity: the model's output is broken, so nothing was drawn")
    if top == -np.inf:
        raise InputError("every token is excluded (all logits are minus infinity): nothing can be drawn")
    return np.flatnonzero(logits > -np.inf)


def perturbed(logits: NDArray[np.floating], numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logits with the Gumbel noise of uniform *numbers*, both (n,), added; *numbers* are used up."""
    np.log(numbers, out=numbers)
    np.negative(numbers, out=numbers)
    np.log(numbers, out=numbers)
    np.subtract(logits, numbers, out=numbers)
    return numbers


def _drawn(source: Uniforms, seed: NDArray[np.uint64], logits: NDArray[np.floating], allowed: NDArray[np.intp]) -> int:
    """Return the one of *allowed* whose perturbed logit is the largest, looking at a cacheful at a time."""
    everything = len(allowed) == len(logits)
    best, token = -np.inf, -1
    for start in range(0, len(allowed), _CACHEFUL):
        tokens = allowed[start : start + _CACHEFUL]
        numbers = source.of_range(seed, start, start + len(tokens)) if everything else source.of_tokens(seed, tokens)
        scores = perturbed(logits[tokens], numbers)
        place = int(scores.argmax())
        if scores[place] > best:
            best, token = float(scores[place]), int(tokens[place])
    return token


def _fresh_seed() -> NDArray[np.uint64]:
    """Return a seed that nobody knows: what it draws is not marked."""
    return np.frombuffer(os.urandom(BLOCK), "<u8")
