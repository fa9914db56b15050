"""The service behind the page and the API: examine what was sent or stands at an address, and sign what was found."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from starlette.exceptions import HTTPException

from disclose.detector import report
from disclose.detector.fetching import Fetcher
from disclose.detector.figures import Figures
from disclose.detector.pool import ExaminationFailedError, Pool
from disclose.detector.uploads import Sent, Upload, Uploads
from disclose.errors import InputError, TooLargeError

if TYPE_CHECKING:
    from disclose.detector.settings import Settings
    from disclose.profile import Profile

_FETCHES_AT_ONCE, _FETCHES_OF_ONE = 8, 2


class Service:
    """Examines for an application; ``profile`` says with what, ``settings`` within which limits."""

    def __init__(self, profile: Profile, settings: Settings, fetcher: Fetcher | None = None) -> None:
        self.profile = profile
        self.settings = settings
        self.uploads = Uploads(settings)
        self.figures = Figures()
        self.pool = Pool(profile, processes=settings.processes, seconds=settings.examine_seconds)
        self._fetcher = fetcher or Fetcher(largest=settings.largest, seconds=settings.fetch_seconds)
        self._fetching: Counter[str | None] = Counter()

    async def files(self, sent: Sent, *, client: str | None) -> tuple[Upload, ...]:
        """Return the files that *client* sent, and the one at the address; raises HTTPException for what is refused.

        No client is one without limit.
        """
        if sent.url is None:
            return sent.files
        return (*sent.files, Upload(name=sent.url, data=await self._fetched(sent.url, self._fetcher, client)))

    async def referenced(self, url: str, *, length: int, client: str | None) -> Upload:
        """Return the file at the https *url*, of *length* bytes at most; raises HTTPException as :meth:`files` does."""
        if length > self.settings.largest:
            raise HTTPException(413, f"a file may have {self.settings.largest >> 20} MB")
        fetcher = replace(self._fetcher, largest=length, schemes=frozenset({"https"}))
        return Upload(name="", data=await self._fetched(url, fetcher, client))

    async def examine(self, upload: Upload, *, display: bool = False, media_type: str | None = None) -> dict[str, Any]:
        """Return what was found in *upload*, which has to be of *media_type* where one is stated.

        Raises HTTPException when it cannot be examined now, or at all.
        """
        if self.figures.busy >= self.settings.waiting:
            raise HTTPException(503, "there is too much to examine at the moment", {"Retry-After": "5"})
        with self.figures.examination() as outcome:

            def ask() -> dict[str, Any]:
                return self.pool.examine(upload.data, name=upload.name, display=display, media_type=media_type)

            try:
                found = await to_thread.run_sync(ask)
            except ExaminationFailedError as error:
                outcome.append("failed")
                return {"file": upload.name, "error": str(error)}
            outcome.append("unreadable" if "error" in found else found["outcome"])
        return found

    async def signed(self, found: dict[str, Any], upload: Upload) -> dict[str, Any]:
        """Return the signed report of what was *found* in *upload*."""

        def make() -> dict[str, Any]:
            sha256 = hashlib.sha256(upload.data).hexdigest()
            address, signer = self.settings.address, self.profile.signer()
            return report.make(found, sha256=sha256, size=len(upload.data), address=address, signer=signer)

        return await to_thread.run_sync(make)

    async def _fetched(self, url: str, fetcher: Fetcher, client: str | None) -> bytes:
        if not self.settings.fetches:
            raise HTTPException(422, "this detector fetches no addresses")
        if self._fetching.total() >= _FETCHES_AT_ONCE:
            raise HTTPException(503, "too many addresses are being fetched at the moment", {"Retry-After": "5"})
        if client is not None and self._fetching[client] >= _FETCHES_OF_ONE:
            raise HTTPException(429, "other addresses of yours are still being fetched", {"Retry-After": "5"})
        self._fetching[client] += 1
        try:
            # The thread ends by itself soon after; only a name server can keep it longer than it may take.
            with anyio.fail_after(self.settings.fetch_seconds + 1):
                return await to_thread.run_sync(fetcher.fetch, url, abandon_on_cancel=True)
        except TimeoutError as error:
            raise HTTPException(422, "cannot fetch the address: it took too long to answer") from error
        except TooLargeError as error:
            raise HTTPException(413, str(error)) from error
        except InputError as error:
            raise HTTPException(422, str(error)) from error
        finally:
            self._fetching[client] -= 1
            # Who asked is not remembered.
            self._fetching = +self._fetching
