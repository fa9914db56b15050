"""``disclose keys``: make, order, rotate, examine and show the identity that signs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from disclose.cli.terminal import console, plain
from disclose.errors import DiscloseError, IdentityError
from disclose.media import files
from disclose.profile import Profile
from disclose.signing import Signer, TrustList
from disclose.signing.findings import Finding, Severity, error, fine, warning
from disclose.signing.signatures import ALGORITHMS
from disclose.signing.timestamp import shown

if TYPE_CHECKING:
    from disclose.layers.c2pa_engine import Engine

_STYLES = {Severity.FINE: "green", Severity.WARNING: "yellow", Severity.ERROR: "bold red"}
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_PEM = click.Path(path_type=Path)
_CLOCK_MAY_DIFFER = timedelta(minutes=1)


@click.group()
def keys() -> None:
    """Make, order, rotate, examine and show the identity that signs."""


@keys.command()
@_AS_JSON
def init(as_json: bool) -> None:
    """Make the development identity, prove it by signing and verifying, and show it."""
    profile = Profile.load()
    _must_work(profile)
    _show(profile, as_json=as_json)


@keys.command()
@click.option("--organisation", required=True, help="The organisation that signs, as it is registered.")
@click.option("--common-name", required=True, help="The name of the product.")
@click.option("--country", help="Two letters, such as DE.")
@click.option("--algorithm", type=click.Choice(ALGORITHMS), default="es256", show_default=True)
@click.option("-o", "--output", "folder", type=_PEM, required=True, help="Folder for the key and its request.")
def csr(organisation: str, common_name: str, country: str | None, algorithm: str, folder: Path) -> None:
    """Make a new key, and the request by which an authority certifies it."""
    from disclose.signing.request import Request

    request = Request(organisation=organisation, common_name=common_name, country=country, algorithm=algorithm)
    key_path, request_path = request.write(folder)
    out = console()
    for line in (
        f"private key  {key_path} (only you can read it; it never leaves this machine)",
        f"request      {request_path}",
        "",
        "Send the request to an authority. The certificate has to have:",
        "  extended key usage c2pa-kp-claimSigning (1.3.6.1.4.1.62558.2.1) and emailProtection (1.3.6.1.5.5.7.3.4)",
        "  or documentSigning (1.3.6.1.5.5.7.3.36); never anyExtendedKeyUsage or timeStamping",
        "  key usage digitalSignature, authority key identifier, subject key identifier",
        *(() if country else ("  a country, which the C2PA programme asks for: --country adds it to the request",)),
        "An authority on the C2PA trust list certifies products on the list of conforming products only.",
        "",
        "Then put the leaf and the intermediates, without the root, into one file, and examine both:",
        f"  disclose keys doctor --certificates FILE --private-key {key_path}",
    ):
        out.print(plain(line), soft_wrap=True)


@keys.command()
@_AS_JSON
def rotate(as_json: bool) -> None:
    """Give the development identity a new key; what the old one signed is still recognised and still verifies."""
    from disclose.signing import development

    profile = Profile.load()
    if not profile.signer().is_development:
        raise IdentityError(
            "only the development identity can be rotated here: order a certificate with disclose keys csr, set"
            " certificates and private_key to the new files, and add the old certificate to retired_certificates"
        )
    development.rotate(profile.folder / "identity")
    rotated = Profile.load()
    _must_work(rotated)
    _show(rotated, as_json=as_json)


@keys.command()
@click.option("--certificates", type=_PEM, help="PEM file: leaf first, then intermediates. As a rule the profile's.")
@click.option("--private-key", type=_PEM, help="PEM file of the key. As a rule the profile's.")
@_AS_JSON
def doctor(certificates: Path | None, private_key: Path | None, as_json: bool) -> None:
    """Examine the identity, name everything that is wrong with the next step, and prove it by signing.

    Exit status 1 when something keeps it from signing, or readers from accepting what it signs.
    """
    profile = Profile.load()
    if (certificates is None) != (private_key is None):
        raise click.UsageError("--certificates and --private-key go together")
    found = _examined(profile, certificates, private_key)
    found = tuple(sorted(found, key=lambda one: list(Severity).index(one.severity), reverse=True))
    if as_json:
        print(json.dumps({"findings": [asdict(one) for one in found]}, ensure_ascii=False))
    else:
        _print_findings(found)
    if any(one.severity is Severity.ERROR for one in found):
        sys.exit(1)


@keys.command()
@_AS_JSON
def show(as_json: bool) -> None:
    """Show who signs: subject, issuer, algorithm, validity and whether anybody vouches for it."""
    _show(Profile.load(), as_json=as_json)


def _examined(profile: Profile, certificates: Path | None, private_key: Path | None) -> tuple[Finding, ...]:
    """Return all findings about the files given, or about the identity of *profile*."""
    from disclose.signing.checks import check_identity

    if certificates is None and profile.signer_reference is None:
        certificates, private_key = profile.certificates, profile.private_key
    if certificates is not None and private_key is not None:
        pem, key_pem = files.read(certificates), files.read(private_key)
        found = check_identity(pem, key_pem, timestamp_url=profile.timestamp_url)
        try:
            signer = Signer.from_pem(pem, key_pem).with_timestamps(
                profile.timestamp_url, outage=profile.timestamp_outage
            )
        except IdentityError as reason:
            return *found, error("proof", f"it cannot sign: {reason}", "mend what is named here, and ask again")
    else:
        try:
            signer = profile.signer()
        except IdentityError as reason:
            return (error("signer", str(reason), "mend that, and ask again"),)
        found = check_identity(
            signer.certificates,
            signer.private_key,
            timestamp_url=signer.timestamp_url,
            is_development=signer.is_development,
        )
    return *found, *_proof(signer, profile.trust())


def _proof(signer: Signer, trust: TrustList) -> tuple[Finding, ...]:
    """Sign a picture and read it back, in memory; return what came of it."""
    from disclose.evidence import Integrity, Trust
    from disclose.layers.c2pa_codes import axes
    from disclose.layers.c2pa_engine import Engine

    engine = Engine(signer=lambda: signer, trust=lambda: trust)
    try:
        store = _signed_and_read(engine)
    except DiscloseError as reason:
        return (error("proof", f"a picture could not be signed: {reason}", "mend what is named here, and ask again"),)
    manifest = store["manifests"][store["active_manifest"]]
    integrity, trusted, _ = axes(store["validation_results"]["activeManifest"])
    if integrity is not Integrity.INTACT:
        return (error("proof", "a picture was signed, but it does not verify", "report this as a bug"),)
    proved = fine("proof", "a picture was signed, and it verifies")
    clock = _clock(manifest.get("signature_info", {}).get("time"), datetime.now(UTC))
    if not trust.anchors or signer.is_development:
        return proved, *clock
    if trusted is Trust.TRUSTED:
        return proved, fine("trust", "the signer is on your trust list"), *clock
    step = "add the root of the signer's authority to trust_anchors"
    return proved, warning("trust", "the signer is not on your own trust list", step), *clock


def _signed_and_read(engine: Engine) -> dict[str, Any]:
    import io

    from PIL import Image

    from disclose.disclosure import DigitalSourceType

    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    created = {"action": "c2pa.created", "digitalSourceType": DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA.uri}
    definition = {
        "claim_generator_info": [{"name": "disclose keys doctor"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }
    signed = engine.sign(definition, "image/png", picture.getvalue())
    store = engine.read("image/png", signed.data)
    if store is None:
        raise IdentityError("what was signed carries no manifest")
    return store


def _clock(stamped: str | None, now: datetime) -> tuple[Finding, ...]:
    """Return what the authority's time says of this machine's clock; nothing where there is no stamp."""
    if stamped is None:
        return ()
    difference = abs(datetime.fromisoformat(stamped) - now)
    if difference <= _CLOCK_MAY_DIFFER:
        return (fine("clock", "this machine's clock agrees with the time-stamping authority"),)
    text = f"this machine's clock is {difference} away from the time-stamping authority's"
    return (warning("clock", text, "set the clock (NTP): what a manifest says of its time comes from it"),)


def _must_work(profile: Profile) -> None:
    for found in _proof(profile.signer(), profile.trust()):
        if found.severity is Severity.ERROR:
            raise IdentityError(f"the identity does not work: {found.summary}; see disclose keys doctor")


def _print_findings(found: Sequence[Finding]) -> None:
    out = console()
    if not out.is_terminal:
        for one in found:
            step = f"; {one.next_step}" if one.next_step else ""
            out.print(plain(f"{one.severity.value:8} {one.check:24} {one.summary}{step}"), soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("", "what was found", "next step"):
        table.add_column(heading)
    for one in found:
        table.add_row(f"[{_STYLES[one.severity]}]{one.severity.value}[/]", plain(one.summary), plain(one.next_step))
    out.print(table)


def _show(profile: Profile, *, as_json: bool) -> None:
    values = _described(profile.signer(), profile)
    if as_json:
        print(json.dumps(values, ensure_ascii=False))
        return
    out = console()
    texts = {name.replace("_", " "): _text(value) for name, value in values.items()}
    if not out.is_terminal:
        for name, text in texts.items():
            out.print(plain(f"{name:22} {text}"), soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in texts.items():
        table.add_row(name, plain(text))
    out.print(table)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "none" if value is None else {True: "yes", False: "no"}.get(value, str(value))


def _described(signer: Signer, profile: Profile) -> dict[str, Any]:
    from disclose.signing.checks import usages_of

    leaf = signer.leaf
    return {
        "subject": signer.subject,
        "issuer": leaf.issuer.rfc4514_string(),
        "serial_number": signer.serial_number,
        "algorithm": signer.algorithm,
        "valid_from": f"{leaf.not_valid_before_utc:%Y-%m-%d}",
        "expires": f"{signer.expires:%Y-%m-%d}",
        "fingerprint": signer.fingerprint,
        "extended_key_usages": list(usages_of(leaf)),
        "timestamp": None if signer.timestamp_url is None else shown(signer.timestamp_url),
        "retired": sorted(signer.serial_numbers - {signer.serial_number}),
        "development": signer.is_development,
        "kept_in": _place(signer, profile),
    }


def _place(signer: Signer, profile: Profile) -> str:
    if profile.signer_reference is not None:
        return profile.signer_reference
    return str(profile.folder / "identity" if signer.is_development else profile.certificates)
