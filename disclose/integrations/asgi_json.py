"""JSON responses: mark the files that stand in a body as base64, and leave every other byte of it as it is."""

from __future__ import annotations

import binascii
import json
import logging
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from anyio import to_thread

from disclose.errors import DiscloseError, MarkingError
from disclose.integrations.asgi_body import BodyResponder, Oversize
from disclose.integrations.asgi_coding import is_gzip
from disclose.integrations.asgi_headers import Scope, Send, headers_of, is_encoded, rewritten, tag_of
from disclose.integrations.asgi_media import Leaves, MarkedBodies
from disclose.media import sniff

# Possessive, so that a long text costs its length once.
_TOKEN = re.compile(rb'"((?:[^"\\]++|\\.)*+)"|[{}\[\]:,]|[^\s"{}\[\]:,]++', re.DOTALL)
_DATA_URI = re.compile(
    rb"data:[a-z]+\\?/[\w.+-]+(?:;(?!base64,)[\w.=+-]++)*+;base64,((?:[A-Za-z0-9+/=_-]|\\/)++)", re.IGNORECASE
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
# OpenAI's images and their partial ones are nothing else; a "result" is one in an image_generation_call alone.
_ALWAYS = frozenset({b"b64_json", b"partial_image_b64"})
# Beside one of these stand the "data" of MCP, Anthropic and Gemini, and the "blob" of a resource of MCP.
_TYPED = (b"mimeType", b"mime_type", b"media_type")
_CONTENT = (b"data", b"blob")
# Imagen and Veo, Stability AI, ElevenLabs, Google's speech, and what others call a file in base64.
_NAMED = frozenset(
    {
        b"base64",
        b"bytesBase64Encoded",
        b"imageBytes",
        b"videoBytes",
        b"image_base64",
        b"audio_base64",
        b"audioContent",
    }
)
# Lists of the pictures themselves, as Stable Diffusion web UI and Ollama answer.
_LISTS = frozenset({b"images", b"image"})
_SHORTEST = 64
_LOOKS_LIKE_FILE = re.compile(rb'b64_json"|_b64"|image_generation_call"|[\w+/=\\-]{%d}' % _SHORTEST)
_FILES = ("image/", "audio/", "video/")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A file in a body: its base64 stands at ``start:end``; ``certain`` that it is one, whatever its bytes show."""

    start: int
    end: int
    certain: bool


@dataclass
class _Open:
    """An object or a list that has not ended: the texts in it, by their names, as positions."""

    name: bytes
    is_object: bool
    key: bytes | None = None
    texts: list[tuple[bytes, int, int]] = field(default_factory=list)


def embedded(body: bytes) -> Iterator[Embedded]:
    """Yield where files may stand in *body*, which is valid JSON."""
    innermost = _Open(name=b"", is_object=False)
    around: list[_Open] = []
    for token in _TOKEN.finditer(body, len(_BYTE_ORDER_MARK) if body.startswith(_BYTE_ORDER_MARK) else 0):
        sign = token.group()
        if sign in (b"{", b"["):
            around.append(innermost)
            name = innermost.key if innermost.is_object and innermost.key is not None else innermost.name
            innermost = _Open(name=name, is_object=sign == b"{")
        elif sign in (b"}", b"]"):
            yield from _of_object(innermost.texts, innermost.name, body)
            innermost = around.pop()
            innermost.key = None
        elif sign == b",":
            innermost.key = None
        elif token.lastindex is None:
            continue
        elif innermost.is_object and innermost.key is None:
            innermost.key = _unescaped(token.group(1))
        else:
            yield from _data_uris(body, *token.span(1))
            innermost.texts.append((innermost.key if innermost.is_object else innermost.name, *token.span(1)))  # type: ignore[arg-type]


def _of_object(texts: list[tuple[bytes, int, int]], name: bytes, body: bytes) -> Iterator[Embedded]:
    said = {key: body[start:end] for key, start, end in texts if key == b"type" or key in _TYPED}
    kind = said.get(b"type", b"")
    is_typed = any(key in said for key in _TYPED) or kind in (b"image", b"audio") or name == b"audio"
    for key, start, end in texts:
        certain = key in _ALWAYS or (key == b"result" and kind == b"image_generation_call")
        possible = key == b"result" or key in _NAMED or key in _LISTS or (key in _CONTENT and is_typed)
        if start < end and (certain or possible) and not body.startswith(b"data:", start):
            yield Embedded(start=start, end=end, certain=certain)


def _data_uris(body: bytes, start: int, end: int) -> Iterator[Embedded]:
    """Yield the data URIs in a text: alone, as in a chat's image_url, or among words, as in Markdown."""
    for found in _DATA_URI.finditer(body, start, end):
        yield Embedded(start=found.start(1), end=found.end(1), certain=False)


def may_hold_file(text: bytes | bytearray) -> bool:
    """Whether a look at *text* may find a file in it; most events of streams are told by this from those that do."""
    return _LOOKS_LIKE_FILE.search(text) is not None


def decoded(text: bytes) -> bytes | None:
    """Return the bytes that *text* is the base64 of, as it stands in JSON, or None where it is none."""
    plain = _unescaped(text).translate(_URL_SAFE, b" \r\n\t").rstrip(b"=")
    try:
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4), strict_mode=True)
    except ValueError:
        return None


