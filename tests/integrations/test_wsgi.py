"""The WSGI door: the decisions of the ASGI door, for applications as Flask and Django make them."""

import hashlib
import io
import json
import sys
import threading
import time
from contextlib import contextmanager
from wsgiref import simple_server, util
from wsgiref.validate import validator

import anyio
import flask
import httpx
import pytest
from pictures import encoded, photograph

import disclose
from disclose import Asset, Outcome, Profile
from disclose.errors import LedgerError, ProfileError
from disclose.integrations import asgi, endpoint
from disclose.integrations.wsgi import DiscloseMiddleware
from disclose.integrations.wsgi_environ import scope_of

PAGE = b'<!doctype html><html lang="en"><head><title>Chat</title></head><body><h1>Hi</h1></body></html>'
SENTENCE = b"You are interacting with an AI system."


class Answer:
    def __init__(self, status, headers, body, pieces):
        self.status = int(status[:3])
        self.line = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body
        self.pieces = pieces


def environment(path="/", method="GET", headers=None, body=b"", **more):
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "SCRIPT_NAME": "", "QUERY_STRING": "", **more}
    for name, value in (headers or {}).items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    if body:
        environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    util.setup_testing_defaults(environ)
    return environ


def ask(app, path="/", method="GET", headers=None, body=b"", **more):
    """Return what *app* answers to one request, held to PEP 3333 on the server's side."""
    started, written = [], io.BytesIO()

    def start_response(status, headers, exc_info=None):
        assert not started, "a response starts once"
        started.append((status, headers))
        return written.write

    content = validator(app)(environment(path, method, headers, body, **more), start_response)
    try:
        pieces = list(content)
    finally:
        content.close()
    ((status, given),) = started
    return Answer(status, given, written.getvalue() + b"".join(pieces), [piece for piece in pieces if piece])


def answering(*pieces, content_type="text/plain", status="200 OK", headers=()):
    """Return an application that answers with *pieces*, held to PEP 3333 itself."""

    def app(environ, start_response):
        start_response(status, [("Content-Type", content_type), *headers])
        return list(pieces)

    return validator(app)


def event(text, finish=None):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return b"data: " + json.dumps({"object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"


@contextmanager
def served(app):
    """Serve *app* with the server of the standard library and give its address."""

    class Quiet(simple_server.WSGIRequestHandler):
        def log_message(self, *_):
            pass

    with simple_server.make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return Profile(folder=tmp_path_factory.mktemp("profile"), statement={"system": "Studio"})


@pytest.fixture(scope="module")
def png():
    return encoded(photograph())


# --- any application ------------------------------------------------------------------------------------------


def test_every_success_carries_the_header_and_keeps_its_words():
    answer = ask(DiscloseMiddleware(answering(b"hello", status="201 Made With Care")))
    assert (answer.line, answer.body) == ("201 Made With Care", b"hello")
    assert answer.headers["ai-disclosure"] == "mode=ai-originated"
    assert "ai-disclosure" not in ask(DiscloseMiddleware(answering(status="404 Not Found"))).headers


def test_a_page_gets_its_notice_and_the_right_length():
    headers = [("Content-Length", str(len(PAGE))), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    answer = ask(DiscloseMiddleware(answering(PAGE[:50], PAGE[50:], content_type="text/html", headers=headers)))
    assert answer.body.count(SENTENCE) == 1
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_a_picture_leaves_marked_whole_and_in_ranges(profile, png):
    app = DiscloseMiddleware(answering(png[:999], png[999:], content_type="image/png"), profile, media=("image/*",))
    whole = ask(app)
    assert profile.verifier().verify(Asset.open(whole.body)).outcome is Outcome.DISCLOSED
    assert int(whole.headers["content-length"]) == len(whole.body)
    part = ask(app, headers={"Range": "bytes=5-9"})
    assert (part.line, part.body) == ("206 Partial Content", whole.body[5:10])
    assert ask(app, method="HEAD").body == b""


def test_a_picture_that_cannot_be_marked_is_withheld_and_the_application_stopped(profile):
    made = []

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "image/png"), ("Content-Length", str(1 << 40))])
        while True:
            made.append(True)
            yield b"no picture"

    answer = ask(DiscloseMiddleware(app, profile, media=("image/*",)))
    assert (answer.status, b"withheld" in answer.body) == (500, True)
    assert len(made) <= 2


