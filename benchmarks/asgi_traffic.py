"""What the web application of the benchmarks answers: the same bytes for the same address, so that all can be checked.

    python -m benchmarks.asgi_traffic --folder DIR [--plain] [--port 0]

serves it: below ``/exact`` with the layers that keep every pixel, else with all; *plain* serves it without middleware.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import io
import json
import logging
import random
import wave
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import anyio
import numpy
from PIL import Image

from benchmarks.common import encoded, mosaic
from disclose.integrations.asgi import DiscloseMiddleware
from disclose.integrations.asgi_headers import App, Receive, Scope, Send
from disclose.profile import Profile

EDGE = 400
EXACT = "/exact"
"""The prefix below which pictures keep every pixel: there is no watermark, and nothing else that encodes again."""
MEDIA = ("image/*", "audio/*", "application/json")
STATEMENT = {"system": "Benchmark", "provider": "disclose"}
_WORDS = (
    *("the", "capital", "of", "France", "is", "Paris,", "which", '"lies"', "on", "{the}", "Seine;"),
    *("東京", "does", "not,", "and", "neither", "does", "👩\u200d🔬"),
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer, its body in the *chunks* in which it is sent, *pause* seconds apart."""

    chunks: tuple[bytes, ...]
    content_type: str
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    pause: float = 0.0

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)


