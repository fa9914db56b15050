"""``disclose keys``: make and show the identity that signs."""

from __future__ import annotations

import json
from typing import Any

import click

from disclose.cli.terminal import console, plain
from disclose.profile import Profile
from disclose.signing import Signer


@click.group()
def keys() -> None:
    """Make and show the identity that signs."""


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def init(as_json: bool) -> None:
    """Make the development identity, prove it by signing and verifying, and show it."""
    profile = Profile.load()
    _prove(profile)
    _show(profile, as_json=as_json)


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(as_json: bool) -> None:
    """Show who signs: subject, algorithm, expiry and whether anybody vouches for it."""
    _show(Profile.load(), as_json=as_json)


def _prove(profile: Profile) -> None:
    """Sign a picture and read it back, in memory; raises when the identity does not work."""
    import numpy

    from disclose.asset import Asset
    from disclose.errors import IdentityError
    from disclose.layers.c2pa import C2paLayer

    layer = C2paLayer(signer=profile.signer, trust=profile.trust)
    asset = Asset.open(numpy.zeros((8, 8, 3), numpy.uint8))
    signed = layer.mark(asset, profile.disclosure(system="disclose keys init"))
    if not any(found.is_bound for found in layer.detect(signed)):
        raise IdentityError("the identity was made, but what it signs does not verify: remove it and try again")


def _show(profile: Profile, *, as_json: bool) -> None:
    signer = profile.signer()
    values = _described(signer, profile)
    if as_json:
        print(json.dumps(values, ensure_ascii=False))
        return
    out = console()
    for name, value in values.items():
        out.print(plain(f"{name.replace('_', ' '):13} {value}"), soft_wrap=True)


def _described(signer: Signer, profile: Profile) -> dict[str, Any]:
    return {
        "subject": signer.subject,
        "algorithm": signer.algorithm,
        "expires": f"{signer.expires:%Y-%m-%d}",
        "fingerprint": signer.fingerprint,
        "development": signer.is_development,
        "kept_in": str(profile.folder / "identity" if signer.is_development else profile.certificates),
    }
