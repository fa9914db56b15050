"""What a Gradio app's functions return: files are exchanged for marked copies, what passes through stays as it is.

Gradio names the folder of every file it takes in after the file's content, which tells what passes through, however
it is called on its way. Pictures and sounds that reach a function decoded are known by a digest of their content.
"""

from __future__ import annotations

import asyncio
import base64
import contextvars
import hashlib
import logging
import mimetypes
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from disclose.asset import SIDECAR, Asset, holds_manifest, sidecar_path
from disclose.disclosure import Identifier
from disclose.errors import DiscloseError, ProfileError, extra
from disclose.integrations import metrics
from disclose.integrations.gradio_addresses import ADDRESS, SHORTEST, data_in
from disclose.integrations.gradio_newest import Newest
from disclose.integrations.gradio_texts import TextLabels, texts_in
from disclose.layer import Recogniser
from disclose.media import files, sniff

with extra("gradio"):
    import anyio.to_thread
    import gradio
    from gradio import processing_utils
    from gradio.components.base import StreamingOutput
    from gradio_client import utils as client_utils

if TYPE_CHECKING:
    from disclose.disclosure import Disclosure
    from disclose.marker import Marker

_log = logging.getLogger("disclose.integrations.gradio")
_BESIDE_TEXT = "text carries a label that people read, and no mark that machines read"
_NO_SEGMENTS = (
    "the pieces of a stream hold no marks: let the function return the whole file instead of yielding it, or give"
    " disclosed() the reason for which pieces may leave unmarked: unmarked_streams=…"
)
_generates: contextvars.ContextVar[bool] = contextvars.ContextVar("disclose_gradio_generates", default=False)


