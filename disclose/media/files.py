"""Reading files with a plain reason when that fails, and writing them whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from disclose.errors import DiscloseError, TooLargeError, UnreadableError

LARGEST_BYTES = 1 << 30
"""Largest file that is read into memory; what is larger is refused by name."""


def read(path: Path) -> bytes:
    """Return the bytes of *path*; raises UnreadableError or TooLargeError with the reason."""
    try:
        if path.is_dir():
            raise UnreadableError(f"cannot read {path}: it is a folder")
        if (size := path.stat().st_size) > LARGEST_BYTES:
            raise TooLargeError(f"cannot read {path}: it has {size} bytes, more than the limit of {LARGEST_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"cannot read {path}: {error.strerror or error}") from error


def write(path: Path, data: bytes | Iterable[bytes], *, durable: bool = True) -> None:
    """Write *data*, or all of its pieces, to *path*; it appears whole or not at all: temporary file, fsync, rename.

    Without *durable* it need not outlive a loss of power, and nobody waits for the disk. Raises DiscloseError with the
    reason; then nothing of it is left behind, and what stood at *path* is untouched.
    """
    temporary = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.writelines((data,) if isinstance(data, (bytes, bytearray, memoryview)) else data)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        temporary.chmod(_usual_mode())
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise DiscloseError(f"cannot write {path}: {error.strerror or error}; nothing was written") from error
    finally:
        if temporary is not None:
            temporary.unlink()


def create_secret(path: Path, data: bytes) -> None:
    """Write *data* to *path*, whole or not at all, as a file that only its owner can read.

    What stands at *path* already stays as it is, so that of two who write at once one's stays. Raises OSError.
    """
    # mkstemp makes files that only their owner can read.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()


def _usual_mode() -> int:
    # mkstemp makes files that only their owner can read; an output gets what open() would have given it.
    # The mask can only be read by setting it, and setting it is seen by other threads, so it is read once.
    return 0o666 & ~_UMASK


def _read_umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


_UMASK = _read_umask()