def test_the_application_is_not_asked_for_parts_and_knows_its_own_tags(profile, png):
    asked = []

    def app(environ, start_response):
        asked.append(environ.get("HTTP_RANGE"))
        if environ.get("HTTP_IF_NONE_MATCH") == '"one"':
            start_response("304 Not Modified", [("ETag", '"one"')])
            return []
        start_response("200 OK", [("Content-Type", "image/png"), ("ETag", '"one"')])
        return [png]

    door = DiscloseMiddleware(app, profile, media=("image/*",))
    tag = ask(door, headers={"Range": "bytes=0-3"}).headers["etag"]
    again = ask(door, headers={"If-None-Match": tag})
    assert asked == [None, None]
    assert (again.status, again.headers["etag"], tag != '"one"') == (304, tag, True)


def test_an_environment_that_needs_no_change_is_handed_on_itself():
    seen = []

    def app(environ, start_response):
        seen.append(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return []

    given = environment(headers={"Cookie": "a=1", "X-Own": "ä".encode().decode("latin-1")})
    list(DiscloseMiddleware(app)(given, lambda *_: None))
    assert seen[0] is given


def test_one_request_leaves_nothing_behind_for_the_next_of_its_thread():
    endpoint.expect()
    seen = []

    def app(environ, start_response):
        seen.append(endpoint.current())
        start_response("200 OK", [("Content-Type", "text/plain")])
        return []

    ask(DiscloseMiddleware(app))
    assert seen != [None]
    assert endpoint.current() is None


def test_the_address_is_read_as_the_asgi_door_reads_it():
    scope = scope_of(environment("/b/ü".encode().decode("latin-1"), SCRIPT_NAME="/app", QUERY_STRING="q=1"))
    assert (scope["path"], scope["root_path"], scope["query_string"]) == ("/app/b/ü", "/app", b"q=1")
    door = DiscloseMiddleware(answering(b"x"), routes=("/draw",))
    assert "ai-disclosure" in ask(door, "/draw/cat", SCRIPT_NAME="/app").headers
    assert "ai-disclosure" not in ask(door, "/about").headers


def test_what_the_middleware_is_asked_itself_it_answers_itself(profile):
    def never(environ, start_response):
        raise AssertionError

    answer = ask(DiscloseMiddleware(never, profile), "/.well-known/ai-disclosure")
    assert json.loads(answer.body)["system"] == "Studio"


def test_settings_are_those_of_the_asgi_door():
    with pytest.raises(ProfileError):
        DiscloseMiddleware(answering(), media="image/*")


# --- streaming, closing, failing ------------------------------------------------------------------------------


def test_each_piece_leaves_before_the_next_is_made():
    made = []

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        for number in range(3):
            made.append(number)
            yield b"%d" % number

    content = DiscloseMiddleware(app)(environment(), lambda *_: None)
    for number in range(3):
        assert next(content) == b"%d" % number
        assert len(made) == number + 1
    content.close()


def test_a_chat_is_disclosed_in_its_events_and_put_on_record(profile):
    app = answering(event("Paris, "), event("I think."), event(None, "stop"), content_type="text/event-stream")
    answer = ask(DiscloseMiddleware(app, profile))
    assert len(answer.pieces) == 3
    assert b'"system":"Studio"' in answer.pieces[0]
    assert hashlib.sha256(b"Paris, I think.").hexdigest().encode() in answer.pieces[2]
    assert disclose.verify("Paris, I think.", profile).outcome is Outcome.INDICATED


def test_a_reader_who_goes_away_closes_the_application_and_leaves_a_record(profile):
    closed = []

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        try:
            yield event("Berlin, or")
            yield event(" not.")
        finally:
            closed.append(True)

    content = DiscloseMiddleware(app, profile)(environment(), lambda *_: None)
    next(content)
    content.close()
    assert closed == [True]
    assert profile.ledger().records(newest_first=True)[0].mark_of("text").details == {"complete": False}
    assert disclose.verify("Berlin, or", profile).outcome is Outcome.INDICATED


class Content(list):
    closed = 0

    def close(self):
        self.closed += 1


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "image/png"])
def test_the_content_of_the_application_is_closed_once(profile, content_type):
    content = Content([b"piece"])

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", content_type)])
        return content

    ask(DiscloseMiddleware(app, profile, media=("image/*",)))
    assert content.closed == 1