def answer_to(path: str) -> Answer:
    """Return the answer to *path*, ``/kind/number``."""
    kind, _, number = path.removeprefix(EXACT).strip("/").partition("/")
    return KINDS.get(kind, missing)(int(number) if number.isdigit() else 0)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, also where it is conditional or asks for headers alone."""
    answer = answer_to(scope["path"])
    headers = [(b"content-type", answer.content_type.encode()), *answer.headers]
    asked = dict(scope["headers"])
    tag = dict(answer.headers).get(b"etag")
    if tag is not None and asked.get(b"if-none-match") == tag:
        await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", tag)]})
        await send({"type": "http.response.body"})
        return
    if not answer.pause:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if scope["method"] == "HEAD":
        await send({"type": "http.response.body"})
        return
    for chunk in answer.chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if answer.pause:
            await anyio.sleep(answer.pause)
    await send({"type": "http.response.body"})


def disclosed(folder: Path) -> App:
    """Return the application behind the middleware, its two profiles in *folder*."""
    every, exact = (
        DiscloseMiddleware(application, profile, media=MEDIA, **STATEMENT) for profile in profiles(folder).values()
    )

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        await (exact if scope["path"].startswith(EXACT) else every)(scope, receive, send)

    return either


def profiles(folder: Path) -> dict[str, Profile]:
    """Return the profiles by the prefixes below which they hold."""
    every = Profile(folder=folder / "every")
    return {"": every, EXACT: Profile(folder=folder / "exact", layers=("c2pa", "fingerprint", "ledger"))}


def png(number: int) -> Answer:
    """Return a picture, as every ``number`` has another."""
    return _tagged("png", number, _in_pieces(encoded(picture(number), "PNG"), 65536), "image/png")


def jpeg(number: int) -> Answer:
    return _tagged("jpeg", number, _in_pieces(encoded(picture(number), "JPEG", quality=95), 4000), "image/jpeg")


def webp(number: int) -> Answer:
    return _tagged("webp", number, (encoded(picture(number), "WEBP", quality=95),), "image/webp")


def sound(number: int) -> Answer:
    """Return half a second of noise as WAV."""
    return _tagged("sound", number, _in_pieces(_noise(number, 16_000), 1000), "audio/wav")


def record(number: int) -> Answer:
    """Return a minute of noise as WAV, 2 MB."""
    return _tagged("record", number, _in_pieces(_noise(number, 2_000_000), 200_000), "audio/wav")


def page(number: int) -> Answer:
    text = _said(number, 2000).encode()
    html = b'<!doctype html><html lang="en"><head><title>A page</title></head><body><p>' + text + b"</p></body></html>"
    return _tagged("page", number, _in_pieces(html, 700), "text/html; charset=utf-8")


def strict(number: int) -> Answer:
    """Return a page that forbids scripts, so that the middleware itself keeps on record that it was sent."""
    policy = (b"content-security-policy", b"default-src 'none'")
    return Answer(chunks=page(number).chunks, content_type="text/html; charset=utf-8", headers=(policy,))


def pictures(number: int) -> Answer:
    """Return JSON with a picture, as image generators answer."""
    data = b64encode(encoded(picture(number), "PNG")).decode()
    said = {"created": number, "data": [{"b64_json": data, "revised_prompt": _said(number, 20)}], "usage": None}
    return _tagged("pictures", number, _in_pieces(json.dumps(said, indent=1).encode(), 50000), "application/json")


def data(number: int) -> Answer:
    """Return JSON without any picture, whose numbers no JSON library would write as they stand here."""
    said = json.dumps({"id": number, "text": _said(number, 300), "list": list(range(200))}, ensure_ascii=False)
    body = f'{said[:-1]}, "odd" : 1.10e+2 ,"long":{"9" * 5000}}}\n'.encode()
    return _tagged("data", number, _in_pieces(body, 3000), "application/json")


def chat(number: int) -> Answer:
    """Return a chat completion as OpenAI streams it."""
    return Answer(chunks=tuple(chat_events(number, 30)), content_type="text/event-stream", pause=0.003)


def events(number: int) -> Answer:
    """Return a stream of events of a form that nobody knows, cut anywhere."""
    body = b"".join(f"event: tick\nid: {n}\ndata: {_said(number + n, 5)}\n\n".encode() for n in range(60))
    return Answer(chunks=_in_pieces(body, 97), content_type="text/event-stream", pause=0.002)


def text(number: int) -> Answer:
    return _tagged("text", number, (_said(number, 100).encode(),), "text/plain; charset=utf-8")


def binary(number: int) -> Answer:
    return _tagged("binary", number, _in_pieces(_bytes(number, 400_000), 30_000), "application/octet-stream")


def broken(number: int) -> Answer:
    return Answer(chunks=(b"the application broke: %d\n" % number,), content_type="text/plain", status=500)


def missing(number: int) -> Answer:
    return Answer(chunks=(b"there is nothing here: %d\n" % number,), content_type="text/plain", status=404)


KINDS: dict[str, Callable[[int], Answer]] = {
    one.__name__: one
    for one in (
        png,
        jpeg,
        webp,
        sound,
        record,
        page,
        strict,
        pictures,
        data,
        chat,
        events,
        text,
        binary,
        broken,
        missing,
    )
}
PICTURES, SOUNDS = ("png", "jpeg", "webp"), ("sound", "record")


def chat_events(number: int, pieces: int) -> Iterator[bytes]:
    """Yield the events of a chat completion with so many *pieces* of text."""

    def event(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        chunk = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": number, "model": "m"}
        return f"data: {json.dumps({**chunk, 'choices': [choice]}, ensure_ascii=False)}\n\n".encode()

    yield event({"role": "assistant", "content": ""})
    for piece in chat_pieces(number, pieces):
        yield event({"content": piece})
    yield event({}, "stop")
    yield b"data: [DONE]\n\n"


def chat_pieces(number: int, pieces: int) -> list[str]:
    """Return the pieces of the text of the chat of that *number*."""
    return [f"{number} ", *(word + " " for word in _said(number, pieces - 1).split(" "))]


def picture(number: int) -> Image.Image:
    """Return a part of photographs side by side, with grain: what is too smooth for a watermark would be withheld."""
    across, down = (number * 613) % 1700, (number * 389) % 1300
    part = numpy.asarray(_photographs().crop((across, down, across + EDGE, down + EDGE)), float)
    grain = numpy.random.default_rng(number).normal(0, 9, part.shape)
    return Image.fromarray(numpy.clip(part + grain, 0, 255).astype(numpy.uint8))


@cache
def _photographs() -> Image.Image:
    return mosaic(1700 + EDGE, 1300 + EDGE)


def _tagged(kind: str, number: int, chunks: tuple[bytes, ...], content_type: str) -> Answer:
    tag = (b"etag", f'"{kind}-{number}"'.encode())
    return Answer(chunks=chunks, content_type=content_type, headers=(tag,))


def _in_pieces(body: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(body[start : start + size] for start in range(0, len(body), size))


def _bytes(number: int, size: int) -> bytes:
    return random.Random(number).randbytes(size)  # noqa: S311


def _noise(number: int, size: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(_bytes(number, size))
    return buffer.getvalue()


def _said(number: int, words: int) -> str:
    return " ".join(random.Random(number).choices(_WORDS, k=words))  # noqa: S311


def main() -> None:
    """Serve until stopped; print the port first."""
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    # asyncio warns of every client that goes away in the middle of an answer.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    app = application if arguments.plain else disclosed(arguments.folder)
    settings = {"lifespan": "off", "log_level": "critical", "access_log": False, "timeout_graceful_shutdown": 5}
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=arguments.port, **settings))

    async def serve() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve)
            while not server.started:
                await anyio.sleep(0.01)
            print(server.servers[0].sockets[0].getsockname()[1], flush=True)

    anyio.run(serve)


if __name__ == "__main__":
    main()
