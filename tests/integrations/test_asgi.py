"""The ASGI door, driven as a server drives it: scope in, messages out."""

import hashlib
import logging
import re
import time

import anyio
import pytest
from asgi_messages import LOADER, PAGE, SENTENCE, answering, ask, messages_of, picture
from hypothesis import given, settings
from hypothesis import strategies as some
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from disclose import Asset, Outcome, Profile
from disclose.errors import IdentityError, ProfileError
from disclose.integrations import asgi_html
from disclose.integrations.asgi import DiscloseMiddleware
from disclose.integrations.asgi_media import BODY_LIMIT


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return Profile(folder=tmp_path_factory.mktemp("profile"), statement={"system": "Test Studio"})


@pytest.fixture(scope="module")
def png():
    return picture()


def outcome_of(profile, body):
    return profile.verifier().verify(Asset.open(body)).outcome


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_success_says_that_its_content_originates_from_ai(status):
    assert ask(DiscloseMiddleware(answering(status=status))).headers["ai-disclosure"] == "mode=ai-originated"


@pytest.mark.parametrize("status", [301, 304, 404, 500])
def test_other_statuses_say_nothing(status):
    assert "ai-disclosure" not in ask(DiscloseMiddleware(answering(status=status))).headers


def test_an_altering_system_says_modified():
    app = DiscloseMiddleware(answering(), action="altered")
    assert ask(app).headers["ai-disclosure"] == "mode=ai-modified"