def encoded(data: bytes, like: bytes) -> bytes:
    """Return *data* as base64 in the alphabet of *like*."""
    text = b64encode(data)
    if (b"-" in like or b"_" in like) and b"+" not in like:
        text = text.translate(_TO_URL_SAFE)
    return text if like.endswith(b"=") or len(_unescaped(like)) % 4 == 0 else text.rstrip(b"=")


def _unescaped(text: bytes) -> bytes:
    return text if b"\\" not in text else str(json.loads(b'"' + text + b'"')).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, kw_only=True)
class EmbeddedFiles:
    """Marks the files in JSON that are of a type which ``is_wanted``, by ``bodies``; ``leaves`` is told of them."""

    bodies: MarkedBodies
    is_wanted: Callable[[str], bool]
    leaves: Leaves = lambda identifiers: None

    def marked(self, body: bytes, among: bytes | None = None) -> bytes:
        """Return *body* with its files marked; raises a DiscloseError where one of them cannot be.

        Where JSON is only a part of it, *among* is the same with spaces in place of all else.
        """
        text = body if among is None else among
        if not _is_valid(text):
            return body
        pieces, after, identifiers = [], 0, []
        for found in sorted(embedded(text), key=lambda one: one.start):
            given = body[found.start : found.end]
            if (data := self._file(given, found)) is None:
                continue
            marked = self.bodies.marked_as(data)
            if marked.identifier is not None:
                identifiers.append(marked.identifier)
            if marked.data != data:
                pieces += [body[after : found.start], encoded(marked.data, given)]
                after = found.end
        self.leaves(identifiers)
        return b"".join([*pieces, body[after:]])

    def _file(self, text: bytes, found: Embedded) -> bytes | None:
        """Return the file to be marked, or None where there is none of a wanted type."""
        if not found.certain and (len(text) < _SHORTEST or not self._may_be_wanted(text)):
            return None
        data = decoded(text)
        if data is None:
            if found.certain:
                raise MarkingError(f"the picture at byte {found.start} of the JSON is not base64")
            return None
        kind = sniff.media_type(data)
        is_other = kind.startswith(_FILES)
        return data if self.is_wanted(kind) or (found.certain and not is_other) else None

    def _may_be_wanted(self, text: bytes) -> bool:
        # Most texts are no files, which their beginning tells.
        try:
            beginning = _unescaped(text[: 1 << 14].rstrip(b"\\")).translate(_URL_SAFE, b" \r\n\t=")
            start = binascii.a2b_base64(beginning[: len(beginning) // 4 * 4], strict_mode=True)
        except ValueError:
            return False
        return self.is_wanted(sniff.media_type(start))


class JsonResponder(BodyResponder):
    """Answers with a body whose files are marked, or with a 500 where one of them cannot be."""

    def __init__(
        self,
        embedded_files: EmbeddedFiles,
        scope: Scope,
        send: Send,
        *,
        complain: Callable[[str], None],
        oversize: Oversize = "refuse",
    ) -> None:
        super().__init__(scope, send, oversize)
        self._files = embedded_files
        self._complain = complain

    async def begin(self) -> None:
        """Look at the start; a body that is compressed in a way that is not read here passes as it is."""
        headers = headers_of(self._start)
        if is_encoded(headers) and not is_gzip(headers):
            self._complain("JSON is compressed, so that its pictures were not looked at; use gzip, or compress outside")
            await self.pass_on(self._start)
        else:
            await super().begin()

    async def finish(self, body: bytes) -> None:
        """Answer with *body* and the files in it marked."""
        try:
            changed = await to_thread.run_sync(self._files.marked, body)
        except DiscloseError as error:
            await self._refuse(str(error))
            return
        except Exception as error:
            await self._refuse(f"{type(error).__name__}: {error}", unexpected=True)
            return
        if changed == body:
            await self._pass()
            return
        headers = rewritten(headers_of(self._start), length=len(changed), tag=tag_of(changed))
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": changed})


def _is_valid(body: bytes) -> bool:
    """Whether *body* is JSON in UTF-8 (RFC 8259, section 8.1); raises MarkingError where that cannot be told."""
    try:
        # Numbers as they stand: Python refuses to convert long ones, which are valid JSON all the same.
        json.loads(body.removeprefix(_BYTE_ORDER_MARK).decode(), parse_int=str, parse_float=str)
    except RecursionError as error:
        raise MarkingError("the JSON is nested too deeply to be looked at") from error
    except ValueError:
        return False
    return True
