"""What programs are told that call a Gradio app: in the descriptions of its functions and tools.

Tools carry the disclosure as ``_meta`` too since Gradio 6; Gradio 5 has no place for it.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from disclose.about import WELL_KNOWN
from disclose.errors import extra
from disclose.integrations.gradio_app import MODES

with extra("gradio"):
    import gradio

if TYPE_CHECKING:
    from disclose.notice import Notice
    from disclose.profile import Profile

META = "ai-disclosure"
"""The key of the disclosure in the ``_meta`` of a tool and of what it returns (Model Context Protocol, 2025-06-18)."""
_log = logging.getLogger("disclose.integrations.gradio")


def tell_callers(
    demo: gradio.Blocks,
    profile: Profile,
    statement: dict[str, Any],
    notice: Notice,
    concerns: Callable[[Any], bool],
) -> None:
    """Tell whoever calls the functions of *demo* what a page shows: *notice*, and what *profile* and *statement* say.

    Functions that it does not concern are described all the same, for
    what answers there is the system; only the outputs of those that it *concerns* are said to be made by it.
    """
    made = profile.disclosure(**statement)
    values = {
        "mode": MODES[made.action],
        "system": made.system,
        "version": made.version,
        "provider": made.provider,
        "notice": notice.wording[notice.fallback].headline,
        "about": WELL_KNOWN,
    }
    meta = {name: value for name, value in values.items() if value}
    for block_fn in list(demo.fns.values()):
        _describe(block_fn, meta["notice"])
        if concerns(block_fn):
            _add_meta(block_fn, meta)


def _describe(block_fn: Any, headline: str) -> None:
    said = getattr(block_fn, "api_description", None)
    if said is None:
        said = inspect.getdoc(block_fn.fn) if block_fn.fn is not None else None
    block_fn.api_description = f"{said}\n\n{headline}" if said else headline


def _add_meta(block_fn: Any, meta: dict[str, str]) -> None:
    """Add *meta* to what Gradio 6 sends of the function over MCP, beside what its author put there."""
    given = getattr(block_fn.fn, "_mcp_meta", None) or {}
    try:
        block_fn.fn._mcp_meta = {**given, META: meta}  # noqa: SLF001
    except AttributeError:
        if block_fn.fn is not None:
            _log.info("%r takes no attributes, so its tool has the disclosure in its description alone", block_fn.fn)
