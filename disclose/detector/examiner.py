"""The examiner: the process that parses what strangers send, and says in JSON what it found."""

from __future__ import annotations

import json
import logging
import warnings
from typing import TYPE_CHECKING, Any

from disclose.media.confinement import confine_memory, confine_time

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from disclose.profile import Profile

_STATEMENT = "statement."


def run(pipe: Connection, settings: dict[str, Any], seconds: float) -> None:
    """Answer what comes through *pipe* until it closes: wishes in JSON, then the bytes of one file."""
    # What a layer or a library says of a file may quote it; the evidence says that it failed.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    profile = profile_of(settings)
    _warm(profile)
    confine_memory()
    pipe.send_bytes(b"ready")
    while True:
        try:
            wanted = json.loads(pipe.recv_bytes())
            data = pipe.recv_bytes()
        except EOFError:
            return
        confine_time(seconds)
        pipe.send_bytes(_answer(profile, data, wanted))
        del data


def profile_of(settings: dict[str, Any]) -> Profile:
    """Return the profile whose :meth:`~disclose.profile.Profile.values` are *settings*."""
    from disclose.profile import Profile

    statement = {
        name.removeprefix(_STATEMENT): value for name, value in settings.items() if name.startswith(_STATEMENT)
    }
    own = {name: value for name, value in settings.items() if not name.startswith(_STATEMENT)}
    return Profile(**own, statement=statement)


def _answer(profile: Profile, data: bytes, wanted: dict[str, Any]) -> bytes:
    from disclose.detector.examination import examine

    try:
        found = examine(profile, data, **wanted)
    except MemoryError:
        found = {"file": wanted.get("name", ""), "error": "the file asks for more memory than there is for one"}
    except Exception as error:
        # Whatever a parser could not cope with is about the file; to start another process would cost seconds.
        found = {"file": wanted.get("name", ""), "error": f"the file could not be examined ({type(error).__name__})"}
    return json.dumps(found).encode()


def _warm(profile: Profile) -> None:
    """Load what the layers need, before there is a limit and a stranger waiting."""
    import io

    from PIL import Image

    from disclose.asset import Asset

    buffer = io.BytesIO()
    Image.effect_noise((256, 256), 40).convert("RGB").save(buffer, "PNG")
    profile.verifier().verify(Asset.from_data(buffer.getvalue()))
