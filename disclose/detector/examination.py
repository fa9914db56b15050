"""One examination: the verdict on some bytes as JSON-ready values, and what a page shows beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from disclose.asset import Asset
from disclose.detector.media_types import is_of_type
from disclose.detector.redaction import redacted
from disclose.errors import DiscloseError, TooLargeError, UnreadableError
from disclose.evidence import Outcome, Verdict
from disclose.recovery import with_recovered

if TYPE_CHECKING:
    from disclose.disclosure import Disclosure
    from disclose.profile import Profile


_NOT_LOOKED_AT = (UnreadableError.__name__, TooLargeError.__name__)


def examine(
    profile: Profile, data: bytes, *, name: str, display: bool = False, media_type: str | None = None
) -> dict[str, Any]:
    """Return what ``disclose verify --json`` prints of *data*, without what may be personal data.

    ``error`` says why a file could not be read, or that it is not of the *media_type* that was stated. With *display*
    there is ``shown`` too: what only a page has use for.
    """
    try:
        # The name goes back to whoever sent it, and nowhere else: no message of a layer is to hold it.
        asset = Asset.from_data(data, name="the file")
        if media_type is not None and not is_of_type(asset.media_type, media_type):
            return {"file": name, "error": f"the file is of the type {asset.media_type} and not of the one stated"}
        verdict = with_recovered(profile, profile.verifier().verify(asset))
    except DiscloseError as error:
        return {"file": name, "error": str(error)}
    reason = _unreadable(verdict)
    said = redacted(verdict.to_dict())
    if (statement := _public(profile, verdict)) is not None:
        said["disclosure"] = statement.to_dict()
    found = {"file": name, **({"error": reason} if reason else {}), **said}
    if display:
        from disclose.detector.display import shown

        found["shown"] = redacted(shown(profile, asset, verdict))
    return found


def _public(profile: Profile, verdict: Verdict) -> Disclosure | None:
    """Return the statement of *verdict* where the record of this very content says that all of it is public.

    What a file says of itself counts for nothing here, since anybody can write a name and a consent into one.
    """
    if verdict.outcome is not Outcome.DISCLOSED or verdict.disclosure is None or not verdict.disclosure.public:
        return None
    records = profile.ledger().find(verdict.disclosure.id)
    return next((one.disclosure for one in records if one.disclosure == verdict.disclosure), None)


def _unreadable(verdict: Verdict) -> str | None:
    """Return why a file could not be read, or is too large to be looked at, where that is all there is to say."""
    if verdict.outcome is not Outcome.UNDETERMINED:
        return None
    failed = [item for item in verdict.evidence if item.details.get("error") in _NOT_LOOKED_AT]
    return str(failed[0].details["reason"]) if failed else None
