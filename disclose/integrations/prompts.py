"""Prompts: take our own marks out of what goes to a model, and leave everybody else's.

An answer that comes back as part of the next prompt brings its marks along; to a model they are noise
that costs tokens. This is for what goes to a model, and no way to take marks off a text: what others put there stays.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from disclose.profile import Profile


def unmarked(prompt: str, profile: Profile | None = None) -> str:
    """Return *prompt* without the pointers that *profile* made and the manifests that its signer put into texts.

    Character for character the same otherwise; a manifest is the signer's by its certificate, present or retired.
    """
    from disclose.media import text_frames, text_tag

    if profile is None:
        from disclose.profile import default_profile

        profile = default_profile()
    # Most prompts hold none; then no key is read, nor made.
    if any(True for _ in text_tag.tags(prompt)):
        from disclose.ledger.tenants import TenantKeys

        prompt = text_tag.without(prompt, TenantKeys(profile.folder / "tenant-keys").key())
    return text_frames.without(prompt, _signed_by(profile))


def _signed_by(profile: Profile) -> Callable[[bytes], bool]:
    """Return what tells whether the signer of *profile* signed a manifest, of whatever text."""
    from disclose.errors import UnreadableError
    from disclose.layers.c2pa_engine import Engine

    engine = Engine(signer=profile.signer, trust=profile.trust)

    @cache
    def is_own(manifest: bytes) -> bool:
        try:
            return engine.is_own("text/plain", b"a prompt", store=manifest)
        except UnreadableError:
            return False

    return is_own