def test_headers_of_the_application_stay_in_number_and_order():
    own = [(b"link", b"<a>; rel=x"), (b"link", b"<b>; rel=y"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    answer = ask(DiscloseMiddleware(answering(headers=own)))
    assert [(name.encode(), value.encode()) for name, value in answer.raw_headers[1:-1]] == own


def test_a_disclosure_header_that_the_application_set_is_left_alone():
    answer = ask(DiscloseMiddleware(answering(headers=[(b"AI-Disclosure", b"mode=none")])))
    assert [value for name, value in answer.raw_headers if name == "ai-disclosure"] == ["mode=none"]


@pytest.mark.parametrize(
    ("route", "path", "concerned"),
    [
        ("/draw", "/draw", True),
        ("/draw", "/draw/cat", True),
        ("/draw/", "/draw/cat", True),
        ("/draw", "/drawer", False),
        ("/draw", "/draw/a\nb", True),
        ("/*.png", "/a\nb.png", True),
        ("/", "/anything", True),
        ("/*/picture.png", "/cats/picture.png", True),
        ("*.png", "/draw/cat.png", True),
        ("*.png", "/draw/cat.jpg", False),
        ("/draw", "/studio/draw", True),
    ],
)
def test_routes_are_prefixes_or_patterns(route, path, concerned):
    app = DiscloseMiddleware(answering(), routes=(route,))
    assert ("ai-disclosure" in ask(app, path, root_path="/studio").headers) is concerned


def test_a_page_outside_the_routes_gets_no_notice():
    assert ask(DiscloseMiddleware(answering(PAGE, "text/html"), routes=("/draw",)), "/about").body == PAGE


@pytest.mark.parametrize("kind", ["lifespan", "of tomorrow"])
def test_other_kinds_of_connection_pass_through(kind):
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    connection = ({"type": kind}, object(), object())
    anyio.run(DiscloseMiddleware(app, media=("image/*",)), *connection)
    assert all(passed is given for passed, given in zip(seen[0], connection, strict=True))


@pytest.mark.parametrize(
    "wrong",
    [
        {"media": "image/*"},
        {"routes": "/draw"},
        {"routes": ("draw",)},
        {"media": ("image",)},
        {"media": ("text/*",)},
        {"media": ("*/*",)},
        {"systm": "Acme"},
    ],
)
def test_a_setting_that_cannot_work_is_refused_where_it_is_written(wrong):
    with pytest.raises(ProfileError):
        DiscloseMiddleware(answering(), **wrong)


def test_production_without_an_identity_is_refused_when_the_server_starts(tmp_path):
    with pytest.raises(IdentityError):
        DiscloseMiddleware(answering(), Profile(folder=tmp_path, production=True), media=("image/*",))


@pytest.mark.parametrize("encoding", ["PNG", "JPEG", "WEBP"])
def test_a_picture_leaves_marked_with_its_length_right(profile, encoding):
    body = picture(encoding)
    kind = f"image/{encoding.lower()}"
    app = answering(body, kind, headers=[(b"content-length", str(len(body)).encode())])
    answer = ask(DiscloseMiddleware(app, profile, media=("image/*",), provider="Acme GmbH"))
    assert answer.status == 200
    assert answer.headers["content-type"] == kind
    assert int(answer.headers["content-length"]) == len(answer.body) != len(body)
    verdict = profile.verifier().verify(Asset.open(answer.body))
    assert verdict.outcome is Outcome.DISCLOSED
    assert (verdict.disclosure.system, verdict.disclosure.provider) == ("Test Studio", "Acme GmbH")


def test_a_picture_in_pieces_is_marked_as_a_whole(profile, png):
    chunks = [png[start : start + 777] for start in range(0, len(png), 777)]
    answer = ask(DiscloseMiddleware(answering(chunks=chunks, content_type="Image/PNG"), profile, media=("image/*",)))
    assert outcome_of(profile, answer.body) is Outcome.DISCLOSED


def test_media_are_left_alone_unless_asked_for(png):
    assert ask(DiscloseMiddleware(answering(png, "image/png"))).body == png


def test_a_picture_that_is_marked_already_leaves_as_it_came(profile, png):
    import disclose

    marked = disclose.mark(png, profile).data
    assert ask(DiscloseMiddleware(answering(marked, "image/png"), profile, media=("image/*",))).body == marked


@pytest.mark.parametrize("response", ["file", "streaming", "plain"])
def test_every_response_of_starlette_is_marked(profile, png, tmp_path, response):
    path = tmp_path / "cat.png"
    path.write_bytes(png)

    async def draw(request):
        if response == "file":
            return FileResponse(path)
        if response == "streaming":
            return StreamingResponse(iter([png[:100], png[100:]]), media_type="image/png")
        return Response(png, media_type="image/png")

    app = Starlette(routes=[Route("/cat.png", draw)])
    app.add_middleware(DiscloseMiddleware, profile=profile, media=("image/*",))
    # The server offers to send files itself, which would send them past the middleware.
    answer = ask(app, "/cat.png", headers={"Range": "bytes=5-9"}, extensions={"http.response.pathsend": {}})
    assert answer.status == 206
    whole = ask(app, "/cat.png", extensions={"http.response.pathsend": {}})
    assert outcome_of(profile, whole.body) is Outcome.DISCLOSED
    assert whole.body[5:10] == answer.body


def test_digests_of_the_unmarked_body_go_and_its_tag_changes(profile, png):
    digests = ("content-md5", "digest", "content-digest", "repr-digest")
    headers = [*((name.encode(), b"x") for name in digests), (b"etag", b'"abc"'), (b"last-modified", b"then")]
    answer = ask(DiscloseMiddleware(answering(png, "image/png", headers=headers), profile, media=("image/*",)))
    assert not set(digests) & set(answer.headers)
    assert re.fullmatch(r'"abc-aid[0-9a-f]{8}"', answer.headers["etag"])
    assert answer.headers["last-modified"] == "then"


def test_a_picture_that_the_client_has_is_not_modified(profile, png, tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(png)

    async def draw(request):
        response = FileResponse(path, stat_result=path.stat())
        if response.headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"etag": response.headers["etag"]})
        return response

    app = DiscloseMiddleware(Starlette(routes=[Route("/cat.png", draw)]), profile, media=("image/*",))
    tag = ask(app, "/cat.png").headers["etag"]
    again = ask(app, "/cat.png", headers={"If-None-Match": f'"other", W/"more", {tag}'})
    assert (again.status, again.headers["etag"], again.body) == (304, tag, b"")


@pytest.mark.parametrize("wanted", ["bytes=0-9", "bytes=100-", "bytes=-50", "bytes=7-999999999", " bytes = 3 - 3 "])
def test_one_range_is_a_part_of_the_marked_body(profile, png, wanted):
    app = DiscloseMiddleware(answering(png, "image/png"), profile, media=("image/*",))
    whole, part = ask(app), ask(app, headers={"Range": wanted})
    assert part.status == 206
    first, last, size = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", part.headers["content-range"]).groups())
    assert part.body == whole.body[first : last + 1]
    assert int(part.headers["content-length"]) == len(part.body)
    assert size == len(whole.body)
    assert part.headers["ai-disclosure"] == "mode=ai-originated"


@pytest.mark.parametrize("wanted", ["bytes=0-1,4-5", "bytes=5-2", "bytes=-", "items=0-1", f"bytes={'9' * 5000}-"])
def test_several_ranges_and_senseless_ones_give_the_whole_body(profile, png, wanted):
    app = DiscloseMiddleware(answering(png, "image/png"), profile, media=("image/*",))
    answer = ask(app, headers={"Range": wanted})
    assert (answer.status, answer.body) == (200, ask(app).body)
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end_cannot_be_satisfied(profile, png, wanted):
    app = DiscloseMiddleware(answering(png, "image/png"), profile, media=("image/*",))
    answer = ask(app, headers={"Range": wanted})
    assert (answer.status, answer.body) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(ask(app).body)}"


