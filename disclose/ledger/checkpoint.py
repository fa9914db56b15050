"""Checkpoints: the size and the root of a log, signed, as anybody's tools for transparency logs read them.

C2SP tlog-checkpoint (three lines) in a C2SP signed-note (Ed25519, signature type 0x01).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from disclose.errors import LedgerError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ED25519 = b"\x01"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a log held at one moment: ``size`` leaves under ``root`` (32 bytes). ``origin`` names the log."""

    origin: str
    size: int
    root: bytes

    def to_text(self) -> str:
        """Return the body of the note."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what :meth:`to_text` wrote, extension lines left aside; raises LedgerError on anything else."""
        lines = text.split("\n")
        try:
            origin, size, root = lines[0], lines[1], base64.b64decode(lines[2], validate=True)
            if not origin or not size.isascii() or not size.isdigit() or str(int(size)) != size or len(root) != 32:
                raise ValueError
            return cls(origin=origin, size=int(size), root=root)
        except (IndexError, ValueError, binascii.Error) as error:
            raise LedgerError("cannot read a checkpoint: expected a line each of origin, size and root") from (error)


@dataclass(frozen=True, kw_only=True)
class VerifierKey:
    """The public half of a log's key under its name; its text is what C2SP signed-note calls a vkey."""

    name: str
    public: bytes

    @property
    def hash(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.hash.hex()}+{base64.b64encode(_ED25519 + self.public).decode('ascii')}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str()`` wrote; raises LedgerError on anything else."""
        try:
            name, given, encoded = text.strip().split("+", 2)
            data = base64.b64decode(encoded, validate=True)
            key = cls(name=name, public=data[1:])
            if not name or data[:1] != _ED25519 or len(data) != 33 or key.hash.hex() != given:
                raise ValueError
            return key
        except (ValueError, binascii.Error) as error:
            raise LedgerError(
                f"cannot read the key {text[:40]!r}: expected NAME+HASH+KEY of Ed25519, as"
                " 'disclose ledger checkpoint --key' prints it"
            ) from error

    def opened(self, note: str) -> Checkpoint:
        """Return the checkpoint in *note*; raises LedgerError unless this key signed it under this name."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        text, signatures = _parts(note)
        checkpoint = Checkpoint.from_text(text)
        if checkpoint.origin != self.name:
            raise LedgerError(f"the checkpoint is one of the log {checkpoint.origin}, and not of {self.name}")
        for name, signature in signatures:
            if name == self.name and signature[:4] == self.hash:
                try:
                    Ed25519PublicKey.from_public_bytes(self.public).verify(signature[4:], text.encode())
                    return checkpoint
                except InvalidSignature:
                    raise LedgerError(f"the signature of the checkpoint at size {checkpoint.size} is wrong") from None
        raise LedgerError(f"the checkpoint at size {checkpoint.size} is not signed by the key {self.name}")


def signed(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Return *checkpoint* as a note signed by *key* in the name of its origin; :meth:`VerifierKey.opened` reads it."""
    public = key.public_key().public_bytes_raw()
    text = checkpoint.to_text()
    signature = VerifierKey(name=checkpoint.origin, public=public).hash + key.sign(text.encode())
    return f"{text}\n— {checkpoint.origin} {base64.b64encode(signature).decode('ascii')}\n"


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the text of a note and its signatures, each with the name it stands under."""
    text, separator, rest = note.rpartition("\n\n")
    lines = rest.split("\n")
    if not separator or lines[-1] != "" or not lines[:-1]:
        raise LedgerError("cannot read a checkpoint: it is no signed note")
    found = []
    for line in lines[:-1]:
        mark, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        try:
            signature = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            signature = b""
        if mark != "—" or not name or len(signature) < 5:
            raise LedgerError("cannot read a checkpoint: a line below its text is no signature")
        found.append((name, signature))
    return text + "\n", found
