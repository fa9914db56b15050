"""What people read: that the counterpart is an AI system, in their language, at the first interaction.

A notice knows no web framework. It holds wording per language (:mod:`disclose.notice.wording`) and renders itself
as a script that any page can run (:meth:`Notice.to_script`) or carry (:meth:`Notice.to_html`).
"""

from disclose.notice.notice import ELEMENT_ID, Notice
from disclose.notice.wording import WORDING, Wording

__all__ = ["ELEMENT_ID", "WORDING", "Notice", "Wording"]
