"""Exports: what an answer is saved as says what it is, to people at its top and to machines in and beside it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from answers import answers
from browsers import running_browser
from system_parts import need_package

import disclose
from disclose.errors import UnsupportedError
from disclose.integrations.exports import export

ANSWER = f"# The tides\n\n{answers()[0]}\n\n```html\n<script>alert(1)</script>\n```\n\n<script>alert(2)</script>\n"
LAYERS = ("c2pa", "text_pointer", "text_fingerprint", "ledger")


@pytest.fixture
def profile(tmp_path):
    return disclose.Profile(folder=tmp_path / "disclose", layers=LAYERS, optional=frozenset({"text_pointer"}))


@pytest.fixture(params=[".md", ".html", ".txt", ".json"])
def path(request, tmp_path):
    return tmp_path / f"an answer{request.param}"


def test_an_answer_that_was_exported_twice_is_disclosed_both_times(profile, tmp_path):
    for name in ("first.html", "second.html"):
        export(ANSWER, tmp_path / name, profile, system="Writer")
    first, second = (disclose.verify(tmp_path / name, profile) for name in ("first.html", "second.html"))
    assert (first.outcome, second.outcome) == ("disclosed", "disclosed")
    assert first.disclosure.id != second.disclosure.id
    (alike,) = {tuple(one.details["issued_as"]) for one in second.evidence if "issued_as" in one.details}
    assert set(alike) == {str(first.disclosure.id), str(second.disclosure.id)}


def test_a_document_is_signed_in_a_file_beside_it_and_on_record(path, profile):
    asset = export(ANSWER, path, profile, system="Writer", provider="Acme GmbH")
    assert path.read_bytes() == asset.data
    verdict = disclose.verify(path, profile)
    assert verdict.outcome == "disclosed"
    assert {one.layer for one in verdict.evidence if one.is_bound} >= {"c2pa", "ledger"}
    assert verdict.disclosure.provider == "Acme GmbH"


def test_a_changed_document_is_contested(path, profile):
    export(ANSWER, path, profile, system="Writer")
    path.write_bytes(path.read_bytes().replace(b"The tides", b"The ebbs"))
    assert disclose.verify(path, profile).outcome == "contested"


@pytest.mark.parametrize(
    ("language", "label"), [("en", "AI-generated text"), ("de-AT", "KI-generierter Text"), ("ar", "الذكاء")]
)
def test_the_label_stands_at_the_top_in_the_language_asked_for(path, profile, language, label):
    export(ANSWER, path, profile, system="Writer", language=language)
    document = path.read_text("utf-8")
    assert label in document
    assert document.index(label) < document.index("The tides")


def test_a_page_carries_the_statement_and_leads_to_its_manifest(tmp_path, profile):
    path = tmp_path / "an answer.html"
    asset = export(ANSWER, path, profile, system="Writer</script><b>", title="A & B")
    page = path.read_text("utf-8")
    assert '<link rel="c2pa-manifest" href="an%20answer.html.c2pa" type="application/c2pa">' in page
    said = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', page)[1])
    # With its hyphens, or it is no URN of a UUID (RFC 9562, section 4).
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", said["identifier"])
    assert said["identifier"].removeprefix("urn:uuid:").replace("-", "") == str(asset.disclosure.id)
    assert said["digitalSourceType"].endswith("/TrainedAlgorithmicMediaDigitalSource")
    assert said["creator"]["name"] == "Writer</script><b>"
    assert "<title>A &amp; B</title>" in page


def test_no_code_of_an_answer_runs_in_its_page(tmp_path, profile):
    path = tmp_path / "answer.html"
    export(ANSWER + "[click](javascript:alert(3))\n", path, profile, system="Writer")
    found = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, dict(attrs)))

    Tags().feed(path.read_text("utf-8"))
    assert [attributes["type"] for tag, attributes in found if tag == "script"] == ["application/ld+json"]
    assert not [one for tag, one in found if tag == "a"]


def test_a_json_document_holds_the_answer_as_it_was(tmp_path, profile):
    path = tmp_path / "answer.json"
    asset = export(ANSWER, path, profile, system="Writer")
    document = json.loads(path.read_text("utf-8"))
    assert document["text"] == ANSWER
    assert document["ai_disclosure"]["id"] == str(asset.disclosure.id)
    assert document["ai_disclosure"]["manifest"] == "answer.json.c2pa"


def test_a_quotation_from_a_page_leads_back_to_it(tmp_path, profile):
    asset = export(ANSWER, tmp_path / "answer.html", profile, system="Writer")
    verdict = disclose.verify(" ".join(answers()[0].split(" ")[5:55]), profile)
    assert verdict.outcome == "indicated"
    assert verdict.evidence[0].id == asset.disclosure.id


def test_what_programs_read_at_the_top_of_markdown_stays_there(tmp_path, profile):
    front, lines = "---\ntitle: The tides\n---\n", "---\n\nA line above and below.\n\n---\n"
    for answer, begins in ((front + ANSWER, front + "AI-generated text"), (lines + ANSWER, "AI-generated text")):
        export(answer, tmp_path / "answer.md", profile, system="Writer", language="en")
        assert (tmp_path / "answer.md").read_text("utf-8").startswith(begins)


def test_a_page_in_a_browser_shows_its_label_first_and_leads_to_its_manifest(tmp_path, profile):
    path = tmp_path / "an answer #1.html"
    export("المدينة القديمة جميلة جدا.\n\n" + ANSWER, path, profile, system="Writer", language="ar")
    with running_browser() as browser:
        page = browser.new_page()
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text))
        page.goto(path.as_uri())
        label = page.locator("[role=note]")
        assert label.evaluate("one => getComputedStyle(one).direction") == "rtl"
        assert label.bounding_box()["y"] < page.locator("article").bounding_box()["y"]
        assert page.locator("article").evaluate("one => getComputedStyle(one).direction") == "rtl"
        manifest = page.locator("link[rel=c2pa-manifest]").evaluate("one => one.href")
        assert Path(unquote(urlsplit(manifest).path)).read_bytes()
        assert not problems


def test_other_endings_are_refused_and_nothing_is_written(tmp_path, profile):
    with pytest.raises(UnsupportedError, match=r"\.md"):
        export(ANSWER, tmp_path / "answer.docx", profile, system="Writer")
    with pytest.raises(UnsupportedError, match="surrogate"):
        export("half \ud800 of a pair", tmp_path / "answer.txt", profile, system="Writer")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("answer")]


@pytest.mark.parametrize("ending", [".md", ".html"])
def test_a_document_is_one_file_with_its_manifest_inside_where_that_is_asked_for(tmp_path, profile, ending):
    need_package(find_spec("c2pa_text") and find_spec("c2patxt"), "pip install 'disclose-ai[text]'")
    path = tmp_path / f"answer{ending}"
    export(ANSWER, path, profile, embedded=True, system="Writer", provider="Acme GmbH")
    assert not path.with_name(path.name + ".c2pa").exists()
    assert ".c2pa" not in path.read_text("utf-8")
    # Whoever reads it has nothing of what its maker has but the file.
    reader = disclose.Profile(folder=tmp_path / "reader", layers=("c2pa_text",))
    verdict = disclose.verify(path, reader)
    assert verdict.outcome == "disclosed"
    assert verdict.disclosure.provider == "Acme GmbH"
    assert disclose.verify(path, profile).outcome == "disclosed"
    path.write_bytes(path.read_bytes().replace(b"The tides", b"The ebbs"))
    assert disclose.verify(path, reader).outcome == "contested"


def test_a_profile_that_signs_texts_in_themselves_does_so_in_exports(tmp_path, profile):
    need_package(find_spec("c2pa_text") and find_spec("c2patxt"), "pip install 'disclose-ai[text]'")
    signing = replace(profile, layers=("c2pa_text", *LAYERS))
    export(ANSWER, tmp_path / "answer.md", signing, system="Writer")
    assert [path.name for path in tmp_path.glob("answer*")] == ["answer.md"]
    assert disclose.verify(tmp_path / "answer.md", signing).outcome == "disclosed"
    export(ANSWER, tmp_path / "beside.md", signing, embedded=False, system="Writer")
    assert (tmp_path / "beside.md.c2pa").exists()


def test_json_has_no_place_for_a_manifest(tmp_path, profile):
    with pytest.raises(UnsupportedError, match="JSON"):
        export(ANSWER, tmp_path / "answer.json", profile, embedded=True, system="Writer")
    assert not (tmp_path / "answer.json").exists()
