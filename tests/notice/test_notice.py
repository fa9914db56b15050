import json

import pytest

from disclose.notice import WORDING, Notice, Wording


@pytest.mark.parametrize("language", WORDING)
def test_every_language_has_all_the_words(language):
    wording = WORDING[language]
    assert all((wording.headline, wording.detail, wording.button, wording.label))
    assert len(wording.headline) < 60


@pytest.mark.parametrize(
    ("tags", "language"),
    [(["de-AT", "en"], "de"), (["EN-us"], "en"), (["sr", "pt-BR"], "pt"), (["sr"], "en"), ([], "en")],
)
def test_the_first_language_that_is_there_is_spoken(tags, language):
    assert Notice().language_for(tags) == language


def test_a_fallback_without_wording_is_refused():
    with pytest.raises(ValueError, match="'xx'"):
        Notice(fallback="xx")


def test_no_wording_can_leave_the_script_element():
    hostile = Wording(headline="</script><img src=x>", detail="<!--", button="ok", label="notice")
    page = Notice(wording={"en": hostile}).to_html()
    assert page.count("</script>") == 1
    assert "<!--" not in page


def test_the_script_carries_the_wording_whole():
    script = Notice().to_script()
    assert json.dumps(WORDING["pl"].headline) in script
    assert script.startswith("() =>")
