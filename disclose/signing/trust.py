"""Trust lists: the authorities whose signers a verifier calls known, and those whose time-stamps it believes."""

from __future__ import annotations

import re
import tomllib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from disclose.errors import IdentityError, InputError
from disclose.media import files

# Extended key usages of claim signers: emailProtection, documentSigning and C2PA's own claimSigning. The engine
# accepts only the first unless told, and then calls the other two invalid.
EXTENDED_KEY_USAGES = "1.3.6.1.5.5.7.3.4\n1.3.6.1.5.5.7.3.36\n1.3.6.1.4.1.62558.2.1"

SIGNERS, TIMESTAMPS = "signers", "timestamps"
"""The names under which the engine reports (``trustListUri``) in which of the two lists it found an authority."""

_TABLES = {SIGNERS: {"files"}, TIMESTAMPS: {"files"}, "official": {"file", "date"}}
_ENDINGS = frozenset({".pem", ".crt", ".cer"})
_BEGIN, _END = "-----BEGIN CERTIFICATE-----\n", "\n-----END CERTIFICATE-----"
_OUTDATED = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class TrustList:
    """Trust anchors as PEM, for signers and for time-stamping authorities, and where they came from.

    An empty list trusts nobody, which makes a signer unknown and not invalid. ``dated`` is the date of the official
    C2PA list among them.
    """

    anchors: str = ""
    timestamp_anchors: str = ""
    source: str = ""
    dated: date | None = field(default=None)

    @classmethod
    def from_path(cls, path: Path) -> Self:
        """Return the list that *path* holds: a PEM file, a folder of them, or a ``trust.toml``.

        A PEM file holds authorities of signers. In a folder, files are those of time-stamping authorities whose name,
        or whose subfolder's, has the part ``tsa``. A ``trust.toml`` names files relative to itself, and the official
        C2PA list with its date, which is never fetched::

            [signers]
            files = ["our-root.pem"]
            [timestamps]
            files = ["tsa-root.pem"]
            [official]
            file = "C2PA-TRUST-LIST.pem"
            date = 2026-08-21

        Raises IdentityError with the file and the cause.
        """
        if path.is_dir():
            return cls._from_folder(path)
        if path.suffix == ".toml":
            return cls._from_table(path)
        return cls(anchors=_anchors([path]), source=str(path))

    @classmethod
    def _from_folder(cls, folder: Path) -> Self:
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file())
        if not found:
            raise IdentityError(f"cannot read trust anchors from {folder}: there is no .pem, .crt or .cer file in it")
        stamping = [path for path in found if _is_stamping(path.relative_to(folder))]
        signing = [path for path in found if path not in stamping]
        return cls(anchors=_anchors(signing), timestamp_anchors=_anchors(stamping), source=str(folder))

    @classmethod
    def _from_table(cls, path: Path) -> Self:
        table = _table(path)
        signing = _listed(path, table, SIGNERS)
        official = table.get("official", {})
        dated, source = None, str(path)
        if official:
            listed, dated = official.get("file"), official.get("date")
            if not isinstance(listed, str) or not _is_date(dated):
                raise IdentityError(
                    f'cannot read the trust list {path}: [official] needs file = "…" and date = YYYY-MM-DD, without'
                    " quotation marks"
                )
            signing.append(path.parent / listed)
            source += f", official list of {dated}"
            _warn_of_age(path.parent / listed, dated)
        if not signing and not _listed(path, table, TIMESTAMPS):
            raise IdentityError(f"cannot read the trust list {path}: it names no file; see [signers] files = […]")
        stamping = _listed(path, table, TIMESTAMPS)
        return cls(anchors=_anchors(signing), timestamp_anchors=_anchors(stamping), source=source, dated=dated)

    def settings(self) -> dict[str, Any]:
        """Return the engine's ``trust`` settings: both lists under their names, and the usages of claim signers.

        An authority in both lists is told once, as one of signers: of two the engine reports either, by chance, and
        it believes an authority of signers for time-stamps too.
        """
        signing = _certificates(self.anchors)
        stamping = [one for one in _certificates(self.timestamp_anchors) if one not in signing]
        lists = ((SIGNERS, "manifest", signing), (TIMESTAMPS, "tsa", stamping))
        named = [
            {"trust_uri": name, "trust_kind": kind, "trust_anchors": "".join(found)}
            for name, kind, found in lists
            if found
        ]
        return {"trust_config": EXTENDED_KEY_USAGES, **({"anchors": named} if named else {})}


def _certificates(pem: str) -> list[str]:
    """Return the certificates of *pem* one by one."""
    return [f"{_BEGIN}{body.strip()}{_END}\n" for body in re.findall(f"{_BEGIN}(.*?){_END}", pem, re.DOTALL)]


def _anchors(paths: Iterable[Path]) -> str:
    """Return the certificates in *paths* as PEM, without anything that stands between them."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    found = []
    for path in paths:
        try:
            found += x509.load_pem_x509_certificates(files.read(path))
        except InputError as error:
            raise IdentityError(f"cannot read trust anchors: {error}") from error
        except ValueError as error:
            raise IdentityError(f"cannot read trust anchors from {path}: {error}; expected PEM certificates") from error
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in found)


def _is_stamping(path: Path) -> bool:
    words = str(path.with_suffix("")).lower().replace("\\", "/")
    for separator in "/-_. ":
        words = words.replace(separator, "\n")
    return "tsa" in words.split("\n")


def _table(path: Path) -> Mapping[str, Any]:
    try:
        table = tomllib.loads(files.read(path).decode())
    except InputError as error:
        raise IdentityError(f"cannot read the trust list: {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise IdentityError(f"cannot read the trust list {path}: {error}") from error
    for name, entries in table.items():
        if name not in _TABLES or not isinstance(entries, dict):
            raise IdentityError(
                f"cannot read the trust list {path}: {name!r} is not one of its tables, [{'], ['.join(_TABLES)}]"
            )
        for key in entries:
            if key not in _TABLES[name]:
                known = ", ".join(sorted(_TABLES[name]))
                raise IdentityError(f"cannot read the trust list {path}: [{name}] has no {key!r}, it has {known}")
    return table


def _listed(path: Path, table: Mapping[str, Any], name: str) -> list[Path]:
    named = table.get(name, {}).get("files", [])
    if not isinstance(named, list) or not all(isinstance(item, str) for item in named):
        raise IdentityError(f"cannot read the trust list {path}: [{name}] files is to be a list of file names")
    return [path.parent / item for item in named]


def _is_date(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _warn_of_age(path: Path, dated: date) -> None:
    if datetime.now(UTC).date() - dated > _OUTDATED:
        warnings.warn(
            f"the C2PA trust list {path} is of {dated}, more than a year old: signers that joined or left since are"
            " misjudged; get the current one from the C2PA and state its date",
            stacklevel=2,
        )