def test_an_application_that_fails_fails_as_it_did():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"one"
        raise ZeroDivisionError("fell over")

    def failing(environ, start_response):
        raise ZeroDivisionError("fell over")

    content = DiscloseMiddleware(app)(environment(), lambda *_: None)
    assert next(content) == b"one"
    with pytest.raises(ZeroDivisionError, match="fell over"):
        next(content)
    content.close()
    with pytest.raises(ZeroDivisionError, match="fell over"):
        DiscloseMiddleware(failing)(environment(), lambda *_: None)


def test_a_stream_that_cannot_be_put_on_record_stops(tmp_path):
    (tmp_path / "ledger.sqlite").mkdir()
    app = answering(event("No"), content_type="text/event-stream")
    with pytest.raises(LedgerError):
        ask(DiscloseMiddleware(app, Profile(folder=tmp_path)))


def test_an_error_page_may_take_the_place_of_what_was_begun_and_not_of_what_has_left():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        if environ["PATH_INFO"] == "/late":
            yield b"one"
        try:
            raise ZeroDivisionError("fell over")
        except ZeroDivisionError:
            start_response("500 Oh Dear", [("Content-Type", "text/plain")], sys.exc_info())
        yield b"sorry"

    answer = ask(DiscloseMiddleware(app))
    assert (answer.line, answer.body) == ("500 Oh Dear", b"sorry")
    with pytest.raises(ZeroDivisionError, match="fell over"):
        ask(DiscloseMiddleware(app), "/late")


def test_a_response_begins_once_and_begins_at_all():
    def twice(environ, start_response):
        start_response("200 OK", [])
        start_response("200 OK", [])

    with pytest.raises(AssertionError, match="twice"):
        DiscloseMiddleware(twice)(environment(), lambda *_: None)
    with pytest.raises(AssertionError, match="has not called start_response"):
        list(DiscloseMiddleware(lambda environ, start: [b"x"])(environment(), lambda *_: None))


def test_what_is_written_the_old_way_is_disclosed_too():
    def app(environ, start_response):
        write = start_response("200 OK", [("Content-Type", "text/html")])
        write(PAGE[:60])
        write(PAGE[60:])
        return []

    assert ask(DiscloseMiddleware(app)).body.count(SENTENCE) == 1


def test_a_file_that_is_nobodys_concern_is_left_to_the_server(tmp_path, profile, png):
    (tmp_path / "file.bin").write_bytes(b"\x00" * 70000)

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", environ["QUERY_STRING"])])
        return environ["wsgi.file_wrapper"]((tmp_path / "file.bin").open("rb"))

    door = DiscloseMiddleware(app, profile, media=("image/*",))
    asked = {"wsgi.file_wrapper": util.FileWrapper}
    content = door(environment(QUERY_STRING="application/zip", **asked), lambda *_: None)
    assert isinstance(content, util.FileWrapper)
    content.close()
    (tmp_path / "file.bin").write_bytes(png)
    begun = []
    content = door(environment(QUERY_STRING="image/png", **asked), lambda *given: begun.append(given))
    marked = b"".join(content)
    content.close()
    assert profile.verifier().verify(Asset.open(marked)).outcome is Outcome.DISCLOSED


def test_it_costs_a_request_little():
    plain, door = answering(b"hello"), DiscloseMiddleware(answering(b"hello"))

    def seconds(app):
        started = time.process_time()
        for _ in range(50):
            content = app(environment(), lambda *_: lambda _: None)
            list(content)
            content.close()
        return (time.process_time() - started) / 50

    seconds(door)
    assert min(seconds(door) for _ in range(3)) - seconds(plain) < 0.005


