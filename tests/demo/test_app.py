from disclose import Verdict
from disclose.demo import app
from disclose.demo.verdict import explained, refused
from disclose.evidence import Basis, Evidence

HOSTILE = '<img src=x onerror="alert(1)">'


def test_every_word_of_the_evidence_is_escaped():
    page = explained(Verdict.weigh([Evidence(layer=HOSTILE, basis=Basis.METADATA, summary=HOSTILE)]))
    assert "<img" not in page
    assert page.count("&lt;img") == 2


def test_each_finding_has_a_row_with_its_p_value():
    page = explained(Verdict.weigh([Evidence(layer="one", basis=Basis.WATERMARK, summary="found", p_value=1.234e-9)]))
    assert page.count("<tr>") == 2
    assert "1.2e-09" in page


def test_nothing_found_has_a_sentence_and_no_table():
    page = explained(Verdict.weigh([]))
    assert "says nothing about where the content came from" in page
    assert "<table" not in page


def test_an_unreadable_file_has_a_sentence():
    assert "could not be read" in refused()


def test_the_app_loads_no_fonts_and_sends_no_analytics(profile):
    demo = app.build(profile)
    assert demo.analytics_enabled is False
    theme = app._looks()["theme"]
    assert not theme._stylesheets
