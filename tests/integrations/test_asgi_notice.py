"""The notice of a page: its language, the reason to leave it out, and the proof that somebody saw it."""

import gc
import json
import logging
import re
import threading
import time
import weakref
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
import uvicorn
from asgi_messages import LOADER, PAGE, SENTENCE, answering, ask, picture
from browsers import running_browser
from hypothesis import given
from hypothesis import strategies as some
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from system_parts import need

from disclose import Profile
from disclose.about import WELL_KNOWN
from disclose.errors import ProfileError
from disclose.integrations.asgi import DiscloseMiddleware
from disclose.integrations.asgi_headers import languages_of
from disclose.integrations.asgi_proof import COOKIE
from disclose.ledger.notices import State

GERMAN = b"Sie interagieren mit einem KI-System."
REASON = "Only our own back office calls this system, and no person reads it."
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def profile(tmp_path):
    return Profile(folder=tmp_path / "home", statement={"system": "Test Studio"})


def page(profile=None, headers=(), content=PAGE, **settings):
    return DiscloseMiddleware(answering(content, "text/html", headers=headers), profile, **settings)


def post(app, name, said, cookie="", **headers):
    content = [said if isinstance(said, bytes) else json.dumps(said).encode()]
    sent = {**JSON, **({"Cookie": cookie} if cookie else {}), **headers}
    return ask(app, f"{WELL_KNOWN}/{name}", method="POST", headers=sent, content=content)


def events(profile, session):
    return [event.state for event in profile.notices().history(session)]


def session_of(answer):
    return re.fullmatch(rf"{COOKIE}=([0-9a-f]{{32}}); Path=/; HttpOnly; SameSite=Lax", answer.headers["set-cookie"])[1]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", GERMAN),
        ("tlh, en;q=0.1, de;q=0.8", GERMAN),
        ("tlh", SENTENCE),
        ("de;q=0, *;q=0.5", SENTENCE),
        ("", SENTENCE),
        ("\x00;;,,=;q=x, " + "de-" * 50, SENTENCE),
    ],
)
def test_the_notice_speaks_the_language_that_the_reader_asks_for(wanted, sentence):
    answer = ask(page(), headers={"Accept-Language": wanted})
    assert sentence in answer.body
    assert answer.headers["vary"] == "accept-language"


def test_who_asks_for_no_language_reads_that_of_the_page():
    answer = ask(page(content=PAGE.replace(b'lang="en"', b'lang="de"')))
    assert GERMAN in answer.body


def test_caches_are_told_what_the_page_depends_on_beside_what_they_know():
    answer = ask(page(headers=[(b"vary", b"Cookie")]))
    assert [value for name, value in answer.raw_headers if name == "vary"] == ["Cookie", "accept-language"]
    assert ask(page(headers=[(b"vary", b"*")])).headers["vary"] == "*"
    assert "vary" not in ask(page(content=b"a fragment")).headers


def test_a_page_that_the_reader_has_is_not_modified_until_the_reader_wants_another_language():
    async def app(scope, receive, send):
        known = dict(scope["headers"]).get(b"if-none-match") == b'"a"'
        start = {"type": "http.response.start", "status": 304 if known else 200}
        await send({**start, "headers": [(b"content-type", b"text/html"), (b"etag", b'"a"')]})
        await send({"type": "http.response.body", "body": b"" if known else PAGE})

    site = DiscloseMiddleware(app)
    for language in ("de", "zh-TW", ""):
        tag = ask(site, headers={"Accept-Language": language}).headers["etag"]
        again = ask(site, headers={"Accept-Language": language, "If-None-Match": tag})
        assert (again.status, again.headers["etag"]) == (304, tag)
        other = ask(site, headers={"Accept-Language": "fr", "If-None-Match": tag})
        assert other.status == 200
        assert other.headers["etag"] != tag


@given(some.binary(max_size=60) | some.text("adefnrq=-;,.*01 ", max_size=60).map(str.encode))
def test_whatever_a_client_says_of_its_language_only_languages_are_read(wanted):
    tags = languages_of({"headers": [(b"accept-language", wanted)]})
    assert all(re.fullmatch(r"[A-Za-z0-9-]+", tag) for tag in tags)


