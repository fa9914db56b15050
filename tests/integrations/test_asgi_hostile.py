"""What a valid application sends, a valid client receives; from an invalid one nothing unmarked leaves."""

import gzip
import itertools
import tracemalloc
import zlib

import anyio
import pytest
from asgi_messages import PAGE, SENTENCE, answering, ask, messages_of, picture
from hypothesis import example, given, settings
from hypothesis import strategies as some

from disclose import Asset, Outcome, Profile
from disclose.errors import MarkingError
from disclose.integrations import asgi_body
from disclose.integrations.asgi import DiscloseMiddleware
from disclose.integrations.asgi_coding import decompressed

PNG = picture()


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return Profile(folder=tmp_path_factory.mktemp("profile"), statement={"system": "Test Studio"})


def sending(messages):
    async def app(scope, receive, send):
        for message in messages:
            await send(dict(message))

    return app


def start(content_type=b"text/plain", *headers, status=200):
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type), *headers]}


def body(content=b"", more=False):
    return {"type": "http.response.body", "body": content, "more_body": more}


def checked(messages):
    """Return the start and the body of *messages*, which a server takes without complaint."""
    relevant = [one for one in messages if one["type"] in ("http.response.start", "http.response.body")]
    assert [one["type"] for one in relevant[:1]] == ["http.response.start"]
    assert all(one["type"] == "http.response.body" for one in relevant[1:])
    assert [bool(one.get("more_body", False)) for one in relevant[1:]] == [True] * (len(relevant) - 2) + [False]
    assert all(isinstance(one.get("body", b""), bytes) for one in relevant[1:])
    headers = relevant[0]["headers"]
    assert all(isinstance(part, bytes) for header in headers for part in header)
    return relevant[0], b"".join(one.get("body", b"") for one in relevant[1:])


pages = some.sampled_from(
    [PAGE, PAGE + b"\xff\xfe", b"<p>a part</p>", b"", b"\x00\x01", b"<!doctype html>" + b"x" * 99]
)
contents = pages | some.sampled_from(
    [b'{"b64_json": 1}', b'{"a": [', b"\xef\xbb\xbf{}", b"data: 1\n\n", b"--x\r\n\r\n\r\n--x--"]
)
kinds = some.sampled_from(
    [
        b"text/html",
        b"text/html; charset=utf-8",
        b"TEXT/HTML;",
        b"application/json",
        b"text/event-stream",
        b"multipart/mixed; boundary=x",
        b"image/png",
        b"\x01, text/html",
        b"",
    ]
)
others = some.lists(
    some.sampled_from(
        [
            (b"etag", b'"a"'),
            (b"etag", b"broken"),
            (b"vary", b"\x00\x7f"),
            (b"cache-control", b"no-store"),
            (b"content-encoding", b"gzip"),
            (b"content-encoding", b"br"),
            (b"content-security-policy", b"default-src 'none'; ;;, script-src\x00"),
            (b"content-range", b"bytes 0-1/9"),
            (b"access-control-expose-headers", b"X-\xff"),
            (b"x-own", b"a\r\nb: c"),
            (b"link", b"<a>; rel=b"),
        ]
    ),
    max_size=4,
)


@settings(deadline=None, max_examples=150)
@given(
    content=contents,
    kind=kinds,
    headers=others,
    status=some.sampled_from([200, 201, 203, 204, 205, 206, 301, 304, 404, 500]),
    cuts=some.lists(some.integers(0, 120), max_size=6),
    declared=some.booleans(),
    method=some.sampled_from(["GET", "POST", "HEAD"]),
    asked=some.dictionaries(
        some.sampled_from(["range", "if-none-match", "accept-language", "origin", "cookie", "accept-encoding"]),
        some.sampled_from(["", "bytes=0-1", '"a-aid00000000"', "de", "disclose-session=x", "\x7f;;==", "*"]),
    ),
    marks=some.booleans(),
    spare=some.booleans(),
)
@example(PAGE, b"text/html", [], 200, list(range(120)), True, "GET", {}, False, False)
def test_whatever_a_valid_application_sends_a_valid_client_receives(
    content, kind, headers, status, cuts, declared, method, asked, marks, spare
):
    ends = sorted({min(cut, len(content)) for cut in cuts} | {len(content)})
    parts = [content[begin:end] for begin, end in itertools.pairwise([0, *ends])]
    declared_length = [(b"content-length", str(len(content)).encode())] if declared else []
    given_start = start(kind, *headers, *declared_length, status=status)
    sent = [given_start, *(body(part, index + 1 < len(parts)) for index, part in enumerate(parts))]
    if spare:
        # Both keys have defaults, and servers know messages that nobody here does.
        sent = [given_start, {"type": "http.response.debug", "info": {}}, *sent[1:-1], {**sent[-1]}]
        del sent[-1]["more_body"]
    allowed = {"media": ("application/json",), "routes": ("/",)} if marks else {}
    received = messages_of(DiscloseMiddleware(sending(sent), **allowed), method=method, headers=asked)
    answer, got = checked(received)
    types = dict(answer["headers"])
    if answer["status"] == 500 != status:
        # Withheld: nobody asked for a part, and pictures may be cut in two by its ends.
        assert marks
        assert status == 206
        assert content not in got or not content
        return
    assert answer["headers"][0] == (b"content-type", kind)
    if answer["status"] == status and method != "HEAD" and b"content-length" in types:
        assert int(types[b"content-length"]) == len(got)
    if b'id="disclose-notice"' not in got and method != "HEAD":
        assert got == content
    if status == 304 and "aid" in asked.get("if-none-match", ""):
        # The tag that the client knows comes back, in place of the one that the application knows.
        return
    # A stream of events may grow on its way, so that its length is not said.
    if not any(one in kind.lower() for one in (b"html", b"event-stream")) and not (marks and b"json" in kind):
        expected = [(name, value) for name, value in given_start["headers"]]
        assert answer["headers"][: len(expected)] == expected
        assert received[1:] == sent[1:]


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_picture_in_pieces_of_any_size_is_one_picture(profile, size):
    parts = [PNG[at : at + size] for at in range(0, len(PNG) if size > 1 else 20_000, size)]
    parts += [PNG[20_000:]] if size == 1 else []
    sent = [start(b"image/png"), *(body(part, more=True) for part in parts), body()]
    _, got = checked(messages_of(DiscloseMiddleware(sending(sent), profile, media=("image/*",))))
    assert profile.verifier().verify(Asset.open(got)).outcome is Outcome.DISCLOSED