def test_a_range_on_a_condition_holds_only_for_the_very_same_bytes(profile, png):
    app = DiscloseMiddleware(answering(png, "image/png", headers=[(b"etag", b'"abc"')]), profile, media=("image/*",))
    tag = ask(app).headers["etag"]
    asked = [ask(app, headers={"Range": "bytes=0-9", "If-Range": condition}) for condition in (tag, '"abc"', "then")]
    assert [answer.status for answer in asked] == [206, 200, 200]


def test_the_application_is_asked_for_the_whole_body_and_its_own_scope_stays():
    seen = {}

    async def app(scope, receive, send):
        seen.update(scope)
        await answering(b"x")(scope, receive, send)

    asked = {"Range": "bytes=0-1", "If-Range": '"a"', "Accept-Encoding": "gzip", "Accept": "image/*"}
    offered = {"http.response.pathsend": {}, "http.response.early_hint": {}}
    ask(DiscloseMiddleware(app, media=("image/*",)), headers=asked, extensions=offered)
    assert seen["headers"] == [(b"accept", b"image/*")]
    assert seen["extensions"] == {"http.response.early_hint": {}}
    assert len(offered) == 2


def test_what_the_application_leaves_in_the_scope_is_seen_outside():
    seen = {}

    async def inner(scope, receive, send):
        scope["route"] = "the one"
        await answering(b"x")(scope, receive, send)

    async def outer(scope, receive, send):
        await DiscloseMiddleware(inner)(scope, receive, send)
        seen.update(scope)

    ask(outer, headers={"Accept": "*/*"})
    assert seen["route"] == "the one"