@pytest.mark.parametrize("claim", [{}, {"m2m": ""}, {"obvious": "it is"}, {"m2m": REASON, "obvious": REASON}])
def test_no_notice_without_one_reason_in_writing(claim):
    with pytest.raises(ProfileError, match="reason"):
        page(notice=False, **claim)


def test_a_notice_and_a_reason_against_it_contradict_each_other():
    with pytest.raises(ProfileError, match="contradicts m2m"):
        page(notice=True, m2m=REASON)


def test_the_reason_is_logged_and_published(caplog):
    with caplog.at_level(logging.WARNING, "disclose"):
        app = page(m2m=REASON)
    assert REASON in caplog.text
    assert ask(app).body == PAGE
    assert json.loads(ask(app, WELL_KNOWN).body)["no_notice"] == {"kind": "m2m", "reason": REASON}
    assert REASON.encode() in ask(app, WELL_KNOWN, headers={"Accept": "text/html"}).body
    assert "no_notice" not in json.loads(ask(page(), WELL_KNOWN).body)


@pytest.mark.parametrize(
    ("policy", "loader"),
    [
        ("", LOADER),
        ("default-src 'self'", LOADER),
        ("script-src https: 'unsafe-inline'", None),
        ("script-src 'nonce-abc' 'strict-dynamic'", LOADER.replace(b"></", b' nonce="abc"></')),
        ("script-src 'self' 'strict-dynamic' 'sha256-xyz='", None),
        ("script-src 'self'; connect-src 'none'", None),
        ("script-src 'self'; default-src 'none'", None),
        ("script-src 'none'", None),
        ("default-src 'self', script-src 'nonce-abc'", LOADER.replace(b"></", b' nonce="abc"></')),
        ("script-src 'nonce-abc', script-src 'nonce-def'", None),
        ("sandbox allow-scripts", None),
        ("sandbox allow-scripts allow-same-origin", LOADER),
    ],
)
def test_the_script_is_loaded_only_where_the_policy_allows_it_and_what_it_does(policy, loader):
    body = ask(page(headers=[(b"content-security-policy", policy.encode())])).body
    assert SENTENCE in body
    assert re.findall(rb"<script.*?</script>", body) == ([loader] if loader else [])


def test_a_page_is_the_same_for_all_its_readers_so_that_caches_may_keep_it(profile):
    app = page(profile, headers=[(b"cache-control", b"public, max-age=60"), (b"etag", b'"a"')])
    first, second = ask(app), ask(app, headers={"Cookie": f"{COOKIE}={'0' * 32}"})
    assert first.raw_headers == second.raw_headers
    assert first.body == second.body
    assert "set-cookie" not in first.headers
    assert not profile.folder.exists()


def test_what_was_sent_seen_and_acknowledged_is_on_record(profile):
    app = page(profile)
    answer = post(app, "notice", {"language": "de"})
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    session, sent = session_of(answer), json.loads(answer.body)
    assert set(sent) == {"id", "nonce"}
    assert events(profile, session) == [State.SENT]
    assert profile.notices().history(session)[0].details["language"] == "de"
    assert post(app, "proof", {**sent, "state": "shown"}).status == 204
    assert events(profile, session) == [State.SENT, State.SHOWN]
    assert post(app, "proof", {**sent, "state": "acknowledged"}).status == 204
    assert events(profile, session) == [State.SENT, State.SHOWN, State.ACKNOWLEDGED]


def test_a_notice_is_sent_again_until_it_was_seen_and_not_after(profile):
    app = page(profile)
    first = post(app, "notice", {})
    cookie = f"theirs=1; {COOKIE}={session_of(first)}"
    second = post(app, "notice", {}, cookie)
    assert second.status == 200
    assert "set-cookie" not in second.headers
    post(app, "proof", {**json.loads(second.body), "state": "shown"}, cookie)
    third = post(app, "notice", {}, cookie)
    assert (third.status, third.body) == (204, b"")
    assert "content-length" not in third.headers
    assert post(app, "notice", {}).status == 200


