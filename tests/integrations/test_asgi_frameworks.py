"""The same door around every framework, set up by environment and file where nobody passes arguments."""

import json
import sys

import pytest
from asgi_messages import PAGE, SENTENCE, ask, picture

from disclose import Asset, Outcome, Profile
from disclose.about import WELL_KNOWN
from disclose.errors import ProfileError
from disclose.integrations.asgi import DiscloseMiddleware

PNG = picture()


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return Profile(folder=tmp_path_factory.mktemp("profile"), statement={"system": "Test Studio"})


def plain():
    async def app(scope, receive, send):
        kind, body = (b"image/png", PNG) if scope["path"] == "/draw" else (b"text/html", PAGE)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    return app


def starlette():
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse, Response
    from starlette.routing import Route

    async def home(request):
        return HTMLResponse(PAGE)

    async def draw(request):
        return Response(PNG, media_type="image/png")

    return Starlette(routes=[Route("/", home), Route("/draw", draw)])


def fastapi():
    from fastapi import FastAPI, Response
    from fastapi.responses import HTMLResponse

    app = FastAPI()
    app.get("/")(lambda: HTMLResponse(PAGE))
    app.get("/draw")(lambda: Response(PNG, media_type="image/png"))
    return app


def litestar():
    from litestar import Litestar, MediaType, Response, get

    @get("/", media_type=MediaType.HTML)
    async def home() -> str:
        return PAGE.decode()

    @get("/draw")
    async def draw() -> Response[bytes]:
        return Response(PNG, media_type="image/png")

    return Litestar([home, draw], openapi_config=None)


def quart():
    from quart import Quart, Response

    app = Quart("studio")

    @app.get("/")
    async def home():
        return PAGE.decode()

    @app.get("/draw")
    async def draw():
        return Response(PNG, mimetype="image/png")

    return app


def home_of_django(request):
    from django.http import HttpResponse

    return HttpResponse(PAGE)


async def draw_of_django(request):
    from django.http import StreamingHttpResponse

    async def pieces():
        yield PNG[:999]
        yield PNG[999:]

    return StreamingHttpResponse(pieces(), content_type="image/png")


def django():
    import django as framework
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.urls import path

    if not settings.configured:
        settings.configure(SECRET_KEY="for these tests", ALLOWED_HOSTS=["*"])  # noqa: S106
    framework.setup()
    module = sys.modules[__name__]
    module.urlpatterns = [path("", home_of_django), path("draw", draw_of_django)]
    app = get_asgi_application()

    async def with_our_addresses(scope, receive, send):
        from django.test import override_settings

        with override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[]):
            await app(scope, receive, send)

    return with_our_addresses


FRAMEWORKS = [plain, starlette, fastapi, litestar, quart, django]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_pages_and_pictures_of_every_framework_are_disclosed(framework, profile):
    app = DiscloseMiddleware(framework(), profile, media=("image/*",))
    page = ask(app, headers={"Host": "studio.example"})
    assert SENTENCE in page.body
    assert page.headers["ai-disclosure"] == "mode=ai-originated"
    drawn = ask(app, "/draw", headers={"Host": "studio.example"})
    assert (drawn.status, int(drawn.headers["content-length"])) == (200, len(drawn.body))
    assert profile.verifier().verify(Asset.open(drawn.body)).outcome is Outcome.DISCLOSED
    part = ask(app, "/draw", headers={"Host": "studio.example", "Range": "bytes=1-3"})
    assert (part.status, part.body) == (206, drawn.body[1:4])


def test_a_server_that_passes_no_arguments_is_set_up_by_the_environment(monkeypatch):
    for name, value in {"SYSTEM": "Acme LLM", "PROVIDER": "Acme", "MEDIA": "image/*", "ROUTES": "/draw"}.items():
        monkeypatch.setenv(f"DISCLOSE_{name}", value)
    app = fastapi()
    app.add_middleware(DiscloseMiddleware)
    drawn = ask(app, "/draw").body
    disclosure = Profile.load().verifier().verify(Asset.open(drawn)).disclosure
    assert (disclosure.system, disclosure.provider) == ("Acme LLM", "Acme")
    assert ask(app).body == PAGE
    assert json.loads(ask(app, WELL_KNOWN).body)["system"] == "Acme LLM"


def test_a_server_that_passes_no_arguments_is_set_up_by_the_file(monkeypatch, tmp_path):
    (tmp_path / "disclose.toml").write_text(
        'media = ["image/*"]\nnotice = false\nm2m = "The service behind it reads the pages, and no person does."\n'
        '[statement]\nsystem = "Acme LLM"\naction = "altered"\n'
    )
    monkeypatch.chdir(tmp_path)
    app = DiscloseMiddleware(plain())
    page = ask(app)
    assert (page.body, page.headers["ai-disclosure"]) == (PAGE, "mode=ai-modified")
    assert ask(app, "/draw").body != PNG


def test_code_prevails_over_the_environment(monkeypatch):
    monkeypatch.setenv("DISCLOSE_MEDIA", "image/*")
    monkeypatch.setenv("DISCLOSE_M2M", "Only a machine reads this, said the environment.")
    app = DiscloseMiddleware(plain(), media=(), notice=True)
    assert ask(app, "/draw").body == PNG
    assert SENTENCE in ask(app).body


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("NOTICE", "0", "written reason"),
        ("M2M", "because", "no reason"),
        ("MEDIA", "image", "not a content type"),
        ("ROUTES", "draw", "matches no path"),
        ("MEDAI", "image/*", "DISCLOSE_MEDIA"),
    ],
)
def test_a_variable_that_cannot_work_is_refused_when_the_server_starts(monkeypatch, variable, value, message):
    monkeypatch.setenv(f"DISCLOSE_{variable}", value)
    with pytest.raises(ProfileError, match=message):
        DiscloseMiddleware(plain())
