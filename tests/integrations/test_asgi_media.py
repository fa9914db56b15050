"""Media beyond pictures: sounds, films and documents, manifests beside them, sizes, tags and other origins."""

import hashlib
import json
import re
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest
from asgi_messages import answering, ask, messages_of, picture
from fastapi import FastAPI
from media_files import small_file
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

import disclose
from disclose import Asset, Outcome, Profile
from disclose.about import WELL_KNOWN
from disclose.errors import ProfileError
from disclose.integrations import asgi_body, asgi_media
from disclose.integrations.asgi import DiscloseMiddleware

OGG = b"OggS\x00\x02" + bytes(58)
MATROSKA = b"\x1aE\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm" + bytes(64)


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return Profile(folder=tmp_path_factory.mktemp("profile"), statement={"system": "Test Studio"})


@pytest.fixture(scope="module")
def png():
    return picture()


def outcome_of(profile, data, sidecar=None):
    return profile.verifier().verify(Asset.from_data(data, sidecar=sidecar)).outcome


@pytest.mark.parametrize("kind", ["audio/mpeg", "audio/wav", "audio/flac", "video/mp4", "application/pdf"])
def test_sounds_films_and_documents_leave_signed(profile, kind):
    app = DiscloseMiddleware(answering(small_file(kind), kind), profile, media=("image/*", "audio/*", "video/*", kind))
    answer = ask(app)
    assert (answer.status, answer.headers.get("link")) == (200, None)
    assert outcome_of(profile, answer.body) is Outcome.DISCLOSED
    part = ask(app, headers={"Range": "bytes=-7"})
    assert (part.status, part.body) == (206, answer.body[-7:])


@pytest.mark.parametrize(("data", "kind"), [(OGG, "audio/ogg"), (MATROSKA, "video/webm")])
def test_what_holds_no_manifest_leads_to_one_beside_it(profile, data, kind):
    headers = [(b"link", b"</style.css>; rel=preload")]
    app = DiscloseMiddleware(answering(data, kind, headers=headers), profile, media=("audio/*", "video/*"))
    answer = ask(app)
    assert answer.body == data
    links = [value for name, value in answer.raw_headers if name == "link"]
    assert links[0] == "</style.css>; rel=preload"
    address = re.fullmatch(r'<([^>]+)>; rel="c2pa-manifest"', links[1])[1]
    found = ask(app, address)
    assert (found.status, found.headers["content-type"]) == (200, "application/c2pa")
    assert found.headers["access-control-allow-origin"] == "*"
    assert outcome_of(profile, data, found.body) is Outcome.DISCLOSED
    assert ask(app, headers={"Range": "bytes=0-3"}).headers["link"] == links[1]
    # Another process of the same deployment has it too.
    assert ask(DiscloseMiddleware(answering(), profile), address).body == found.body
    assert ask(app, address, method="HEAD").body == b""


@pytest.mark.parametrize("name", ["0" * 64 + ".c2pa", "../secret", "secret", "..%2fsecret", "", "a.c2pa"])
def test_other_names_lead_nowhere(tmp_path, name):
    (tmp_path / "manifests").mkdir()
    for place in (tmp_path, tmp_path / "manifests"):
        (place / "secret").write_bytes(b"a secret")
    app = DiscloseMiddleware(answering(b"mine", status=404), Profile(folder=tmp_path))
    answer = ask(app, f"{WELL_KNOWN}/manifests/{name}")
    assert (answer.status, b"secret" in answer.body) == (404, False)


def test_below_a_prefix_the_manifest_lies_below_it_too(profile):
    async def speak(request):
        return Response(OGG, media_type="audio/ogg")

    inner = DiscloseMiddleware(Starlette(routes=[Route("/speak", speak)]), profile, media=("audio/*",))
    app = Starlette(routes=[Mount("/studio", inner)])
    address = re.match("<([^>]+)>", ask(app, "/studio/speak").headers["link"])[1]
    assert address.startswith(f"/studio{WELL_KNOWN}/manifests/")
    assert ask(app, address).status == 200


def test_a_text_that_calls_itself_a_sound_is_withheld(profile):
    app = DiscloseMiddleware(answering(b"this is no sound", "audio/ogg"), profile, media=("audio/*",))
    assert ask(app).status == 500