def test_a_false_claim_is_refused_and_nothing_is_on_record(profile):
    app = page(profile)
    answer = post(app, "notice", {})
    sent, session = json.loads(answer.body), session_of(answer)
    other = json.loads(post(app, "notice", {}).body)
    for claim in ({**sent, "nonce": other["nonce"]}, {**sent, "nonce": ""}, {"id": "0" * 32, "nonce": sent["nonce"]}):
        assert post(app, "proof", {**claim, "state": "shown"}).status == 403
    assert events(profile, session) == [State.SENT]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'"shown"', 400),
        (b"\xff", 400),
        (b"[" * 1000, 400),
        (b'{"id": 1, "nonce": "", "state": "shown"}', 400),
        (b'{"id": "", "nonce": "", "state": "exempt"}', 400),
        (b'{"id": "", "nonce": "", "state": "shown", "more": ""}', 400),
        (b'{"id": "\\ud800", "nonce": "\\ud800", "state": "shown"}', 403),
        (b" " * 1025, 413),
    ],
)
def test_senseless_proofs_are_refused(profile, said, status):
    assert post(page(profile), "proof", said).status == status


def test_a_body_that_never_ends_is_cut_off(profile):
    app, pieces = page(profile), [b"x" * 100] * 1000
    answer = ask(app, f"{WELL_KNOWN}/proof", method="POST", headers=JSON, content=pieces)
    assert answer.status == 413


def test_a_request_that_is_answered_is_not_kept(profile):
    app, answered = page(profile), []

    async def served(scope, receive, send):
        answered.append(weakref.ref(receive))
        await app(scope, receive, send)

    assert post(served, "notice", {}).status == 200
    gc.collect()
    assert answered[0]() is None