@pytest.mark.parametrize("length", [b"5", b"999999", b"-1", b"", b"\xb2", b"1" * 30, b"5, 5"])
def test_a_length_that_lies_changes_nothing_about_a_picture(profile, length):
    sent = [start(b"image/png", (b"content-length", length)), body(PNG)]
    answer, got = checked(messages_of(DiscloseMiddleware(sending(sent), profile, media=("image/*",))))
    assert int(dict(answer["headers"])[b"content-length"]) == len(got)
    assert profile.verifier().verify(Asset.open(got)).outcome is Outcome.DISCLOSED


@pytest.mark.parametrize("length", [b"-1", b"", b"\xb2", b"5, 5"])
def test_a_length_that_is_none_stays_out_of_a_page(length):
    answer, got = checked(
        messages_of(DiscloseMiddleware(sending([start(b"text/html", (b"content-length", length)), body(PAGE)])))
    )
    assert SENTENCE in got
    assert b"content-length" not in dict(answer["headers"])


@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("kind", [b"image/png", b"application/json", b"text/html", b"text/plain"])
def test_an_application_that_fails_is_heard_and_leaves_nothing_unmarked(profile, kind, after):
    messages = [start(kind), body(PNG[:5000], more=True), body(PNG[5000:], more=True)]
    seen = []

    async def app(scope, receive, send):
        for message in messages[:after]:
            await send(message)
        raise KeyError("mine")

    async def send(message):
        seen.append(message)

    async def main():
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        await DiscloseMiddleware(app, profile, media=("image/*", "application/json"))(scope, None, send)

    with pytest.raises(KeyError, match="mine"):
        anyio.run(main)
    if kind in (b"image/png", b"application/json"):
        assert seen == []


@pytest.mark.parametrize("hangs_up_at", range(3))
@pytest.mark.parametrize("kind", [b"image/png", b"text/html", b"text/plain"])
def test_a_client_that_hangs_up_ends_the_response(profile, kind, hangs_up_at):
    content = PNG if kind == b"image/png" else PAGE
    taken = 0

    async def app(scope, receive, send):
        assert (await receive())["type"] == "http.disconnect"
        for message in (start(kind), body(content, more=True), body()):
            await send(message)

    async def send(message):
        nonlocal taken
        if taken == hangs_up_at:
            raise OSError("the client is gone")
        taken += 1

    async def receive():
        return {"type": "http.disconnect"}

    async def main():
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        await DiscloseMiddleware(app, profile, media=("image/*",))(scope, receive, send)

    if kind == b"image/png" and hangs_up_at == 2:
        anyio.run(main)
    else:
        with pytest.raises(OSError, match="gone"):
            anyio.run(main)
    assert taken == hangs_up_at


@pytest.mark.parametrize("kind", [b"image/png", b"application/json"])
def test_an_endless_body_is_stopped_or_passed_on_as_it_comes(profile, monkeypatch, kind):
    monkeypatch.setattr(asgi_body, "BODY_LIMIT", 10_000)

    async def app(scope, receive, send):
        await send(start(kind))
        for _ in range(1000):
            await send(body(bytes(100), more=True))
        await send(body())

    refused = ask(DiscloseMiddleware(app, profile, media=("image/*", "application/json")))
    assert refused.status == 500
    passed = ask(DiscloseMiddleware(app, profile, media=("image/*", "application/json"), oversize="pass"))
    assert (passed.status, len(passed.body), len(passed.chunks)) == (200, 100_000, 1001)


