"""What people read: that the counterpart is an AI system, in their language, at the first interaction.

A notice knows no web framework. Its words come from a catalogue per language (:mod:`disclose.notice.catalogue`), in
every kind that a rule asks for (:func:`wording`); the notice renders itself as a script that any page can run
(:meth:`Notice.to_script`) or carry (:meth:`Notice.to_html`).
"""

from disclose.notice.catalogue import Review, ReviewState, catalogues
from disclose.notice.kinds import Kind
from disclose.notice.notice import ELEMENT_ID, Notice
from disclose.notice.wording import WORDING, Text, Wording, review_state, wording

__all__ = [
    "ELEMENT_ID",
    "WORDING",
    "Kind",
    "Notice",
    "Review",
    "ReviewState",
    "Text",
    "Wording",
    "catalogues",
    "review_state",
    "wording",
]