def test_head_promises_no_length_and_no_tag(profile, png):
    headers = [(b"content-length", b"5"), (b"etag", b'"abc"')]
    app = DiscloseMiddleware(answering(b"", "image/png", headers=headers), profile, media=("image/*",))
    answer = ask(app, method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert not {"content-length", "etag"} & set(answer.headers)


def test_an_empty_body_is_nothing_to_mark(profile):
    answer = ask(DiscloseMiddleware(answering(b"", "image/png"), profile, media=("image/*",)))
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("status", [304, 404, 500])
def test_a_picture_that_is_no_success_passes_as_it_is(profile, png, status):
    app = answering(b"" if status == 304 else png, "image/png", status)
    assert ask(DiscloseMiddleware(app, profile, media=("image/*",))).status == status


@pytest.mark.parametrize(
    "app",
    [
        answering(b"this is no picture", "image/png"),
        answering(b"\x00\x00\x01\x00\x01\x00", "image/x-icon"),
        answering(b"\x1f\x8b...", "image/png", headers=[(b"content-encoding", b"gzip")]),
        answering(b"part", "image/png", 206, headers=[(b"content-range", b"bytes 0-3/99")]),
        answering(b"secret", "image/png", headers=[(b"content-length", str(BODY_LIMIT + 1).encode())]),
    ],
    ids=["broken", "icon", "compressed", "part", "too-long"],
)
def test_a_body_that_cannot_be_marked_is_withheld(profile, caplog, app):
    with caplog.at_level(logging.ERROR, "disclose"):
        answer = ask(DiscloseMiddleware(app, profile, media=("image/*",)), "/draw")
    assert answer.status == 500
    assert answer.body == b"This response was withheld: it could not be marked as made by an AI system.\n"
    assert "ai-disclosure" not in answer.headers
    assert "withheld the response to GET '/draw'" in caplog.text


def test_a_file_sent_past_the_middleware_is_withheld(profile):
    async def app(scope, receive, send):
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"image/png")]}
        await send(start)
        await send({"type": "http.response.pathsend", "path": "/tmp/cat.png"})  # noqa: S108

    messages = messages_of(DiscloseMiddleware(app, profile, media=("image/*",)))
    assert [message.get("status") for message in messages] == [500, None]
    assert "http.response.pathsend" not in {message["type"] for message in messages}


@pytest.mark.parametrize("version", ["2.3", "2.4"])
def test_an_endless_body_is_withheld_and_its_maker_is_stopped(profile, version):
    made = 0

    async def endless():
        nonlocal made
        while True:
            made += 1
            yield bytes(1 << 20)

    async def draw(request):
        return StreamingResponse(endless(), media_type="image/png")

    app = Starlette(routes=[Route("/", draw)])
    answer = ask(DiscloseMiddleware(app, profile, media=("image/*",)), asgi={"version": "3.0", "spec_version": version})
    assert answer.status == 500
    assert made == BODY_LIMIT // (1 << 20) + 1


def test_an_error_of_the_application_is_its_own_affair():
    async def app(scope, receive, send):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        messages_of(DiscloseMiddleware(app, media=("image/*",)))


def test_a_failure_nobody_foresaw_withholds_the_body(profile, png, monkeypatch):
    app = DiscloseMiddleware(answering(png, "image/png"), profile, media=("image/*",))
    monkeypatch.setattr(app.bodies, "marked_as", lambda _body, beside: 1 / 0)
    assert ask(app).status == 500


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/x-ndjson", "audio/wav"])
def test_streams_pass_message_by_message(content_type):
    async def main():
        sent, seen_by_the_client = [], []

        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
            for number in range(3):
                await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
                seen_by_the_client.append(len(sent))
            await send({"type": "http.response.body", "body": b""})

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        await DiscloseMiddleware(app, media=("image/*",))(scope, None, send)
        assert seen_by_the_client == [2, 3, 4]

    kind = content_type.encode()
    anyio.run(main)


def test_messages_of_other_kinds_are_passed_on(profile, png):
    hint = {"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]}
    debug = {"type": "http.response.debug", "info": {"template": "x"}}

    for body, kind in ((png, "image/png"), (PAGE, "text/html"), (b"{}", "application/json")):

        async def app(scope, receive, send, body=body, kind=kind):
            await send(hint)
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})
            await send(debug)
            await send({"type": "http.response.body", "body": body})

        messages = messages_of(DiscloseMiddleware(app, profile, media=("image/*",)))
        assert hint in messages
        assert debug in messages


