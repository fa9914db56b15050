"""The application: page, API and soft-binding resolution as one ASGI application that can be mounted anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from disclose.errors import extra

with extra("serve"):
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware

from anyio import to_thread

from disclose.detector import api, page, resolution
from disclose.detector.headers import SafeHeaders
from disclose.detector.rates import RateLimit
from disclose.detector.service import Service
from disclose.detector.settings import Settings

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from disclose.detector.fetching import Fetcher
    from disclose.profile import Profile


def app(
    profile: Profile | None = None, settings: Settings | None = None, *, fetcher: Fetcher | None = None
) -> Starlette:
    """Return the detector of *profile* (the default one) within *settings*.

    Files are parsed by processes of their own, which start with the first file, or with the server where it announces
    its start (ASGI lifespan). *fetcher* takes the place of the one that fetches what addresses lead to.
    """
    from disclose.profile import Profile

    service = Service(profile or Profile.load(), settings or Settings(), fetcher)

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        await to_thread.run_sync(service.pool.warm)
        yield
        service.pool.close()

    def failed(request: Request, error: Exception) -> Response:
        accepts = request.headers.get("accept", "")
        # The page's own script asks for the problem by its name, and for the page as what it can do with as well.
        is_page = "text/html" in accepts and "application/problem+json" not in accepts
        is_page = is_page and not request.url.path.startswith("/v1/")
        return (page.problem if is_page else api.problem)(request, error)

    made = Starlette(
        routes=[*page.routes(service), *api.routes(service), *resolution.routes(service)],
        middleware=[
            Middleware(SafeHeaders),
            Middleware(
                CORSMiddleware,
                allow_origins=service.settings.origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization"],
                expose_headers=["Retry-After", "Disclose-Binding"],
            ),
            Middleware(RateLimit, settings=service.settings, refused=failed),
        ],
        exception_handlers={HTTPException: failed},
        lifespan=running,
    )
    made.state.service = service
    return made
