"""Prompts: take our own marks out of what goes to a model, and leave everybody else's.

An answer that comes back as part of the next prompt brings its invisible characters along; to a model they are noise
that costs tokens. This is for what goes to a model, and no way to take marks off a text: what others put there stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from disclose.profile import Profile


def unmarked(prompt: str, profile: Profile | None = None) -> str:
    """Return *prompt* without the pointers that *profile* made, character for character the same otherwise."""
    from disclose.ledger.tenants import TenantKeys
    from disclose.media import text_tag

    if profile is None:
        from disclose.profile import default_profile

        profile = default_profile()
    # Most prompts hold none; then no key is read, nor made.
    if not any(True for _ in text_tag.tags(prompt)):
        return prompt
    return text_tag.without(prompt, TenantKeys(profile.folder / "tenant-keys").key())