def test_a_page_says_at_the_top_of_its_body_that_this_is_an_ai_system():
    headers = [(b"content-length", str(len(PAGE)).encode()), (b"etag", b'"abc"'), (b"digest", b"x")]
    answer = ask(DiscloseMiddleware(answering(PAGE, "text/html; charset=utf-8", headers=headers)))
    before, after = PAGE.split(b"<h1>")
    assert answer.body.startswith(before + b'<div id="disclose-notice" role="region" aria-label="AI notice"')
    assert answer.body.endswith(b"</div>" + LOADER + b"<h1>" + after)
    assert answer.body.count(SENTENCE) == 1
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.headers["etag"].startswith('"abc-aid')
    assert "digest" not in answer.headers
    assert answer.headers["ai-disclosure"] == "mode=ai-originated"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("de", "Sie interagieren mit einem KI-System."),
        ("de-AT", "Sie interagieren mit einem KI-System."),
        ("FR", "Vous interagissez avec un syst&#232;me d&#8217;IA."),
        ("it-IT", "Stai interagendo con un sistema di IA."),
        ("tlh", "You are interacting with an AI system."),
    ],
)
def test_the_notice_speaks_the_language_of_the_page_in_ascii(language, sentence):
    page = PAGE.replace(b'lang="en"', f"class='a > b' lang = {language}".encode())
    answer = ask(DiscloseMiddleware(answering(page, "text/html")))
    assert sentence.encode() in answer.body
    assert answer.body.isascii()


@pytest.mark.parametrize(
    ("page", "place"),
    [
        (b'<html><script>"<body>"</script><!-- <body> --><BODY\nonload="a > b">|<p>', "|"),
        (b"<!DOCTYPE html><title>No <body> tag</title>\n|<p>Minified", "|"),
        (b"\xef\xbb\xbf<!doctype html><html><head><meta charset=utf-8></head>\n|Text", "|"),
        (b"<!doctype html><title>Built by a script</title><script src=app.js></script>|", "|"),
        (b"<html><noscript><p>no</p></noscript><template><body></template><body>|", "|"),
        (b"<html><template><template><body></template></template><title>x</title><body>|", "|"),
        (b"<html><script><!-- <script> </script> <body> --></script><script><!--></script><body>|", "|"),
        (b"<html><script><!-- <script> --></script><script><!--> <script></script><body>|<script></script>", "|"),
        (b"<!doctype html><!--><body>|x --> y", "|"),
        (b"<!doctype html><!-- a --!><body>|x", "|"),
        (b"<!doctype html><body class=it's data-a=\"'>\">|<p class='b'>", "|"),
        (b"<!doctype html><meta content=it's><body lang=en data-a=a=\">|<p>", "|"),
        (b"<html><style>" + b"x" * (200 * 1024) + b"</style><body>|", "|"),
    ],
)
def test_the_body_is_found_as_a_browser_finds_it(page, place):
    before, after = page.split(place.encode())
    page = before + after
    answer = ask(DiscloseMiddleware(answering(page, "text/html")))
    assert answer.body.startswith(before + b'<div id="disclose-notice"')
    assert answer.body.endswith(b"</p></div>" + LOADER + after)
    pieces = [page[at : at + 1] for at in range(len(page))] if len(page) < 1000 else [page]
    assert ask(DiscloseMiddleware(answering(chunks=pieces, content_type="text/html"))).body == answer.body


@pytest.mark.parametrize(
    "page",
    [
        b"<li>one more message</li>",
        b"just text",
        b"",
        b"<title>t</title><p>a fragment",
        b"<!doctype html><html><frameset cols=*></frameset>",
        b"<!doctype html><!--" + b"x" * asgi_html.SCAN_LIMIT + b"--><body><p>",
        PAGE.decode().encode("utf-16"),
        b"<!doctype html><script>",
    ],
    ids=["fragment", "text", "empty", "title", "frames", "beyond-the-limit", "utf-16", "open-script"],
)
def test_what_has_no_beginning_of_a_body_passes_untouched(page, caplog):
    headers = [(b"content-length", str(len(page)).encode()), (b"etag", b'"abc"')]
    app = DiscloseMiddleware(answering(page, "text/html", headers=headers))
    answers = [ask(app), ask(app)]
    assert [answer.body for answer in answers] == [page, page]
    assert answers[0].headers["etag"] == '"abc"'
    assert caplog.text.count("said once") == 1


