"""Tenants: the secret under which each one's texts are fingerprinted, in a file of its own that can be deleted.

A tenant is whoever must not learn of another's answers: a customer, a department, or the one user of a small
installation. Whoever deletes a tenant's key makes all that was hashed under it meaningless, in backups too.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from disclose.errors import LedgerError
from disclose.media import files

KEY_BYTES = 32


class TenantKeys:
    """The keys of tenants in *folder*, one file each (mode 0600), made when first asked for.

    Machines that write to one database hold copies of one folder. Raises LedgerError where it cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(self, tenant: str = "") -> bytes:
        """Return the key of *tenant*, 32 random bytes; the empty name is that of the only one."""
        path = self._path(tenant)
        try:
            if not path.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                files.create_secret(path, secrets.token_bytes(KEY_BYTES))
            key = path.read_bytes()
        except OSError as error:
            raise LedgerError(f"cannot use the tenant key {path}: {error.strerror or error}") from error
        if len(key) != KEY_BYTES:
            raise LedgerError(f"cannot use the tenant key {path}: it has {len(key)} bytes, and not {KEY_BYTES}")
        return key

    def forget(self, tenant: str = "") -> bool:
        """Delete the key of *tenant* and return whether there was one; what was hashed under it is lost for good."""
        try:
            self._path(tenant).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise LedgerError(f"cannot delete the key of a tenant: {error.strerror or error}") from error
        return True

    def _path(self, tenant: str) -> Path:
        # Names of customers do not belong into a listing of files.
        name = hashlib.sha256(tenant.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return self.folder / f"{name}.key"