def packed(content, parts=1):
    """Return *content* compressed with gzip, in as many parts that can each be read at once."""
    writer, step = zlib.compressobj(wbits=31), -(-len(content) // parts)
    pieces = [
        writer.compress(content[at : at + step]) + writer.flush(zlib.Z_SYNC_FLUSH)
        for at in range(0, len(content), step)
    ]
    return [*pieces[:-1], pieces[-1] + writer.flush()]


GZIP, BROTLI = (b"content-encoding", b"gzip"), (b"content-encoding", b"br")


@pytest.mark.parametrize("parts", [1, 9])
def test_a_page_that_was_compressed_inside_carries_its_notice_and_is_compressed(parts):
    pieces = packed(PAGE, parts)
    length = (b"content-length", str(len(b"".join(pieces))).encode())
    app = answering(chunks=pieces, content_type="text/html", headers=[GZIP, length])
    answer = ask(DiscloseMiddleware(app))
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-length" not in answer.headers
    assert gzip.decompress(answer.body) == ask(DiscloseMiddleware(answering(PAGE, "text/html"))).body
    reader = zlib.decompressobj(31)
    sizes = [len(reader.decompress(chunk)) for chunk in answer.chunks]
    assert all(sizes), "each piece can be read when it comes"


@pytest.mark.parametrize("content", [packed(b"<li>a part</li>")[0], b"\x1f\x8b no gzip", packed(PAGE)[0][:20]])
def test_what_was_compressed_and_is_no_page_leaves_as_it_came(content):
    headers = [GZIP, (b"content-length", str(len(content)).encode())]
    answer = ask(DiscloseMiddleware(answering(content, "text/html", headers=headers)))
    assert (answer.body, answer.headers["content-length"]) == (content, str(len(content)))


def test_a_page_whose_compression_breaks_off_in_the_middle_is_not_completed():
    app = answering(chunks=[packed(PAGE + PAGE, 2)[0], b"\xff" * 99], content_type="text/html", headers=[GZIP])
    with pytest.raises(MarkingError, match="gzip"):
        ask(DiscloseMiddleware(app))


def test_pictures_that_were_compressed_inside_leave_marked(profile):
    app = answering(chunks=packed(PNG, 3), content_type="image/png", headers=[GZIP])
    answer = ask(DiscloseMiddleware(app, profile, media=("image/*",)))
    assert "content-encoding" not in answer.headers
    assert profile.verifier().verify(Asset.open(answer.body)).outcome is Outcome.DISCLOSED
    assert int(answer.headers["content-length"]) == len(answer.body)


@pytest.mark.parametrize("kind", ["image/png", "application/json"])
@pytest.mark.parametrize("broken", [b"\x1f\x8b...", packed(PNG)[0][:-9], packed(PNG)[0] + b"more"])
def test_a_file_whose_compression_cannot_be_read_is_withheld(profile, kind, broken):
    app = answering(broken, kind, headers=[GZIP])
    assert ask(DiscloseMiddleware(app, profile, media=("image/*", "application/json"))).status == 500


def test_what_a_compressed_body_grows_to_is_bounded(profile, monkeypatch):
    monkeypatch.setattr(asgi_body, "BODY_LIMIT", 100_000)
    pieces = packed(bytes(100_001), 2)
    app = answering(chunks=pieces, content_type="image/png", headers=[GZIP])
    assert ask(DiscloseMiddleware(app, profile, media=("image/*",))).status == 500
    passed = ask(DiscloseMiddleware(app, profile, media=("image/*",), oversize="pass"))
    assert (passed.body, passed.headers["content-encoding"]) == (b"".join(pieces), "gzip")
    assert passed.headers["disclose-unmarked"] == "oversize"


def test_no_more_of_a_compressed_body_is_held_than_is_allowed():
    bomb = packed(bytes(32_000_000))[0]
    tracemalloc.start()
    try:
        assert decompressed(bomb, 1_000_000) is None
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_a_page_of_several_compressed_parts_is_one_page():
    parts = gzip.compress(PAGE[:20]) + gzip.compress(PAGE[20:])
    answer = ask(DiscloseMiddleware(answering(parts, "text/html", headers=[GZIP])))
    assert gzip.decompress(answer.body) == ask(DiscloseMiddleware(answering(PAGE, "text/html"))).body


def test_pictures_compressed_in_other_ways_are_withheld_and_such_pages_pass(profile):
    assert ask(DiscloseMiddleware(sending([start(b"text/html", BROTLI), body(PAGE)]))).body == PAGE
    withheld = DiscloseMiddleware(sending([start(b"image/png", BROTLI), body(PAGE)]), profile, media=("image/*",))
    assert ask(withheld).status == 500
