"""The development identity: a certificate chain made on first use, that says of itself that nobody vouches for it.

An open-source library cannot ship a trusted certificate (one is issued to a product on the C2PA conforming
products list), and a key shipped to all is worse than none. So every installation makes its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from disclose.errors import DiscloseError, IdentityError
from disclose.media import files
from disclose.signing.development_chain import AUTHORITY_KEY, CERTIFICATES, PRIVATE_KEY, chain, next_leaf, split

_RETIRED, _ROTATING = "retired.pem", "rotating"
_READS = 5
_SECRET = (PRIVATE_KEY, AUTHORITY_KEY)


def load_or_create(folder: Path) -> tuple[bytes, bytes]:
    """Return the certificates (leaf first) and the private key kept in *folder*, as PEM, made on first use.

    The folder appears whole or not at all, so that processes that start together agree on one identity.
    Raises IdentityError when it can be neither read nor made.
    """
    if not folder.exists():
        create(folder)
    missing = FileNotFoundError()
    for _ in range(_READS):
        try:
            return _load(folder)
        except FileNotFoundError as error:
            # The key went while another process rotated; the certificates beside it are new by now.
            missing = error
        except OSError as error:
            raise _unreadable(folder, error) from error
    raise _unreadable(folder, missing) from missing


def _load(folder: Path) -> tuple[bytes, bytes]:
    certificates = (folder / CERTIFICATES).read_bytes()
    return certificates, _key_path(folder, certificates).read_bytes()


def _key_path(folder: Path, certificates: bytes) -> Path:
    """Return the file of the key that belongs to *certificates*.

    After a rotation its name is drawn from them, so that replacing the one file of certificates is what switches.
    """
    rotated = folder / f"private_key.{hashlib.sha256(certificates).hexdigest()[:16]}.pem"
    return rotated if rotated.exists() else folder / PRIVATE_KEY


def _unreadable(folder: Path, error: OSError) -> IdentityError:
    return IdentityError(
        f"cannot read the development identity in {folder}: {error.strerror}; remove the folder to make a new one"
    )


def retired(folder: Path) -> bytes:
    """Return the leaves that signed before the present one, as PEM; empty when there was none."""
    path = folder / _RETIRED
    try:
        return path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise IdentityError(f"cannot read the retired certificates in {path}: {error.strerror}") from error


def create(folder: Path) -> None:
    """Make a development identity in *folder*; one that is there already stays."""
    staged = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        for name, data in chain().items():
            _write_private(staged / name, data) if name in _SECRET else files.write(staged / name, data)
        staged.rename(folder)
        staged = None
    except OSError as error:
        if not folder.is_dir():
            raise IdentityError(f"cannot make a development identity in {folder}: {error.strerror or error}") from error
    finally:
        if staged is not None:
            shutil.rmtree(staged)


def rotate(folder: Path) -> None:
    """Give the identity in *folder* a new leaf and key under the same root; the old leaf is kept as retired.

    It switches whole or not at all, also for processes that read it meanwhile. Raises IdentityError when it cannot.
    """
    certificates, _ = load_or_create(folder)
    try:
        with _only_one(folder):
            old_key = _key_path(folder, certificates)
            renewed, private_key = next_leaf(certificates, (folder / AUTHORITY_KEY).read_bytes())
            leaf = split(certificates)[0]
            kept = retired(folder)
            files.write(folder / _RETIRED, kept if leaf in kept else kept + leaf)
            new_key = folder / f"private_key.{hashlib.sha256(renewed).hexdigest()[:16]}.pem"
            _write_private(new_key, private_key)
            try:
                files.write(folder / CERTIFICATES, renewed)
            except DiscloseError:
                new_key.unlink()
                raise
            old_key.unlink()
    except FileExistsError as error:
        raise IdentityError(
            f"the development identity in {folder} is being rotated; if it is not, remove {error.filename}"
        ) from error
    except FileNotFoundError as error:
        raise IdentityError(
            f"cannot rotate the development identity in {folder}: {error.filename} is missing; remove the folder to"
            " make a new identity, under a new root"
        ) from error
    except OSError as error:
        raise IdentityError(f"cannot rotate the development identity in {folder}: {error.strerror or error}") from error


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    lock = folder / _ROTATING
    lock.touch(exist_ok=False)
    try:
        yield
    finally:
        lock.unlink()


def _write_private(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(data)
