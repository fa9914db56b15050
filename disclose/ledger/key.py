"""The key that signs a ledger's checkpoints, in a file that only its owner can read."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from disclose.errors import DiscloseError, LedgerError
from disclose.ledger.checkpoint import Checkpoint, VerifierKey, signed
from disclose.media import files

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class LedgerKey:
    """The Ed25519 key in *path* (PEM, mode 0600), made when it is first needed.

    Beside it stands the last checkpoint of each log that it signed, so that a database set back behind it is found
    out. Machines that write to one database hold copies of one key. Raises LedgerError where it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def verifier(self, log: str) -> VerifierKey:
        """Return the public key under the name of *log*, which is different for every ledger."""
        return verifier_key(self._private.public_key().public_bytes_raw(), log)

    def signed(self, log: str, size: int, root: bytes) -> str:
        """Return the checkpoint of *log* at *size* as a signed note."""
        return signed(Checkpoint(origin=self.verifier(log).name, size=size, root=root), self._private)

    def remember(self, log: str, note: str) -> None:
        """Keep *note* as the last one signed for *log*, in place of the one before."""
        try:
            files.write(self._memory(log), note.encode())
        except DiscloseError as error:
            raise LedgerError(f"cannot keep the last checkpoint: {error}") from error

    def remembered(self, log: str) -> Checkpoint | None:
        """Return the last checkpoint signed here for *log*, or None."""
        path = self._memory(log)
        if not path.exists():
            return None
        try:
            return self.verifier(log).opened(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise LedgerError(f"cannot read the last checkpoint in {path}: {error}") from error

    def _memory(self, log: str) -> Path:
        return self.path.with_name(f"{self.path.stem}.{log}.checkpoint")

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            if not self.path.exists():
                _create(self.path)
            key = load_pem_private_key(self.path.read_bytes(), None)
        except OSError as error:
            raise LedgerError(f"cannot use the key of the ledger {self.path}: {error.strerror or error}") from error
        except (ValueError, TypeError) as error:
            raise LedgerError(f"cannot read the key of the ledger {self.path}: expected PEM without a password") from (
                error
            )
        if not isinstance(key, Ed25519PrivateKey):
            raise LedgerError(f"the key of the ledger {self.path} is not one of Ed25519")
        return key


def verifier_key(public: bytes, log: str) -> VerifierKey:
    """Return the key *public* under the name that *log* has in the ledger it signs for."""
    return VerifierKey(name=f"disclose/{hashlib.sha256(public).hexdigest()[:16]}/{log}", public=public)


def _create(path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files.create_secret(path, pem)