def test_both_doors_say_the_same():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": PAGE})

    sent = []

    async def send(message):
        sent.append(message)

    scope = scope_of(environment())
    settings = {"notice": False, "assistive": "It corrects spelling."}
    anyio.run(asgi.DiscloseMiddleware(app, **settings), scope, None, send)
    answer = ask(DiscloseMiddleware(answering(PAGE, content_type="text/html"), **settings))
    assert answer.body == sent[1]["body"]
    assert sorted(answer.headers.items()) == sorted((k.decode(), v.decode()) for k, v in sent[0]["headers"])


# --- Flask ----------------------------------------------------------------------------------------------------


def test_a_flask_application_over_a_real_server(profile, png, tmp_path):
    (tmp_path / "archive.bin").write_bytes(b"\x00" * 9999)
    app = flask.Flask(__name__)

    @app.get("/")
    def page():
        return PAGE.decode()

    @app.get("/cat.png")
    def cat():
        return flask.send_file(io.BytesIO(png), mimetype="image/png", etag="one", conditional=True)

    @app.get("/archive")
    def archive():
        return flask.send_file(tmp_path / "archive.bin", mimetype="application/octet-stream")

    @app.get("/marked.png")
    @disclose.marked(profile, system="Endpoint")
    def marked():
        return flask.send_file(io.BytesIO(png), mimetype="image/png")

    @app.get("/text")
    @disclose.marked(profile, system="Endpoint")
    def text():
        return "The answer of a view that returns a text. " * 3

    @app.get("/chat")
    def chat():
        pieces = (event("Rome."), event(None, "stop"))
        return flask.Response(flask.stream_with_context(iter(pieces)), mimetype="text/event-stream")

    app.wsgi_app = DiscloseMiddleware(app.wsgi_app, profile, media=("image/*",), routes=("/", "/*"))
    with served(app) as address, httpx.Client(base_url=address, trust_env=False) as client:
        assert client.get("/").content.count(SENTENCE) == 1
        whole = client.get("/cat.png")
        assert profile.verifier().verify(Asset.open(whole.content)).outcome is Outcome.DISCLOSED
        assert client.get("/cat.png", headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
        assert client.get("/cat.png", headers={"Range": "bytes=3-7"}).content == whole.content[3:8]
        assert client.get("/archive").content == b"\x00" * 9999
        verdict = profile.verifier().verify(Asset.open(client.get("/marked.png").content))
        assert verdict.disclosure.system == "Endpoint"
        assert disclose.verify(client.get("/text").text, profile).outcome is Outcome.DISCLOSED
        assert b'"complete":true' in client.get("/chat").content
        assert "ai-disclosure" not in client.get("/missing").headers


# --- Django ---------------------------------------------------------------------------------------------------


def page_of_django(request):
    from django.http import HttpResponse
    from django.utils.asyncio import async_unsafe

    return async_unsafe("no database from within an event loop")(HttpResponse)(PAGE)


def chat_of_django(request):
    from django.http import StreamingHttpResponse

    return StreamingHttpResponse(iter((event("Oslo."), event(None, "stop"))), content_type="text/event-stream")


@pytest.fixture
def django_application():
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.test import override_settings
    from django.urls import path

    if not settings.configured:
        settings.configure(SECRET_KEY="for these tests", ALLOWED_HOSTS=["*"])  # noqa: S106
    django.setup()
    sys.modules[__name__].urlpatterns = [path("", page_of_django), path("chat", chat_of_django)]
    with override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[]):
        yield get_wsgi_application()


def test_a_django_application_runs_outside_of_any_event_loop(profile, django_application):
    door = DiscloseMiddleware(django_application, profile)
    page = ask(door)
    assert (page.status, page.body.count(SENTENCE)) == (200, 1)
    answer = ask(door, "/chat")
    assert b'"complete":true' in answer.body
    assert disclose.verify("Oslo.", profile).outcome is Outcome.INDICATED