@pytest.mark.parametrize("start", [b"", b"<html ", b"<script>"], ids=["tag", "attributes", "script"])
@pytest.mark.parametrize("filler", [b"x", b"<", b"'", b"\"'", b"</script", b"<!--", b"<a ", b" lang"])
def test_a_page_without_an_end_costs_its_length_once(start, filler):
    page = b"<!doctype html>" + start + b"<x" + filler * (asgi_html.SCAN_LIMIT // len(filler))
    before = time.process_time()
    ask(DiscloseMiddleware(answering(page, "text/html")))
    assert time.process_time() - before < 1


def test_a_page_that_arrives_byte_by_byte_is_read_once():
    page = b"<!doctype html><script>" + b"x<" * 32 * 1024
    start = asgi_html.PageStart()
    before, arrived = time.process_time(), bytearray()
    for byte in page:
        arrived.append(byte)
        start.read(arrived, complete=False)
    assert time.process_time() - before < 2


def test_a_page_passes_on_as_soon_as_its_body_has_begun():
    chunks = [b"<!doctype html><ht", b"ml><bo", b"dy>", b"<p>one", b"<p>two"]
    answer = ask(DiscloseMiddleware(answering(chunks=chunks, content_type="text/html")))
    assert len(answer.chunks) == 3
    assert answer.chunks[1:] == [b"<p>one", b"<p>two"]


def test_a_streamed_fragment_is_not_held_back():
    chunks = [b"<p>one", b"<p>two", b"<p>three"]
    assert ask(DiscloseMiddleware(answering(chunks=chunks, content_type="text/html"))).chunks == chunks


@pytest.mark.parametrize(
    ("policy", "opening"),
    [
        ("script-src 'self'", b"<style>"),
        ("style-src 'self' 'unsafe-inline'", b"<style>"),
        ("default-src 'self'; style-src 'nonce-r4nd0m=='", b'<style nonce="r4nd0m==">'),
        ("default-src 'nonce-abc' 'unsafe-inline'", b'<style nonce="abc">'),
        ("style-src 'none'; style-src-elem 'nonce-abc'", b'<style nonce="abc">'),
        ("default-src 'self'", None),
        ("style-src 'unsafe-inline' 'sha256-xyz='", None),
        ("style-src 'nonce-abc', style-src 'self'", None),
        ("style-src 'nonce-abc\"><script>'", None),
    ],
)
def test_the_notice_is_styled_only_where_the_policy_allows(policy, opening):
    headers = [(b"content-security-policy", policy.encode())]
    body = ask(DiscloseMiddleware(answering(PAGE, "text/html", headers=headers))).body
    assert SENTENCE in body
    assert re.findall(rb"<style[^>]*>", body) == ([opening] if opening else [])


def test_a_policy_inside_the_page_leaves_the_notice_plain():
    page = PAGE.replace(b"<title>", b"<meta http-equiv=Content-Security-Policy content=\"default-src 'self'\"><title>")
    body = ask(DiscloseMiddleware(answering(page, "text/html"))).body
    assert SENTENCE in body
    assert b"<style" not in body


@pytest.mark.parametrize(
    "app",
    [
        answering(PAGE, "text/html", 404),
        answering(PAGE, "text/html", 206),
        answering(PAGE, "application/json"),
        answering(PAGE, "text/html", headers=[(b"content-encoding", b"br")]),
        answering(PAGE, "text/html", headers=[(b"content-disposition", b"attachment; filename=a.html")]),
    ],
    ids=["error", "part", "json", "compressed", "download"],
)
def test_other_responses_carry_no_notice(app):
    assert ask(DiscloseMiddleware(app)).body == PAGE


REASON = "Only our own back office calls this system, and no person reads it."


def test_the_notice_can_be_left_out_for_a_reason_in_writing(caplog):
    answer = ask(DiscloseMiddleware(answering(PAGE, "text/html"), notice=False, m2m=REASON))
    assert REASON in caplog.text
    assert answer.body == PAGE
    assert answer.headers["ai-disclosure"] == "mode=ai-originated"


def test_two_middlewares_show_one_notice():
    async def page(request):
        return HTMLResponse(PAGE)

    inner = DiscloseMiddleware(Starlette(routes=[Route("/page", page)]))
    app = DiscloseMiddleware(Starlette(routes=[Mount("/inner", inner)]))
    answer = ask(app, "/inner/page")
    assert answer.body.count(SENTENCE) == 1
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert [name for name, _ in answer.raw_headers].count("ai-disclosure") == 1


def test_head_of_a_page_promises_no_length():
    app = DiscloseMiddleware(answering(b"", "text/html", headers=[(b"content-length", b"9"), (b"etag", b'"a"')]))
    assert not {"content-length", "etag"} & set(ask(app, method="HEAD").headers)


def test_compression_outside_leaves_the_notice_in():
    import gzip

    async def page(request):
        return HTMLResponse(PAGE + b" " * 1000)

    app = Starlette(routes=[Route("/", page)])
    app.add_middleware(DiscloseMiddleware)
    app.add_middleware(GZipMiddleware)
    answer = ask(app, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert SENTENCE in gzip.decompress(answer.body)


def test_a_whole_studio_discloses_in_headers_pages_and_pictures(profile, png):
    async def home(request):
        return HTMLResponse(PAGE)

    async def draw(request):
        return Response(png, media_type="image/png")

    async def status(request):
        return JSONResponse({"ok": True})

    app = Starlette(routes=[Route("/", home), Route("/draw", draw, methods=["POST"]), Route("/status", status)])
    app.add_middleware(DiscloseMiddleware, profile=profile, media=("image/*",), system="Acme Studio")
    assert SENTENCE in ask(app).body
    assert ask(app, "/status").body == b'{"ok":true}'
    drawn = ask(app, "/draw", method="POST", headers={"Range": "bytes=0-1"})
    assert drawn.status == 200
    assert outcome_of(profile, drawn.body) is Outcome.DISCLOSED


pieces = some.sampled_from(
    [
        b"<!doctype html>",
        b'<html lang="de">',
        b"<head>",
        b"</head>",
        b"<title>a<b</title>",
        b"<!-- <body> -->",
        b"<meta http-equiv='Content-Security-Policy' content='x > y'>",
        b"<script>if (a<b) '</script >'</SCRIPT>",
        b"<script><!--",
        b"<script>",
        b"</script>",
        b"<template>",
        b"</template>",
        b"-->",
        b"--!>",
        b"<body a=b'>",
        b"<body>",
        b"<Body data-a='>' >",
        b"<bodyguard>",
        b"<p>",
        b" \n",
        b"text",
        b"<",
        b"</",
        b"\xef\xbb\xbf",
        b"<!-",
        b"'\"",
        b"x" * 100,
    ]
)


@settings(deadline=None, max_examples=150)
@given(some.lists(pieces, max_size=9).map(b"".join), some.lists(some.integers(0, 300), max_size=12))
def test_how_a_page_is_cut_into_chunks_does_not_change_it(page, cuts):
    ends = sorted({min(cut, len(page)) for cut in cuts} | {len(page)})
    chunks = [page[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    headers = [(b"content-length", str(len(page)).encode())]
    with pytest.MonkeyPatch.context() as patch:
        # So near that many of these pages reach beyond it.
        patch.setattr(asgi_html, "SCAN_LIMIT", 128)
        whole = ask(DiscloseMiddleware(answering(page, "text/html", headers=headers)))
        cut = ask(DiscloseMiddleware(answering(chunks=chunks, content_type="text/html", headers=headers)))
    assert hashlib.sha256(cut.body).digest() == hashlib.sha256(whole.body).digest()
    assert cut.raw_headers == whole.raw_headers
    assert int(whole.headers["content-length"]) == len(whole.body)