@pytest.mark.parametrize(
    ("path", "kind", "status"), [("/a.mp4", "video/mp4", 206), ("/a", "video/mp4", 200), ("/a.mp4", "image/png", 500)]
)
def test_parts_of_what_is_not_marked_are_served_by_the_application(tmp_path, profile, png, path, kind, status):
    (tmp_path / "file").write_bytes(png)

    async def serve(request):
        return FileResponse(tmp_path / "file", media_type=kind)

    app = DiscloseMiddleware(Starlette(routes=[Route(path, serve)]), profile, media=("image/*",))
    answer = ask(app, path, headers={"Range": "bytes=5-9"})
    assert answer.status == status
    if status == 206:
        assert (answer.body, answer.headers["content-range"]) == (png[5:10], f"bytes 5-9/{len(png)}")


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_beyond_the_limit_passes_whole_where_that_is_allowed(profile, png, monkeypatch, caplog, declared):
    monkeypatch.setattr(asgi_body, "BODY_LIMIT", 5000)
    chunks = [png[start : start + 1000] for start in range(0, len(png), 1000)]
    headers = [(b"accept-ranges", b"bytes"), (b"etag", b'"a"')]
    headers += [(b"content-length", str(len(png)).encode())] if declared else []
    inner = answering(content_type="image/png", chunks=chunks, headers=headers)
    assert ask(DiscloseMiddleware(inner, profile, media=("image/*",))).status == 500
    app = DiscloseMiddleware(inner, profile, media=("image/*",), oversize="pass")
    answer = ask(app, headers={"Range": "bytes=0-1"})
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, png, '"a"')
    assert answer.headers["disclose-unmarked"] == "oversize"
    assert answer.headers["ai-disclosure"] == "mode=ai-originated"
    assert "accept-ranges" not in answer.headers
    assert len(answer.chunks) == len(chunks)
    assert "on unmarked" in caplog.text


def test_a_body_of_the_limit_itself_is_marked(profile, png, monkeypatch):
    monkeypatch.setattr(asgi_body, "BODY_LIMIT", len(png))
    app = DiscloseMiddleware(answering(png, "image/png"), profile, media=("image/*",), oversize="pass")
    assert outcome_of(profile, ask(app).body) is Outcome.DISCLOSED


def test_there_are_two_ways_with_what_is_too_large():
    with pytest.raises(ProfileError, match="'refuse' nor 'pass'"):
        DiscloseMiddleware(answering(), oversize="stream")


def test_all_who_ask_at_once_get_the_parts_of_one_marking(tmp_path, png):
    profile = Profile(folder=tmp_path)
    app = DiscloseMiddleware(answering(png, "image/png"), profile, media=("image/*",))
    with ThreadPoolExecutor(4) as pool:
        bodies = list(pool.map(lambda _: ask(app).body, range(4)))
    assert len({hashlib.sha256(body).digest() for body in bodies}) == 1


@pytest.mark.parametrize("own", ["", "X-Request-Id", "x-request-id, AI-Disclosure"])
def test_scripts_of_other_origins_may_read_the_header(own):
    headers = [(b"access-control-expose-headers", own.encode())] if own else []
    answer = ask(DiscloseMiddleware(answering(headers=headers)), headers={"Origin": "https://other.example"})
    exposed = [value for name, value in answer.raw_headers if name == "access-control-expose-headers"]
    assert exposed == ([own] if "AI" in own else [*([own] if own else []), "ai-disclosure"])
    if not own:
        assert "access-control-expose-headers" not in ask(DiscloseMiddleware(answering())).headers


def test_a_cors_middleware_inside_keeps_what_it_exposes():
    async def home(request):
        return PlainTextResponse("hello")

    inner = CORSMiddleware(Starlette(routes=[Route("/", home)]), allow_origins=["*"], expose_headers=["X-Own"])
    answer = ask(DiscloseMiddleware(inner), headers={"Origin": "https://other.example"})
    listed = [value for name, value in answer.raw_headers if name == "access-control-expose-headers"]
    assert ", ".join(listed) == "X-Own, ai-disclosure"


