"""What a marked function returns or yields: each output marked, in a shape that keeps its marks."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disclose.asset import Asset
from disclose.duty import Use
from disclose.errors import DiscloseError, UnsupportedError
from disclose.integrations import endpoint, metrics
from disclose.integrations.text_or_path import file_to_mark
from disclose.integrations.text_stream import MarkedText, TextStream, issued

if TYPE_CHECKING:
    from disclose.profile import Profile

DOOR = "function"
_log = logging.getLogger(__name__)


class Outputs:
    """What one call of a marked function returns or yields: items, each marked, and pieces of one text."""

    def __init__(self, profile: Profile, statement: dict[str, Any], use: Use) -> None:
        self.text: TextStream | None = None
        self._profile = profile
        self._statement = statement
        self._use = use

    def marked(self, item: Any) -> Any:
        """Return *item* marked, in a shape that keeps its marks."""
        return _marked_result(item, self._profile, self._statement, self._use)

    def is_piece(self, item: Any) -> bool:
        """Whether *item* is a piece of the text that is being written."""
        return isinstance(item, str) and not isinstance(item, MarkedText) and file_to_mark(item, self._profile) is None

    def leaving(self, item: Any) -> Any:
        """Return the next *item* that is yielded, as it leaves."""
        if not self.is_piece(item):
            return self.marked(item)
        self.open_text()
        return self.noted(item)

    def open_text(self) -> None:
        """Begin the text, if it has not begun; raises a DiscloseError where it could not be put on record."""
        if self.text is not None:
            return
        try:
            self.text = TextStream(self._profile, self._statement, **self._use)
        except DiscloseError as error:
            metrics.failed(DOOR, "text/plain", error)
            raise

    def noted(self, piece: str) -> str:
        """Return *piece* as it is."""
        assert self.text is not None
        return self.text.feed(piece)

    def end_text(self) -> None:
        """Put the text on record, if there was one."""
        self._finish(complete=True)

    def break_off(self) -> None:
        """Put on record what there was of the text; what stopped it is what the caller is told."""
        try:
            self._finish(complete=False)
        except DiscloseError:
            _log.exception("a text was broken off, and what has left of it is not on record")

    def _finish(self, *, complete: bool) -> None:
        text, self.text = self.text, None
        if text is None:
            return
        with metrics.output(DOOR, "text/plain") as output:
            output.identifier = str(text.disclosure.id)
            if text.finish(complete=complete) is None:
                output.skip("empty")
            elif not complete:
                output.reason = "broken off"


def _marked_result(result: Any, profile: Profile, statement: dict[str, Any], use: Use) -> Any:
    """Return *result* marked, in a shape that keeps its marks."""
    if result is None or isinstance(result, MarkedText) or endpoint.tag(result, profile, statement, use):
        return result
    if isinstance(result, (list, tuple)):
        items = [_marked_result(item, profile, statement, use) for item in result]
        return type(result)(items) if type(result) in (list, tuple) else type(result)(*items)
    with metrics.output(DOOR) as output:
        if isinstance(result, str) and file_to_mark(result, profile) is None:
            output.media_type = "text/plain"
            return _marked_text(result, profile, statement, use, output)
        source = Asset.open(result)
        output.media_type = source.media_type
        marker = profile.marker()
        asset = marker.mark(source, profile.disclosure(**statement))
        output.identifier = identifier_of(asset)
        if isinstance(result, Asset):
            return asset
        if isinstance(result, (bytes, bytearray, memoryview)):
            return asset.data
        if isinstance(result, (str, os.PathLike)):
            return type(result)(_saved_beside(Path(result), asset))  # type: ignore[call-arg]
        from disclose.integrations.pil import MarkedImage

        return MarkedImage.of(asset, marker.finish)


def _marked_text(text: str, profile: Profile, statement: dict[str, Any], use: Use, output: metrics.Output) -> str:
    if not text:
        output.skip("empty")
        return text
    asset = issued(text, profile, statement, **use)
    output.identifier = identifier_of(asset)
    assert asset.disclosure is not None
    if type(text) is str:
        return MarkedText(asset.data.decode(), asset.disclosure)
    # A kind of text of somebody else's, such as markup that is known to be safe, would lose what it stands for.
    if asset.data != asset.upstream:
        raise UnsupportedError(f"cannot put a mark into a {type(text).__name__}: return a plain str")
    return text


def identifier_of(asset: Asset) -> str:
    """Return the identifier under which *asset* was issued, empty where it was not."""
    return "" if asset.disclosure is None else str(asset.disclosure.id)


def _saved_beside(path: Path, asset: Asset) -> str:
    """Write the marked file beside the original, which is an input and stays as it is."""
    target = path.with_name(f"{path.stem}.disclosed{path.suffix}")
    if asset.upstream != asset.data:
        asset.save(target)
        return str(target)
    return str(path)
