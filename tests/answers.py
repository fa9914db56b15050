"""Texts as long as answers, for tests: paragraphs of the language reference that ships with Python."""

import random
from functools import cache
from pydoc_data.topics import topics


@cache
def answers():
    """Return some hundred texts of 60 to 250 words of English prose, no two of them alike."""
    found = []
    for name in sorted(topics):
        paragraphs, size = [], 0
        for paragraph in topics[name].split("\n\n"):
            prose = " ".join(paragraph.split())
            if len(prose) < 80 or sum(one.isalpha() or one == " " for one in prose) < 0.9 * len(prose):
                continue
            paragraphs.append(prose)
            size += len(prose.split())
            if size >= 60:
                found.append("\n\n".join(paragraphs))
                paragraphs, size = [], 0
    return _apart(found)


def _apart(texts):
    seen, kept = set(), []
    for one in texts:
        words = one.split()
        runs = {tuple(words[start : start + 5]) for start in range(len(words))}
        if not runs & seen:
            kept.append(one)
        seen |= runs
    return kept


def edited(text, rate=0.3, seed=1):
    """Return *text* with *rate* of its words replaced."""
    numbers = random.Random(seed)  # noqa: S311
    words = text.split(" ")
    for index in numbers.sample(range(len(words)), round(rate * len(words))):
        words[index] = numbers.choice(("amber", "lantern", "seldom", "harbour", "twelve", "meadow"))
    return " ".join(words)