def test_other_sites_and_other_methods_cannot_ask(profile):
    app = page(profile)
    assert post(app, "notice", {}, **{"Content-Type": "text/plain"}).status == 415
    asked = ask(app, f"{WELL_KNOWN}/notice")
    assert (asked.status, asked.headers["allow"]) == (405, "POST")
    script = ask(app, f"{WELL_KNOWN}/notice.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert ask(app, f"{WELL_KNOWN}/notice.js", method="POST").status == 405
    assert ask(app, f"{WELL_KNOWN}/else").body.startswith(b"<!doctype html>")
    assert not profile.folder.exists()


def test_more_requests_than_anybody_makes_are_refused_for_a_while(profile):
    app = page(profile)
    app.announcement._allowance._burst = app.announcement._allowance._left = 3.0
    app.announcement._allowance._rate = 0.0
    answers = [post(app, "proof", {"id": "a", "nonce": "b", "state": "shown"}) for _ in range(5)]
    assert [answer.status for answer in answers] == [403, 403, 403, 429, 429]
    assert answers[-1].headers["retry-after"] == "1"


def test_a_ledger_that_cannot_be_written_claims_nothing_and_the_page_still_says_it(unwritable):
    app = page(Profile(folder=unwritable), headers=[(b"content-security-policy", b"script-src 'none'")])
    assert post(app, "notice", {}).status == 503
    assert SENTENCE in ask(app).body


def test_a_page_without_a_script_is_on_record_as_sent_and_no_more(profile):
    strict = [(b"content-security-policy", b"script-src 'none'"), (b"cache-control", b"private")]
    answer = ask(page(profile, headers=strict))
    assert b"<script" not in answer.body
    assert events(profile, session_of(answer)) == [State.SENT]


def test_a_page_without_a_script_that_others_may_keep_gets_no_cookie(profile):
    answer = ask(page(profile, headers=[(b"content-security-policy", b"script-src 'none'")]))
    assert "set-cookie" not in answer.headers
    assert (profile.folder / "ledger.sqlite").exists()


def test_what_leaves_in_a_session_is_linked_to_it_once(profile):
    drawn = picture()

    async def draw(request):
        return Response(drawn, media_type="image/png")

    async def answer(request):
        from base64 import b64encode

        return Response(json.dumps({"b64_json": b64encode(drawn).decode()}), media_type="application/json")

    inner = Starlette(routes=[Route("/draw", draw), Route("/api", answer)])
    app = DiscloseMiddleware(inner, profile, media=("image/*", "application/json"))
    begun = post(app, "notice", {})
    cookie = {"Cookie": f"{COOKIE}={session_of(begun)}"}
    for path in ("/draw", "/draw", "/api"):
        assert ask(app, path, headers=cookie).status == 200
    assert events(profile, session_of(begun)) == [State.SENT, State.OUTPUT]
    assert [event.state for event in profile.notices().outputs_before_notice()] == [State.OUTPUT]
    assert ask(app, "/draw").status == 200
    assert len(profile.notices().outputs_before_notice()) == 1


def test_below_a_prefix_the_script_and_its_addresses_lie_below_it_too(profile):
    async def home(request):
        return HTMLResponse(PAGE)

    inner = DiscloseMiddleware(Starlette(routes=[Route("/", home)]), profile)
    app = Starlette(routes=[Mount("/studio", inner)])
    address = re.search(rb'<script src="([^"]+)"', ask(app, "/studio/").body)[1].decode()
    assert address == f"/studio{WELL_KNOWN}/notice.js"
    assert ask(app, address).status == 200


@pytest.mark.parametrize("asked", [{}, {"If-None-Match": '"a"'}], ids=["at first", "again"])
def test_a_page_of_an_application_that_is_mounted_inside_loads_the_script_from_where_we_are(profile, asked):
    async def home(request):
        return HTMLResponse(PAGE)

    app = DiscloseMiddleware(Starlette(routes=[Mount("/studio", Starlette(routes=[Route("/", home)]))]), profile)
    assert LOADER in ask(app, "/studio/", headers=asked).body


@contextmanager
def serving(app):
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser():
    with running_browser() as running:
        yield running


def states(profile, tab):
    """Return what is on record of the session of the browser's *tab*."""
    known = [cookie["value"] for cookie in tab.context.cookies() if cookie["name"] == COOKIE]
    return [str(state) for state in events(profile, known[0])] if known else []


def soon(profile, tab, expected):
    until = time.monotonic() + 10
    while (found := states(profile, tab)) != expected and time.monotonic() < until:
        tab.wait_for_timeout(50)
    return found


def test_a_browser_proves_that_the_notice_was_in_view_and_that_its_reader_acknowledged_it(profile, browser):
    strict = (b"content-security-policy", b"default-src 'self'")
    with serving(page(profile, headers=[strict])) as address:
        tab = browser.new_page(locale="de-DE")
        problems = []
        tab.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        tab.goto(address)
        assert soon(profile, tab, ["sent", "shown"]) == ["sent", "shown"]
        tab.click("#disclose-notice button")
        assert soon(profile, tab, ["sent", "shown", "acknowledged"]) == ["sent", "shown", "acknowledged"]
        tab.goto(address)
        tab.wait_for_load_state("networkidle")
        assert tab.locator("#disclose-notice").inner_text() == GERMAN.decode()
        assert states(profile, tab) == ["sent", "shown", "acknowledged"]
        assert not [text for text in problems if "favicon" not in text and "404" not in text]
        tab.close()


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ar", 320), ("de", 320)])
def test_the_notice_is_in_view_at_once_and_accessible_at_any_width(profile, browser, language, width):
    need(find_spec("axe_playwright_python") is not None, "pip install axe-playwright-python")
    axe = Path(find_spec("axe_playwright_python").origin).with_name("axe.min.js").read_text("utf-8")
    with serving(page(profile)) as address:
        tab = browser.new_page(locale=language, viewport={"width": width, "height": 400})
        tab.goto(address)
        tab.wait_for_selector("#disclose-notice button")
        box = tab.locator("#disclose-notice").bounding_box()
        assert min(box["x"], box["y"]) >= 0
        assert box["x"] + box["width"] <= width
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        tab.evaluate(axe)
        found = tab.evaluate("axe.run('#disclose-notice')")
        assert found["passes"]
        assert [one["id"] for one in found["violations"]] == []
        tab.close()


@pytest.mark.parametrize("hiding", ["display: none", "opacity: 0", "position: absolute; top: -999px"])
def test_a_notice_that_the_page_hides_is_never_on_record_as_shown(profile, browser, hiding):
    style = "".join(f"{one.strip()} !important;" for one in hiding.split(";"))
    content = PAGE.replace(b"<title>", f"<style>#disclose-notice {{ {style} }}</style><title>".encode())
    with serving(page(profile, content=content)) as address:
        tab = browser.new_page()
        tab.goto(address)
        assert soon(profile, tab, ["sent"]) == ["sent"]
        tab.wait_for_timeout(300)
        assert states(profile, tab) == ["sent"]
        tab.close()