class Outputs:
    """Marks the outputs of the app *demo*.

    *marker* and *statement* are asked anew for every file; *leaves* hears the identifier of each marked output before
    it is on its way; *asked*, where it is given, the questions that a chat is to answer itself. *texts* puts the label
    before generated texts, where they are to have one.

    The pieces of a streamed sound or film are formats that hold no manifest, and so they are held back like anything
    else that cannot be marked; *unmarked_streams* is the reason for which they may leave, which the log then states.
    *door* is the name under which all of them are counted.
    """

    def __init__(
        self,
        demo: gradio.Blocks,
        marker: Callable[[], Marker],
        statement: Callable[[], Disclosure],
        leaves: Callable[[Identifier], None] = lambda identifier: None,
        asked: Callable[[str, str, int], bool] | None = None,
        *,
        texts: TextLabels | None = None,
        unmarked_streams: str | None = None,
        door: str = "gradio",
    ) -> None:
        if unmarked_streams is not None and not unmarked_streams.strip():
            raise ProfileError("unmarked_streams= takes the reason for which the pieces of streams may leave unmarked")
        self.asked, self.texts, self._unmarked_streams = asked, texts or TextLabels(None), unmarked_streams
        self._demo, self._marker, self._statement, self._leaves = demo, marker, statement, leaves
        self._copies: Newest[str, tuple[str, Identifier]] = Newest()
        self._received: Newest[str, bool] = Newest()
        self._content: Newest[str, bool] = Newest()
        self._passing: Newest[str, bool] = Newest()
        self._told: set[str] = set()
        self._door = door

    def marked(self, value: Any, block: Any, *, is_final: bool = True) -> Any:
        """Return *value* with the files in it exchanged for marked ones; what people uploaded stays as it is.

        Raises gradio.Error, which its user reads, for a file that cannot be marked. Unless *is_final*, what Gradio may
        still fetch from elsewhere is left to it.
        """
        if isinstance(value, (list, tuple)):
            if getattr(block, "type", None) == "tuples" and _is_turn(value):
                return [value[0], self.marked(value[1], block, is_final=is_final)]
            return [self.marked(item, block, is_final=is_final) for item in value]
        if isinstance(value, str):
            return ADDRESS.sub(lambda address: self._marked_address(address, block), value)
        if not isinstance(value, dict):
            return value
        if client_utils.is_file_obj_with_meta(value):
            return self._marked_file(value, block, is_final=is_final)
        if value.get("__type__") == "update":
            # The rest of an update is how the component looks.
            shown = {"value": self.marked(value["value"], block, is_final=is_final)} if "value" in value else {}
            return {**value, **shown}
        if isinstance(block, gradio.Chatbot) and "role" in value:
            if value["role"] == "user":
                return value
            self.tell_text(block)
        if isinstance(block, gradio.Plot) and value.get("type") not in (None, "matplotlib"):
            self.tell(f"a {value['type']} chart")
        if isinstance(block, gradio.AnnotatedImage) and "annotations" in value:
            picture = self.marked(value["image"], block, is_final=is_final)
            return {"image": picture, "annotations": [self._marked_region(one, block) for one in value["annotations"]]}
        return {name: self.marked(item, block, is_final=is_final) for name, item in value.items()}

    def marked_data(self, value: Any, block: Any) -> Any:
        """Return the JSON *value* with the files inside its texts marked; Gradio makes no other files of it."""
        if isinstance(value, list):
            return [self.marked_data(item, block) for item in value]
        if isinstance(value, dict):
            return {name: self.marked_data(item, block) for name, item in value.items()}
        return self.marked(value, block) if isinstance(value, str) else value

    def receive(self, value: Any) -> None:
        """Note the files in *value*, which a client sent as an input: what of them leaves unchanged passes through."""
        for path in _paths(value):
            self._received.note(path.parent.name, True)
        for text in texts_in(value):
            for address in ADDRESS.finditer(text):
                if (data := data_in(address)) is not None:
                    self._received.note(_cache_name(data), True)

    def receive_content(self, raw: Any, value: Any) -> None:
        """Note the decoded pictures and sounds in *value*, which Gradio read from the files in *raw*.

        What was made here is none of them: encoded once more it needs its manifest once more.
        """
        if any(True for path in _paths(raw) if not self._was_marked(path)):
            for content in _contents(value):
                self._content.note(_digest(content), True)

    def encoded(self, content: Any, path: str) -> None:
        """Note that Gradio encoded *content* as *path*, which passes through if the content was received like this."""
        if self._content and _digest(content) in self._content:
            self._passing.note(path, True)

    async def in_thread(self, mark: Callable[..., Any], *args: Any) -> Any:
        """Return what *mark* returns; marking is computing, and the event loop has other callers."""
        return await anyio.to_thread.run_sync(mark, *args, limiter=self._demo.limiter)

    def tell(self, kind: str) -> None:
        """Count an output of *kind* that is not marked, and say so in the log once for the kind."""
        metrics.skipped(self._door, kind, "not marked")
        self._say(f"{kind} is not marked by this profile; it leaves this app as it is")

    def tell_text(self, block: Any) -> None:
        """Say in the log, once, that texts are not marked."""
        if self.texts.labels(block):
            metrics.skipped(self._door, "text", "labelled only")
            self._say(_BESIDE_TEXT)
        else:
            self.tell("text")

    @contextmanager
    def of(self, block_fn: Any) -> Iterator[None]:
        """Know, while the block lasts, what kind of function returned what is marked in it."""
        token = _generates.set(bool(block_fn.types_generator))
        try:
            with self.texts.of(block_fn):
                yield
        finally:
            _generates.reset(token)

    def is_segment(self, value: Any, block: Any) -> bool:
        """Whether *value* is a piece of a stream, which Gradio is about to turn into a format without a manifest."""
        streams = isinstance(block, StreamingOutput) and getattr(block, "streaming", False)
        return streams and value is not None and not is_update(value) and (_generates.get() or isinstance(value, bytes))

    def pass_segment(self) -> None:
        """Let a piece of a stream leave, if there is a reason to; raises gradio.Error, which its user reads."""
        if self._unmarked_streams is None:
            _log.error("held back a piece of a stream: %s", _NO_SEGMENTS)
            raise gradio.Error(f"This output was held back, because {_NO_SEGMENTS}")
        metrics.skipped(self._door, "a piece of a stream", "permitted")
        self._say(
            f"pieces of streams leave unmarked ({self._unmarked_streams}); the whole file that Gradio makes of them for"
            " whoever downloads it is marked"
        )

    def _say(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.warning("%s", what)

    def _marked_region(self, annotation: dict[str, Any], block: Any) -> dict[str, Any]:
        """Return *annotation* with the transparent plane that Gradio drew for it signed, and not watermarked.

        It shows one colour in one region, and the picture below it has the watermark: some planes of that kind are too
        small to hold one, and would be held back with the picture.
        """
        marker = self._marker().without("image_watermark")
        if not marker.marks("image/png"):
            marker = self._marker()
        return {**annotation, "image": self._marked_file(annotation["image"], block, is_final=True, marker=marker)}

    def _marked_file(
        self, value: dict[str, Any], block: Any, *, is_final: bool, marker: Marker | None = None
    ) -> dict[str, Any]:
        path = value["path"]
        if client_utils.is_http_url_like(path):
            if not is_final and not getattr(block, "proxy_url", None):
                return value
            path = _fetched(path, block)
        # Gradio refuses paths outside the allowed folders; a marked copy must not be a way around that.
        processing_utils._check_allowed(path, False)  # noqa: SLF001
        with _held_back_unless_marked(path):
            data = files.read(Path(path))
            digest = _cache_name(data)
            if self._passes_through(path, digest):
                return value
            target = self._marked_copy(data, digest, Path(path), block, sidecar=True, marker=marker)
        if target == value["path"]:
            return value
        url = f"/gradio_api/file={quote(target)}" if value.get("url") else None
        return {**value, "path": target, "url": url, "size": value.get("size") and Path(target).stat().st_size}

    def _marked_copy(
        self, data: bytes, digest: str, path: Path, block: Any, *, sidecar: bool, marker: Marker | None = None
    ) -> str:
        """Return the path of the marked copy of *data*, in the cache beside the other outputs of *block*.

        *digest* is the name of Gradio's folder for *data*: to hash megabytes takes a while, and is done once.

        With *sidecar*, what holds no manifest gets one beside it.
        """
        source = f"{digest}/{path.name}"
        known = self._copies.get(source)
        if known is not None and Path(known[0]).is_file():
            self._leaves(known[1])
            return known[0]  # a chat shows its earlier pictures again every turn
        beside = sidecar_path(path)
        present = files.read(beside) if sidecar and beside.is_file() else None
        asset = Asset.from_data(data, name="the output", sidecar=present)
        takes_sidecar = sidecar and not _is_picture(path, asset.media_type)
        with metrics.output(self._door, asset.media_type) as output:
            asset = (marker or self._marker()).mark(asset, self._statement(), sidecar=takes_sidecar)
            assert asset.disclosure is not None
            output.identifier = str(asset.disclosure.id)
        target = path
        if asset.data != data or asset.sidecar != present:
            # The sidecar belongs to its file alone, though the same bytes may come again.
            folder = asset.sha256
            if asset.sidecar is not None:
                folder = hashlib.sha256(asset.data + asset.sidecar).hexdigest()
            target = Path(block.GRADIO_CACHE) / folder / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            # It lies in a cache; to wait for the disk took 30 ms of a large PNG.
            asset.save(target, durable=False)
            block.temp_files.add(str(target))
            if asset.sidecar is not None:
                block.temp_files.add(str(target) + SIDECAR)
        self._leaves(asset.disclosure.id)
        for name in (source, f"{_cache_name(asset.data)}/{path.name}"):
            self._copies.note(name, (str(target), asset.disclosure.id))
        return str(target)

    def _marked_address(self, address: re.Match[str], block: Any) -> str:
        """Return the data: address with the marked picture, sound or film in it."""
        if address["kind"].lower().startswith("svg"):
            self.tell("a drawing inside a data: address")
            return address[0]
        if len(address["content"]) < SHORTEST:
            return address[0]
        with _held_back_unless_marked("a file inside a data: address"):
            data = data_in(address)
            if data is None:
                raise DiscloseError("it stands in an address without being base64; let the function return the file")
            digest = _cache_name(data)
            if self._passes_through("", digest):
                return address[0]
            name = Path("inside" + sniff.EXTENSIONS.get(sniff.media_type(data), ""))
            target = self._marked_copy(data, digest, name, block, sidecar=False)
            if target == str(name):
                return address[0]
            marked = base64.b64encode(files.read(Path(target))).decode()
        return f"{address['quote'] or ''}{address['head']}{marked}"

    def _passes_through(self, path: str, digest: str) -> bool:
        """Whether the bytes of this *digest* came from a client, under whatever name they leave."""
        if str(path) in self._passing:
            return True
        return digest in self._received or any(Path(one).parent.name == digest for one in self._demo.upload_file_set)

    def _was_marked(self, path: Path) -> bool:
        if not path.is_file() or not holds_manifest(data := files.read(path)):
            return False
        asset = Asset.from_data(data)
        return any(isinstance(layer, Recogniser) and layer.carried(asset) for layer in self._marker().layers)


def is_update(value: Any) -> bool:
    """Whether *value* changes how a component looks, and with it perhaps what it shows."""
    return isinstance(value, dict) and value.get("__type__") == "update"


def show_in_session(state: Any, block: Any, value: Any) -> None:
    """Let what the session *state* shows of *block* be *value*: a page that is opened by a deep link shows that."""
    if state is not None and block._id in state:  # noqa: SLF001
        state._update_value_in_config(block._id, value)  # noqa: SLF001


def is_on_event_loop() -> bool:
    """Whether this runs where all other callers wait."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextmanager
def _held_back_unless_marked(what: str) -> Iterator[None]:
    try:
        yield
    except (DiscloseError, OSError) as error:
        _log.error("held back %s, which could not be marked: %s", what, error)
        reason = error.strerror if isinstance(error, OSError) else error
        raise gradio.Error(f"This output was held back, because it could not be marked: {reason}") from error


def _fetched(url: str, block: Any) -> str:
    """Return the path of a copy of what stands at *url*; raises gradio.Error where it cannot be had."""
    if getattr(block, "proxy_url", None):
        raise gradio.Error(
            "This output was held back, because it is a file of another app and cannot be marked here:"
            " name the function in exclude=… if that app discloses its outputs itself"
        )
    try:
        return str(block.move_resource_to_block_cache(url))
    except Exception as error:
        _log.error("held back %s, which could not be fetched to be marked: %s", url, error)
        raise gradio.Error(
            f"This output was held back, because its address could not be fetched to mark it: {error};"
            " let the function return the file itself"
        ) from error


def _is_turn(value: list[Any] | tuple[Any, ...]) -> bool:
    """Whether *value* is a question and its answer, as chats were written before messages had roles."""
    return len(value) == 2 and not any(isinstance(item, (list, tuple)) for item in value)


def _is_picture(path: Path, media_type: str) -> bool:
    """Whether the file has pixels, by content or name; those carry their marks inside or are held back."""
    named = mimetypes.guess_type(path.name)[0] or ""
    return media_type.startswith("image/") or (
        media_type == sniff.UNKNOWN and named.startswith("image/") and named != "image/svg+xml"
    )


def _cache_name(data: bytes) -> str:
    """Return the name of the folder in which Gradio keeps a file of these bytes."""
    return hashlib.sha256(processing_utils.hash_seed + data).hexdigest()


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _paths(item)
    elif isinstance(value, dict):
        if client_utils.is_file_obj_with_meta(value) and isinstance(value.get("path"), str):
            yield Path(value["path"])
        else:
            yield from _paths(list(value.values()))


def _contents(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _contents(item)
    elif isinstance(value, dict):
        yield from _contents(list(value.values()))
    elif hasattr(value, "__array_interface__"):
        yield value


def _digest(content: Any) -> str:
    import numpy

    array = numpy.ascontiguousarray(content)
    return hashlib.blake2b(f"{array.dtype} {array.shape}".encode() + array.tobytes()).hexdigest()
