"""Texts: put on record what a system wrote, in one piece or as it writes it, and leave every character as it is.

Characters have no place for a manifest, and invisible ones break what reads them next. So the identifier of a text
and the hash of its UTF-8 go into the ledger, where :func:`disclose.verify` finds them, and the identifier travels
beside the text: in a header, in a field.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure
from disclose.duty import Function, Route, duty_of
from disclose.errors import UnreadableError, UnsupportedError
from disclose.layer import Layer, Plane, handles, handles_beside
from disclose.marker import Marker

if TYPE_CHECKING:
    from disclose.profile import Profile

MEDIA_TYPE = "text/plain"
_log = logging.getLogger(__name__)


class MarkedText(str):
    """A text that is on record: equal to the one it was made of, with the ``disclosure`` under which it is."""

    disclosure: Disclosure

    def __new__(cls, text: str, disclosure: Disclosure) -> MarkedText:
        """Return *text* as one that was issued under *disclosure*."""
        self = super().__new__(cls, text)
        self.disclosure = disclosure
        return self

    def __getnewargs__(self) -> tuple[str, Disclosure]:  # type: ignore[override]
        return str(self), self.disclosure


def issued(
    text: str,
    profile: Profile,
    statement: Mapping[str, Any],
    *,
    sidecar: bool = False,
    inputs: Iterable[Asset] = (),
    route: Route | str = Route.PERSON,
    function: Function | str = Function.GENERATION,
) -> Asset:
    """Return the asset of the whole *text*, on record, and with what layers put into it that the profile names.

    *inputs* are what it was made from, for the manifest in its *sidecar*. *route* and *function* decide what duty is
    noted on record (:mod:`disclose.duty`). Raises a DiscloseError where it cannot be marked in full.
    """
    noted = _noted(text, complete=True, route=route, function=function).with_inputs(inputs)
    return TextMarker(profile, sidecar=sidecar).issue(noted, profile.disclosure(**statement))


class TextStream:
    """One text on its way out; knows no input or output, and holds nothing back.

    The ``disclosure``, and with it the identifier, is there before the first piece. Making one raises a
    DiscloseError where the text could not be put on record: then nothing of it has left yet. With *sidecar* the
    caller promises to deliver the ``sidecar`` of the finished asset too, and gets a signed manifest there. *route* and
    *function* decide what duty is noted on record (:mod:`disclose.duty`).
    """

    def __init__(
        self,
        profile: Profile,
        statement: Mapping[str, Any],
        *,
        sidecar: bool = False,
        route: Route | str = Route.PERSON,
        function: Function | str = Function.GENERATION,
    ) -> None:
        self._route, self._function = Route(route), Function(function)
        self._marker = TextMarker(profile, sidecar=sidecar)
        self._marker.check_stream()
        self._pieces: list[str] = []
        self.disclosure = profile.disclosure(**statement)

    def feed(self, piece: str) -> str:
        """Note the next *piece* and return it as it is, to be passed on at once."""
        self._pieces.append(piece)
        return piece

    def finish(self, *, complete: bool = True) -> Asset | None:
        """Put the whole text on record and return its asset; None for an empty one, where nothing was shown.

        A text that was cut off (*complete* false) is recorded as what it is: somebody may hold what has left, and
        only its record tells what it was. Raises LedgerError where the record cannot be written, UnsupportedError
        for a text that has no UTF-8.
        """
        text = "".join(self._pieces)
        self._pieces.clear()
        if not text:
            return None
        noted = _noted(text, complete=complete, route=self._route, function=self._function)
        return self._marker.finish(noted, self.disclosure)


class TextMarker(Marker):
    """The marker of *profile* for texts that leave as characters: for those, being on record is being marked.

    It opens the ledger at once, so that one which cannot be opened is known before the first piece leaves. Equal
    texts are recorded each time they are issued: unlike two equal pictures, two equal answers are no copies.
    """

    def __init__(self, profile: Profile, *, sidecar: bool = False) -> None:
        self._sidecar = sidecar
        marker = profile.marker()
        super().__init__(marker.layers, optional=marker.optional)
        if "ledger" in profile.layers:
            profile.ledger()

    def issue(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return the whole text *asset* marked by every layer, on record under *disclosure*."""
        return self._fold(asset, disclosure, self._layers_for(asset))

    def check_stream(self) -> None:
        """Raise UnsupportedError where a layer has to put its mark into the text: what has left cannot change."""
        for layer in self.layers:
            if layer.plane is not Plane.CONTENT or not handles(layer, MEDIA_TYPE):
                continue
            if layer.name not in self.optional:
                raise UnsupportedError(
                    f"cannot mark a text as it is written: layer {layer.name} puts its mark into whole texts;"
                    " return the text whole, or list the layer as optional to go without it here"
                )
            _log.warning("skipped the optional layer %s: it puts its mark into whole texts", layer.name)

    def _layers_for(self, asset: Asset, *, sidecar: bool = False) -> list[Layer]:
        kind, beside = asset.media_type, sidecar or self._sidecar
        chosen = [layer for layer in self.layers if handles(layer, kind) or (beside and handles_beside(layer, kind))]
        # Fingerprints are on the record's plane too, and hold nothing of the statement.
        if not any(layer.name == "ledger" and layer.name not in self.optional for layer in chosen):
            raise UnsupportedError(
                "cannot mark a text: no layer of this profile is sure to put it on record;"
                " add 'ledger' to its layers, and do not list it as optional"
            )
        return chosen


def _noted(text: str, *, complete: bool, route: Route | str, function: Function | str) -> Asset:
    """Return the asset of *text* with note of whether all of it is there, and of the duty that it brings."""
    asset = asset_of(text).with_mark(Mark(layer="text", details={"complete": complete}))
    duty = duty_of(text, route=route, function=function)
    return asset.with_mark(Mark(layer="duty", details=duty.to_dict()))


def asset_of(text: str) -> Asset:
    """Return the asset of *text* in UTF-8; raises UnreadableError for an empty one.

    Surrogates that stand in pairs, as JSON escapes leave them, are the characters they mean. Raises UnsupportedError
    for a lone one: no file, page or message could hold it, so nobody could ever check such a text.
    """
    if not text:
        raise UnreadableError("cannot open the text: it is empty")
    try:
        data = text.encode()
    except UnicodeEncodeError:
        try:
            data = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le").encode()
        except UnicodeDecodeError as error:
            raise UnsupportedError(
                f"cannot open the text: character {error.start // 2} is half of a surrogate pair, which no UTF-8 holds;"
                " decode what it came from as UTF-8, or replace it with U+FFFD"
            ) from error
    return Asset(media_type=MEDIA_TYPE, data=data, upstream=data, name="the text")
