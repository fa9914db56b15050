"""Settings of the detector: its address, its limits, and who is exempt from them."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from disclose.errors import ProfileError

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a detector serves. Times are seconds, sizes bytes.

    ``address`` is the public one, which stands in reports (Code of Practice, measure 2.1.2). A request beyond
    ``requests_per_minute`` of one client (a minute's worth may come at once) is refused, unless it brings one of the
    tokens in ``exempt``, kept as SHA-256: market surveillance, police, media, fact-checkers, trusted flaggers, research
    and civil society are served without limit (measure 2.1.1). Limits hold for each server process.

    A client may have a quarter of the places for ``waiting`` at once.

    ``origins`` may call the API from pages of their own (CORS). With ``manifests`` the detector gives out the manifests
    that the ledger keeps, which it does where the profile says ``keep_manifests``.
    """

    address: str = "http://127.0.0.1:8000"
    largest: int = 64 << 20
    memory: int = 512 << 20
    files: int = 20
    upload_seconds: float = 60.0
    examine_seconds: float = 20.0
    fetch_seconds: float = 10.0
    processes: int = field(default_factory=lambda: os.cpu_count() or 1)
    waiting: int = 32
    requests_per_minute: float = 120.0
    exempt: tuple[str, ...] = ()
    origins: tuple[str, ...] = ("*",)
    fetches: bool = True
    manifests: bool = False

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and not value > 0:
                raise ProfileError(f"{one.name}={value!r} of the detector has to be more than nothing")
        if not all(_SHA256.fullmatch(one) for one in self.exempt):
            # Not repeated: it may be a token itself.
            raise ProfileError(
                "exempt of the detector holds what is no SHA-256 of a token: printf %s TOKEN | sha256sum"
            )
        if not self.address.startswith(("http://", "https://")):
            raise ProfileError(f"address={self.address!r} of the detector has to begin with https:// or http://")

    def is_exempt(self, token: str) -> bool:
        """Whether *token* is one of those that are served without limit."""
        return hashlib.sha256(token.encode()).hexdigest() in self.exempt

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote."""
        tuples: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**tuples)
