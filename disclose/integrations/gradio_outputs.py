"""What a Gradio app's functions return: files are exchanged for marked copies, what passes through stays as it is.

Gradio names the folder of every file it takes in after the file's content, which tells what passes through, however
it is called on its way. Pictures and sounds that reach a function decoded are known by a digest of their content.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextvars
import hashlib
import logging
import mimetypes
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote, unquote

from disclose.asset import SIDECAR, Asset, holds_manifest, sidecar_path
from disclose.disclosure import Identifier
from disclose.errors import DiscloseError, ProfileError, extra
from disclose.layer import Recogniser
from disclose.media import files, sniff
from disclose.notice.label import labelled, unlabelled

with extra("gradio"):
    import anyio.to_thread
    import gradio
    from gradio import processing_utils
    from gradio.components.base import StreamingOutput
    from gradio_client import utils as client_utils

if TYPE_CHECKING:
    from disclose.disclosure import Disclosure
    from disclose.marker import Marker

_Value = TypeVar("_Value")
_log = logging.getLogger("disclose.integrations.gradio")
_MOST_REMEMBERED = 4096
_BESIDE_TEXT = "text carries a label that people read, and no mark that machines read"
_GRADIOS_CHAT = "gradio.chat_interface"
# Slashes and line ends as JSON, HTML and addresses spell them. Possessive, so that every character is read once.
_ADDRESS = re.compile(
    r"""(?P<quote>["'])?
    (?P<head>data:(?:image|audio|video)(?:/|\\/|\\u002f|&\#x2f;|&\#47;|%2f)
        (?P<kind>[^;,"'<>()\s]*+) (?P<parameters>(?:;[^;,"'<>()\s]*+)*+) ,)
    (?P<content>(?:[a-z0-9+/=]++ | %[0-9a-f]{2} | &\#(?:x[0-9a-f]{1,4}|[0-9]{1,5}); | \\u00[0-9a-f]{2} | \\[/nr]
        | (?(quote)[\r\n]\s*+(?=[a-z0-9+/]) | (?!)) )*+)""",
    re.IGNORECASE | re.VERBOSE,
)
_NO_SEGMENTS = (
    "the pieces of a stream hold no marks: let the function return the whole file instead of yielding it, or give"
    " disclosed() the reason for which pieces may leave unmarked: unmarked_streams=…"
)
_SHORTEST = 32
"""Characters of base64; what is shorter holds no picture: the smallest GIF there is takes 48."""
_generates: contextvars.ContextVar[bool] = contextvars.ContextVar("disclose_gradio_generates", default=False)
_of_gradios_chat: contextvars.ContextVar[bool] = contextvars.ContextVar("disclose_gradio_chat", default=False)
_sent: contextvars.ContextVar[frozenset[str]] = contextvars.ContextVar("disclose_gradio_sent", default=frozenset())


class _Remembered(Generic[_Value]):
    """The newest few thousand names that were noted, each with a value."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, _Value] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, name: str, value: _Value) -> None:
        with self._lock:
            self._values[name] = value
            self._values.move_to_end(name)
            while len(self._values) > _MOST_REMEMBERED:
                self._values.popitem(last=False)

    def get(self, name: str) -> _Value | None:
        return self._values.get(name)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __len__(self) -> int:
        return len(self._values)


class Outputs:
    """Marks the outputs of the app *demo*.

    *marker* and *statement* are asked anew for every file; *leaves* hears the identifier of each marked output before
    it is on its way; *asked*, where it is given, the questions that a chat is to answer itself. *text_label* is the
    language of the label that generated texts begin with, where they are to have one.

    The pieces of a streamed sound or film are formats that hold no manifest, and so they are held back like anything
    else that cannot be marked; *unmarked_streams* is the reason for which they may leave, which the log then states.
    """

    def __init__(
        self,
        demo: gradio.Blocks,
        marker: Callable[[], Marker],
        statement: Callable[[], Disclosure],
        leaves: Callable[[Identifier], None] = lambda identifier: None,
        asked: Callable[[str, str, int], bool] | None = None,
        *,
        text_label: str | None = None,
        unmarked_streams: str | None = None,
    ) -> None:
        if unmarked_streams is not None and not unmarked_streams.strip():
            raise ProfileError("unmarked_streams= takes the reason for which the pieces of streams may leave unmarked")
        self.asked, self._text_label, self._unmarked_streams = asked, text_label, unmarked_streams
        self._demo, self._marker, self._statement, self._leaves = demo, marker, statement, leaves
        self._copies: _Remembered[tuple[str, Identifier]] = _Remembered()
        self._received: _Remembered[bool] = _Remembered()
        self._content: _Remembered[bool] = _Remembered()
        self._passing: _Remembered[bool] = _Remembered()
        self._told: set[str] = set()

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
            return _ADDRESS.sub(lambda address: self._marked_address(address, block), value)
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
        for text in _texts(value):
            for address in _ADDRESS.finditer(text):
                if (data := _data_in(address)) is not None:
                    self._received.note(_cache_name(data), True)

    def receive_texts(self, values: Any, blocks: Any) -> Any:
        """Return the inputs *values* without the labels that this app put before texts; a model does not get to see it.

        What came without one is the person's own: it gets none if this event returns it.
        """
        if self._text_label is None or not isinstance(values, (list, tuple)):
            return values
        bare = [self._unlabelled(value, block) for value, block in zip(values, blocks, strict=False)]
        _sent.set(frozenset(_texts(list(values))) & frozenset(_texts(bare)))
        return bare

    def labelled(self, value: Any, block: Any) -> Any:
        """Return *value*, which *block* shows, with the label before each text that was generated, once.

        These are what a text box or Markdown shows and what a chat answers, not code, data or classes.
        """
        if self._text_label is None:
            return value
        if isinstance(block, gradio.Chatbot) and isinstance(value, list):
            return _with_answers(value, block, self._labelled_text)
        if isinstance(block, gradio.Textbox) and isinstance(value, str) and not _of_gradios_chat.get():
            return value if value in _sent.get() else labelled(value, self._text_label)
        if isinstance(block, gradio.Markdown) and isinstance(value, str):
            return value if value in _sent.get() else self._labelled_text(value)
        return value

    def labelled_response(self, predictions: Any) -> Any:
        """Return what a chat answers a program with, a text and the history behind it, with the label on the text."""
        is_chat = isinstance(predictions, (list, tuple)) and len(predictions) > 1 and isinstance(predictions[1], list)
        if self._text_label is None or not is_chat or not isinstance(predictions[0], str):
            return predictions
        return [self._labelled_text(predictions[0]), *predictions[1:]]

    def _labelled_text(self, text: str) -> str:
        assert self._text_label is not None
        return labelled(text, self._text_label, paragraph=True)

    def _unlabelled(self, value: Any, block: Any) -> Any:
        assert self._text_label is not None
        language = self._text_label
        if isinstance(block, gradio.Chatbot) and isinstance(value, list):
            return _with_answers(value, block, lambda text: unlabelled(text, language))
        if isinstance(block, (gradio.Textbox, gradio.Markdown)) and isinstance(value, str):
            return unlabelled(value, language)
        return value

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
        """Say in the log, once, that outputs of *kind* are not marked."""
        self._say(f"{kind} is not marked by this profile; it leaves this app as it is")

    def tell_text(self, block: Any) -> None:
        """Say in the log, once, that texts are not marked."""
        if self._text_label is not None and isinstance(block, (gradio.Textbox, gradio.Markdown, gradio.Chatbot)):
            self._say(_BESIDE_TEXT)
        else:
            self.tell("text")

    @contextmanager
    def of(self, block_fn: Any) -> Iterator[None]:
        """Know, while the block lasts, what kind of function returned what is marked in it."""
        generates = _generates.set(bool(block_fn.types_generator))
        carries = _of_gradios_chat.set(getattr(block_fn.fn, "__module__", None) == _GRADIOS_CHAT)
        try:
            yield
        finally:
            _of_gradios_chat.reset(carries)
            _generates.reset(generates)

    def is_segment(self, value: Any, block: Any) -> bool:
        """Whether *value* is a piece of a stream, which Gradio is about to turn into a format without a manifest."""
        streams = isinstance(block, StreamingOutput) and getattr(block, "streaming", False)
        return streams and value is not None and not is_update(value) and (_generates.get() or isinstance(value, bytes))

    def pass_segment(self) -> None:
        """Let a piece of a stream leave, if there is a reason to; raises gradio.Error, which its user reads."""
        if self._unmarked_streams is None:
            _log.error("held back a piece of a stream: %s", _NO_SEGMENTS)
            raise gradio.Error(f"This output was held back, because {_NO_SEGMENTS}")
        self._say(
            f"pieces of streams leave unmarked ({self._unmarked_streams}); the whole file that Gradio makes of them for"
            " whoever downloads it is marked"
        )

    def _say(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.warning("%s", what)

    def _marked_file(self, value: dict[str, Any], block: Any, *, is_final: bool) -> dict[str, Any]:
        path = value["path"]
        if client_utils.is_http_url_like(path):
            if not is_final and not getattr(block, "proxy_url", None):
                return value
            path = _fetched(path, block)
        # Gradio refuses paths outside the allowed folders; a marked copy must not be a way around that.
        processing_utils._check_allowed(path, False)  # noqa: SLF001
        with _held_back_unless_marked(path):
            data = files.read(Path(path))
            if self._passes_through(path, data):
                return value
            target = self._marked_copy(data, Path(path), block, sidecar=True)
        if target == value["path"]:
            return value
        url = f"/gradio_api/file={quote(target)}" if value.get("url") else None
        return {**value, "path": target, "url": url, "size": value.get("size") and Path(target).stat().st_size}

    def _marked_copy(self, data: bytes, path: Path, block: Any, *, sidecar: bool) -> str:
        """Return the path of the marked copy of *data*, in the cache beside the other outputs of *block*.

        With *sidecar*, what holds no manifest gets one beside it.
        """
        source = f"{hashlib.sha256(data).hexdigest()}/{path.name}"
        known = self._copies.get(source)
        if known is not None and Path(known[0]).is_file():
            self._leaves(known[1])
            return known[0]  # a chat shows its earlier pictures again every turn
        beside = sidecar_path(path)
        present = files.read(beside) if sidecar and beside.is_file() else None
        asset = Asset.from_data(data, name="the output", sidecar=present)
        takes_sidecar = sidecar and not _is_picture(path, asset.media_type)
        asset = self._marker().mark(asset, self._statement(), sidecar=takes_sidecar)
        target = path
        if asset.data != data or asset.sidecar != present:
            # The sidecar belongs to its file alone, though the same bytes may come again.
            folder = hashlib.sha256(asset.data + (asset.sidecar or b"")).hexdigest()
            target = Path(block.GRADIO_CACHE) / folder / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            asset.save(target)
            block.temp_files.add(str(target))
            if asset.sidecar is not None:
                block.temp_files.add(str(target) + SIDECAR)
        assert asset.disclosure is not None
        self._leaves(asset.disclosure.id)
        for digest in (source, f"{asset.sha256}/{path.name}"):
            self._copies.note(digest, (str(target), asset.disclosure.id))
        return str(target)

    def _marked_address(self, address: re.Match[str], block: Any) -> str:
        """Return the data: address with the marked picture, sound or film in it."""
        if address["kind"].lower().startswith("svg"):
            self.tell("a drawing inside a data: address")
            return address[0]
        if len(address["content"]) < _SHORTEST:
            return address[0]
        with _held_back_unless_marked("a file inside a data: address"):
            data = _data_in(address)
            if data is None:
                raise DiscloseError("it stands in an address without being base64; let the function return the file")
            if self._passes_through("", data):
                return address[0]
            name = Path("inside" + sniff.EXTENSIONS.get(sniff.media_type(data), ""))
            target = self._marked_copy(data, name, block, sidecar=False)
            if target == str(name):
                return address[0]
            marked = base64.b64encode(files.read(Path(target))).decode()
        return f"{address['quote'] or ''}{address['head']}{marked}"

    def _passes_through(self, path: str, data: bytes) -> bool:
        """Whether these bytes came from a client, under whatever name they leave."""
        if str(path) in self._passing:
            return True
        digest = _cache_name(data)
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


def holds_files(text: str) -> bool:
    """Whether there are data: addresses of pictures, sounds or films in *text*."""
    return _ADDRESS.search(text) is not None


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


def _data_in(address: re.Match[str]) -> bytes | None:
    """Return the bytes that *address* holds, or None where browsers find none."""
    if not address["parameters"].lower().endswith(";base64"):
        return None
    plain = re.sub(r"\\u00([0-9a-fA-F]{2})", r"%\1", address["content"])
    plain = re.sub(r"\\[nr]|\\(?=/)", "", plain)
    content = re.sub(r"\s", "", unquote(unescape(plain))).rstrip("=")
    try:
        return base64.b64decode(content + "=" * (-len(content) % 4), validate=True)
    except binascii.Error:
        return None


def _with_answers(value: list[Any], block: Any, change: Callable[[str], str]) -> list[Any]:
    """Return the chat *value*, serialised, with the first text of each answer as *change* returns it."""
    if getattr(block, "type", None) == "tuples":
        return [_with_answer(turn, change) for turn in value]
    done: list[Any] = []
    is_due = True
    for message in value:
        role = message.get("role") if isinstance(message, dict) else None
        if role == "user":
            is_due = True
        # What a model thinks aloud is folded away, and a label on it would be too.
        elif role == "assistant" and is_due and not (message.get("metadata") or {}).get("title"):
            content = _with_first_text(message.get("content"), change)
            if content is not None:
                message, is_due = {**message, "content": content}, False
        done.append(message)
    return done


def _with_answer(turn: Any, change: Callable[[str], str]) -> Any:
    if not (isinstance(turn, (list, tuple)) and len(turn) == 2 and isinstance(turn[1], str) and turn[1]):
        return turn
    return [turn[0], change(turn[1])]


def _with_first_text(content: Any, change: Callable[[str], str]) -> Any:
    """Return the *content* of a message with its first text changed, or None where it has none."""
    if isinstance(content, str):
        return change(content) if content else None
    if isinstance(content, dict) and isinstance(content.get("text"), str) and content["text"]:
        return {**content, "text": change(content["text"])}
    for index, part in enumerate(content if isinstance(content, list) else ()):
        if (changed := _with_first_text(part, change)) is not None:
            return [*content[:index], changed, *content[index + 1 :]]
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))


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