class TestTag:
    """A marked function says by itself that its response is to be marked: no ``media`` and no ``routes``."""

    drawn: ClassVar[list[bytes]] = []

    def app(self, profile, tmp_path, png, **settings):
        path = tmp_path / "cat.png"
        path.write_bytes(png)
        api, drawn = FastAPI(), self.drawn

        @disclose.marked(profile, system="Tagged")
        async def draw():
            return png

        @api.get("/bytes")
        async def as_bytes():
            drawn.append(await draw())
            return Response(drawn[-1], media_type="image/png")

        @api.get("/response")
        @disclose.marked(profile, system="Tagged")
        def as_response():
            return Response(png, media_type="image/png")

        @api.get("/altered")
        @disclose.marked(profile, action="altered")
        def as_altered():
            return Response(png, media_type="image/png")

        @api.get("/file")
        @disclose.marked(profile, system="Tagged")
        async def as_file():
            return FileResponse(path)

        @api.get("/json")
        @disclose.marked(profile, system="Tagged")
        async def as_json():
            from base64 import b64encode

            return JSONResponse({"b64_json": b64encode(png).decode()})

        @api.get("/redirect")
        @disclose.marked(profile, system="Tagged")
        async def as_redirect():
            return RedirectResponse("/bytes")

        @api.get("/broken")
        @disclose.marked(profile, system="Tagged")
        async def as_broken():
            return Response(b"nothing", media_type="image/png")

        @api.get("/untagged")
        async def untagged():
            return FileResponse(path)

        return DiscloseMiddleware(api, profile, **settings)

    def test_its_bytes_leave_as_the_decorator_made_them(self, profile, tmp_path, png):
        for settings in ({}, {"media": ("image/*",)}):
            body = ask(self.app(profile, tmp_path, png, **settings), "/bytes").body
            assert body == self.drawn[-1]
            assert outcome_of(profile, body) is Outcome.DISCLOSED

    @pytest.mark.parametrize("path", ["/response", "/file"])
    def test_its_response_is_marked_by_the_middleware_around(self, profile, tmp_path, png, path):
        app = self.app(profile, tmp_path, png)
        answer = ask(app, path, extensions={"http.response.pathsend": {}})
        assert outcome_of(profile, answer.body) is Outcome.DISCLOSED
        assert profile.verifier().verify(Asset.open(answer.body)).disclosure.system == "Tagged"
        part = ask(app, path, headers={"Range": "bytes=3-9"})
        assert (part.status, part.body) == (206, answer.body[3:10])

    def test_pictures_in_its_json_are_marked(self, profile, tmp_path, png):
        data = json.loads(ask(self.app(profile, tmp_path, png), "/json").body)["b64_json"]
        assert outcome_of(profile, b64decode(data)) is Outcome.DISCLOSED

    def test_what_cannot_be_marked_is_withheld_and_redirects_go_on(self, profile, tmp_path, png):
        app = self.app(profile, tmp_path, png)
        assert ask(app, "/broken").status == 500
        assert ask(app, "/redirect").status == 307

    def test_functions_that_are_not_tagged_stay_as_they_are(self, profile, tmp_path, png):
        app = self.app(profile, tmp_path, png)
        assert ask(app, "/untagged").body == png
        assert ask(app, "/untagged", headers={"Range": "bytes=0-4"}).body == png[:5]

    def test_it_is_concerned_whatever_routes_are_named(self, profile, tmp_path, png):
        app = self.app(profile, tmp_path, png, routes=("/other",))
        answer = ask(app, "/altered")
        assert outcome_of(profile, answer.body) is Outcome.DISCLOSED
        assert answer.headers["ai-disclosure"] == "mode=ai-modified"
        assert "ai-disclosure" not in ask(app, "/untagged").headers

    def test_without_a_middleware_a_response_is_refused(self, profile, png):
        with pytest.raises(disclose.DiscloseError):
            disclose.marked(profile)(lambda: Response(png))()


def test_a_second_start_of_a_response_is_an_error_of_the_application(profile, png):
    async def app(scope, receive, send):
        for _ in range(2):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"image/png")]})
        await send({"type": "http.response.body", "body": png})

    with pytest.raises(RuntimeError, match="twice"):
        messages_of(DiscloseMiddleware(app, profile, media=("image/*",)))


def test_of_what_was_marked_only_the_latest_is_remembered(profile, png, monkeypatch):
    """A body that was forgotten is marked anew, under an identifier of its own."""
    app = DiscloseMiddleware(answering(png, "image/png"), profile, media=("image/*",))
    first = ask(app).body
    assert ask(app).body == first
    monkeypatch.setattr(asgi_media, "_REMEMBERED", len(first) + 2048)
    other = picture("JPEG")
    app.app = answering(other, "image/jpeg")
    assert ask(app).body == ask(app).body
    app.app = answering(png, "image/png")
    again = ask(app).body
    assert again != first
    assert ask(app).body == again
    assert app.bodies._held <= asgi_media._REMEMBERED
