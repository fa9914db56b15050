"""Asset: encoded bytes with a media type, and lazily the decoded content behind them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from disclose.disclosure import Disclosure
from disclose.errors import DiscloseError, UnreadableError, UnsupportedError
from disclose.media import files, image, sniff

SIDECAR = ".c2pa"
"""The extension of a manifest store in a file of its own (C2PA 2.2, 11.4)."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The note that one layer has done its work; ``details`` is JSON-ready and is how layers cooperate."""

    layer: str
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class Asset:
    """Encoded bytes with a media type, lazily decoded; or decoded content, lazily encoded.

    Assets never change: every ``with_…`` returns a new one. ``upstream`` holds the bytes as they came in, so
    that a signature somebody else put there can be kept as an ingredient; ``inputs`` what else the content was made
    from; ``sidecar`` the C2PA manifest store that stands beside a file whose format holds none; ``manifest`` the one
    that it was signed with here, wherever it stands.
    """

    def __init__(
        self,
        *,
        media_type: str,
        data: bytes | None = None,
        content: image.Picture | None = None,
        marks: tuple[Mark, ...] = (),
        disclosure: Disclosure | None = None,
        upstream: bytes | None = None,
        inputs: tuple[Asset, ...] = (),
        sidecar: bytes | None = None,
        manifest: bytes | None = None,
        name: str | None = None,
    ) -> None:
        if data is None and content is None:
            raise ValueError("an asset needs encoded data or decoded content")
        self.media_type = media_type
        self.marks = marks
        self.disclosure = disclosure
        self.upstream = upstream
        self.inputs = inputs
        self.sidecar = sidecar
        self.manifest = manifest
        self.name = name
        self._given_data = data
        self._given_content = content

    @classmethod
    def open(cls, source: object) -> Self:
        """Return the asset behind *source*: bytes, a path, a PIL image or a uint8 array (H, W[, 1, 3 or 4]).

        A path brings the sidecar that stands beside it: ``notes.txt.c2pa``, or ``notes.c2pa`` as others name theirs.
        Raises UnreadableError for what is missing, empty or not a file, UnsupportedError for other types.
        """
        if isinstance(source, cls):
            return source
        if isinstance(source, (bytes, bytearray, memoryview)):
            return cls.from_data(bytes(source))
        if isinstance(source, (str, os.PathLike)):
            path = Path(source)
            return cls.from_data(files.read(path), name=str(path), sidecar=_sidecar_of(path))
        if (own := getattr(source, "disclose_asset", None)) is not None:
            found = own()
            if isinstance(found, cls):
                return found
        if (picture := image.Picture.from_object(source)) is not None:
            return cls.from_content(picture)
        raise UnsupportedError(
            f"cannot open a {type(source).__name__}: pass bytes, a path, a PIL image or a uint8 array"
        )

    @classmethod
    def from_data(cls, data: bytes, *, name: str | None = None, sidecar: bytes | None = None) -> Self:
        """Return the asset of encoded *data*; its media type is read from the bytes, never from the name."""
        if not data:
            raise UnreadableError(f"cannot open {name or 'the input'}: it is empty (0 bytes)")
        return cls(media_type=sniff.media_type(data), data=data, upstream=data, name=name, sidecar=sidecar)

    @classmethod
    def from_content(cls, content: image.Picture) -> Self:
        """Return the asset of decoded *content*, to be encoded as its ``media_type`` says."""
        return cls(media_type=content.media_type, content=content)

    @property
    def is_encoded(self) -> bool:
        """Whether the bytes exist already, so that reading ``data`` costs nothing."""
        return self._given_data is not None or "data" in self.__dict__

    @cached_property
    def data(self) -> bytes:
        """The encoded bytes."""
        if self._given_data is not None:
            return self._given_data
        return image.encode(self.content)

    @cached_property
    def content(self) -> image.Picture:
        """The decoded picture; raises an InputError that names the reason when there is none to be had."""
        if self._given_content is not None:
            return self._given_content
        assert self._given_data is not None
        return image.decode(self._given_data, self.media_type, name=self.name)

    @property
    def was_signed(self) -> bool:
        """Whether the bytes that came in hold a C2PA manifest store, intact or not."""
        return self.upstream is not None and holds_manifest(self.upstream)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the encoded bytes, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    def mark_of(self, layer: str) -> Mark | None:
        """Return the mark that *layer* left, if it has done its work."""
        return next((mark for mark in self.marks if mark.layer == layer), None)

    def with_content(self, content: image.Picture) -> Self:
        """Return this asset around other *content*, to be encoded when its bytes are asked for."""
        return self._replace(data=None, content=content)

    def with_data(self, data: bytes) -> Self:
        """Return this asset around other encoded bytes that show the same content."""
        return self._replace(data=data, content=self.__dict__.get("content", self._given_content))

    def with_mark(self, mark: Mark) -> Self:
        """Return this asset with *mark* noted, in place of an earlier one by the same layer."""
        others = tuple(earlier for earlier in self.marks if earlier.layer != mark.layer)
        return self._replace(marks=(*others, mark))

    def with_disclosure(self, disclosure: Disclosure) -> Self:
        """Return this asset with the statement that its marks carry."""
        return self._replace(disclosure=disclosure)

    def with_inputs(self, inputs: Iterable[Asset]) -> Self:
        """Return this asset as one that was made from *inputs*, beside what it replaces."""
        return self._replace(inputs=tuple(inputs))

    def with_sidecar(self, store: bytes) -> Self:
        """Return this asset with the C2PA manifest *store* that goes with it in a file of its own."""
        return self._replace(sidecar=store)

    def with_manifest(self, store: bytes) -> Self:
        """Return this asset with the C2PA manifest *store* that it was just signed with, for the ledger to keep."""
        return self._replace(manifest=store)

    def save(self, path: str | os.PathLike[str], *, durable: bool = True) -> None:
        """Write the bytes to *path*, whole or not at all, and a sidecar if there is one to ``path`` + ``.c2pa``.

        Without *durable*, as for a cache, nobody waits until the disk has it.
        """
        if self.sidecar is None:
            files.write(Path(path), self.data, durable=durable)
            return
        beside = sidecar_path(Path(path))
        before = beside.read_bytes() if beside.is_file() else None
        # First, for a manifest without its file harms nobody, and a file without its manifest is unmarked.
        files.write(beside, self.sidecar, durable=durable)
        try:
            files.write(Path(path), self.data, durable=durable)
        except DiscloseError:
            if before is None:
                beside.unlink()
            else:
                files.write(beside, before, durable=durable)
            raise

    def __repr__(self) -> str:
        state = f"{len(self.data)} bytes" if self.is_encoded else "not yet encoded"
        return f"<Asset {self.name or self.media_type}, {state}, marks: {[mark.layer for mark in self.marks]}>"

    def _replace(self, **changes: Any) -> Self:
        values: dict[str, Any] = {
            "media_type": self.media_type,
            "data": self.data if self.is_encoded else None,
            "content": self.__dict__.get("content", self._given_content),
            "marks": self.marks,
            "disclosure": self.disclosure,
            "upstream": self.upstream,
            "inputs": self.inputs,
            "sidecar": self.sidecar,
            "manifest": self.manifest,
            "name": self.name,
        }
        return type(self)(**{**values, **changes})


def holds_manifest(data: bytes) -> bool:
    """Whether *data* shows the traces of a C2PA manifest store; to look is a hundred times as fast as to parse."""
    # A store is a JUMBF box labelled "c2pa" (C2PA 2.2, 11.1.4); SVG holds it as text in an element (A.3.4).
    return b"c2pa" in data and (b"jumb" in data or b"c2pa:manifest" in data)


def sidecar_path(path: Path) -> Path:
    """Return where the manifest of the file *path* stands beside it."""
    return path.with_name(path.name + SIDECAR)


def _sidecar_of(path: Path) -> bytes | None:
    candidates = () if path.suffix == SIDECAR else (sidecar_path(path), path.with_suffix(SIDECAR))
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    return None if found is None else files.read(found)
