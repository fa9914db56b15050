"""ASGI applications driven as a server drives them: scope in, messages out."""

import io

import anyio
import numpy as np
from PIL import Image

PAGE = b'<!doctype html><html lang="en"><head><title>Chat</title></head><body class="x"><h1>Hi</h1></body></html>'
LOADER = b'<script src="/.well-known/ai-disclosure/notice.js" defer></script>'
SENTENCE = b"You are interacting with an AI system."


class Answer:
    def __init__(self, messages):
        self.messages = messages
        starts = [message for message in messages if message["type"] == "http.response.start"]
        assert len(starts) == 1, "a response starts once"
        self.status = starts[0]["status"]
        self.raw_headers = [(name.decode(), value.decode()) for name, value in starts[0]["headers"]]
        self.headers = dict(self.raw_headers)
        self.chunks = [message.get("body", b"") for message in messages if message["type"] == "http.response.body"]
        self.body = b"".join(self.chunks)


def ask(app, path="/", method="GET", headers=None, extensions=None, **scope):
    """Return what *app* answers to one request, whose body comes in the pieces *content*."""
    return Answer(messages_of(app, path, method, headers, extensions, **scope))


def messages_of(app, path="/", method="GET", headers=None, extensions=None, content=(b"",), **more):
    sent = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "extensions": extensions or {},
        **more,
    }

    requests = [{"type": "http.request", "body": part, "more_body": True} for part in content]
    requests[-1]["more_body"] = False

    async def receive():
        # A client that has said everything and stays.
        return requests.pop(0) if requests else await anyio.sleep_forever()

    async def send(message):
        sent.append(message)

    anyio.run(app, scope, receive, send)
    return sent


def answering(body=b"", content_type="text/plain", status=200, headers=(), chunks=None):
    """Return a plain ASGI application that gives this one answer."""
    parts = [body] if chunks is None else chunks

    async def app(scope, receive, send):
        start = [(b"content-type", content_type.encode()), *headers]
        await send({"type": "http.response.start", "status": status, "headers": start})
        for index, part in enumerate(parts):
            await send({"type": "http.response.body", "body": part, "more_body": index + 1 < len(parts)})

    return app


def picture(encoding="PNG"):
    down, across = np.mgrid[0:448, 0:512]
    grain = np.random.default_rng(1).normal(0, 12, (448, 512))
    levels = [128 + 60 * np.sin(down / 37 + phase) + 40 * np.cos(across / 23) + grain for phase in (0, 1, 2)]
    out = io.BytesIO()
    Image.fromarray(np.clip(np.dstack(levels), 0, 255).astype(np.uint8)).save(out, encoding, quality=90)
    return out.getvalue()
