"""The page: a form, and the verdict on what was sent with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from disclose.detector.api import problem

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from disclose.detector.service import Service

__all__ = ["problem", "routes"]


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of the page over *service*."""
    return []
