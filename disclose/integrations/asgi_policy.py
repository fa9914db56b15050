"""Content Security Policy: whether a page may hold a style element or a script of ours, and with which nonce."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from disclose.integrations.asgi_headers import Headers, value_of

_STYLES = ("style-src-elem", "style-src", "default-src")
_SCRIPTS = ("script-src-elem", "script-src", "default-src")
_CONNECTIONS = ("connect-src", "default-src")
_UNRESTRICTED = "* 'unsafe-inline'"
_UNBOXED = frozenset({"allow-scripts", "allow-same-origin"})
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")
_HASH = re.compile(r"'sha(?:256|384|512)-", re.IGNORECASE)

Permission = tuple[bool, str | None]
"""Whether something is allowed, and the nonce that it then needs."""


@dataclass(frozen=True)
class Policies:
    """The policies of one page, all of which hold, each as its directives (Content Security Policy Level 3, 2.2.1)."""

    directives: tuple[Mapping[str, str], ...]

    @classmethod
    def of(cls, headers: Headers) -> Self:
        """Return the policies in *headers*."""
        policies = []
        for policy in (value_of(headers, b"content-security-policy") or b"").decode("latin-1").split(","):
            directives: dict[str, str] = {}
            for directive in policy.split(";"):
                name, _, sources = directive.strip().partition(" ")
                directives.setdefault(name.lower(), sources)
            policies.append(directives)
        return cls(tuple(policies))

    def inline_style(self) -> Permission:
        """Return whether the page may hold a style element."""
        return self._permission(_STYLES, lambda sources: "'unsafe-inline'" in sources and not _HASH.search(sources))

    def own_script(self, scheme: str) -> Permission:
        """Return whether the page, of *scheme*, may load a script of its origin that talks to that origin."""

        def allows(sources: str) -> bool:
            return not {"'self'", "*", f"{scheme}:"}.isdisjoint(sources.split())

        for policy in self.directives:
            if "sandbox" in policy and not set(policy["sandbox"].lower().split()) >= _UNBOXED:
                return False, None
            if not allows(_sources(policy, _CONNECTIONS).lower()):
                return False, None
        return self._permission(_SCRIPTS, lambda sources: "'strict-dynamic'" not in sources and allows(sources))

    def _permission(self, names: Iterable[str], allows: Callable[[str], bool]) -> Permission:
        nonces: set[str] | None = None
        for policy in self.directives:
            sources = _sources(policy, names)
            offered = set(_NONCE.findall(sources))
            if not offered and not allows(sources.lower()):
                return False, None
            if offered:
                nonces = offered if nonces is None else nonces & offered
        if nonces is None:
            return True, None
        return bool(nonces), min(nonces, default=None)


def _sources(policy: Mapping[str, str], names: Iterable[str]) -> str:
    """Return the sources that the first directive of *names* allows; without one there is no restriction."""
    return next((policy[name] for name in names if name in policy), _UNRESTRICTED)
