"""The well-known document, asked for as a browser or another site would."""

import json

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from disclose import Profile
from disclose.about import WELL_KNOWN
from disclose.errors import ProfileError
from disclose.integrations.asgi import DiscloseMiddleware
from disclose.integrations.asgi_about import is_asked_for

CARD = "---\nlicense: mit\nbase_model: acme/sketch\nbase_model_relation: finetune\nmodel_name: Boats\n---\n"


def site(profile=None, **settings):
    async def page(request):
        return PlainTextResponse("a page")

    middleware = [Middleware(DiscloseMiddleware, profile=profile, **settings)]
    return TestClient(Starlette(routes=[Route("/", page)], middleware=middleware))


@pytest.fixture
def profile(tmp_path):
    (tmp_path / "README.md").write_text(CARD)
    return Profile(
        folder=tmp_path / "home",
        role="provider",
        model_card=tmp_path / "README.md",
        statement={"system": "Studio", "provider": "Acme", "detector": "https://check.example"},
    )


def test_a_site_says_who_made_its_system_with_which_models_and_where_to_check(profile):
    response = site(profile, version="2").get(WELL_KNOWN)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["access-control-allow-origin"] == "*"
    said = response.json()
    assert (said["system"], said["version"], said["provider"], said["role"]) == ("Studio", "2", "Acme", "provider")
    assert said["detector"] == "https://check.example"
    assert [one["role"] for one in said["lineage"]] == ["shared", "fine-tuned", "deployed"]


def test_the_document_names_no_file_and_no_key_of_this_machine(profile, tmp_path):
    assert str(tmp_path) not in site(profile).get(WELL_KNOWN).text


def test_what_is_not_known_is_left_out(tmp_path):
    said = site(Profile(folder=tmp_path)).get(WELL_KNOWN).json()
    assert set(said) == {"layers"}


def test_only_the_root_of_the_origin_has_the_document(profile):
    asked = {WELL_KNOWN: 200, "/app" + WELL_KNOWN: 404, WELL_KNOWN + "/more": 404, "/": 200}
    client = site(profile)
    assert {path: client.get(path).status_code for path in asked} == asked
    inner = DiscloseMiddleware(Starlette(), profile)
    assert TestClient(Starlette(routes=[Mount("/app", inner)])).get("/app" + WELL_KNOWN).status_code == 404
    # Servers and frameworks differ in whether the path still begins with the prefix that they mounted us at.
    assert not is_asked_for({"path": WELL_KNOWN, "root_path": "/app", "method": "GET"})


def test_the_document_answers_reading_only(profile):
    client = site(profile)
    head = client.head(WELL_KNOWN)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(json.dumps(client.get(WELL_KNOWN).json(), ensure_ascii=False))
    assert client.post(WELL_KNOWN).status_code == 404


def test_what_the_preset_misses_is_refused_when_the_server_starts(tmp_path):
    incomplete = Profile(folder=tmp_path, preset="california")
    with pytest.raises(ProfileError, match=r"22757\.3\(a\)\(1\)\(A\)"):
        DiscloseMiddleware(Starlette(), incomplete, media=("image/*",))
    DiscloseMiddleware(Starlette(), incomplete, media=("image/*",), provider="Acme", system="Studio", version="1")


def test_a_browser_gets_a_page_that_names_each_contributor_once(profile):
    response = site(profile, version="2").get(WELL_KNOWN, headers={"accept": "text/html,application/xhtml+xml"})
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["vary"] == "accept"
    assert response.text.count("acme/sketch") == 1
    assert '<a href="https://check.example"' in response.text
    assert response.text.count("<li>") == 3


def test_nothing_in_a_model_card_becomes_markup_of_the_page(tmp_path):
    hostile = "---\nlicense: '<script>alert(1)</script>'\nmodel_name: '<img src=x>'\n---\n"
    (tmp_path / "README.md").write_text(hostile)
    statement = {"system": "A & B <b>", "detector": "javascript:alert(1)"}
    profile = Profile(folder=tmp_path / "home", model_card=tmp_path / "README.md", statement=statement)
    page = site(profile).get(WELL_KNOWN, headers={"accept": "text/html"}).text
    assert "<script" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert "A &amp; B &lt;b&gt;" in page
