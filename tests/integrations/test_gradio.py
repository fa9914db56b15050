import logging
import urllib.request
from pathlib import Path

import gradio
import numpy
import pytest
from gradio_client import Client, handle_file
from gradio_pages import REVIEWED, calling
from pictures import encoded, photograph
from PIL import Image

from disclose import Outcome, Profile, marked, verify
from disclose.demo import app
from disclose.errors import DiscloseError, ProfileError
from disclose.integrations.gradio import disclosed
from disclose.notice import ELEMENT_ID

SYSTEM = "Acme Studio"


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """An app with one event for each way in which a picture leaves; yields its client, its profile and a folder."""
    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "cache"))
        patch.chdir(folder)
        profile = Profile(folder=folder / "home")
        picture = photograph(width=512, height=512)
        picture.save(folder / "drawn.png")
        # 16 bits per channel: readable, and of a kind that is not marked.
        Image.fromarray(numpy.asarray(picture.convert("L")).astype(numpy.uint16) * 257).save(folder / "deep.png")
        (folder / "blocked").mkdir()
        picture.save(folder / "blocked" / "secret.png")

        def several():
            yield picture
            yield picture.rotate(90)

        def named(name: str):
            return str(folder / name)

        with gradio.Blocks() as demo:
            ways = {
                "webp": (lambda: picture, gradio.Image()),
                "png": (lambda: picture, gradio.Image(format="png")),
                "jpeg": (lambda: picture, gradio.Image(format="jpeg")),
                "array": (lambda: numpy.asarray(picture), gradio.Image()),
                "path": (lambda: str(folder / "drawn.png"), gradio.Image()),
                "update": (lambda: gradio.update(value=picture), gradio.Image(format="png")),
                "yield": (several, gradio.Image(format="png")),
                "file": (lambda: str(folder / "drawn.png"), gradio.File()),
                "download": (lambda: str(folder / "drawn.png"), gradio.DownloadButton()),
            }
            for way, (function, output) in ways.items():
                gradio.Button(way).click(function, None, output, api_name=way)
            gallery = gradio.Gallery(format="png")
            gradio.Button().click(lambda: [picture, (picture.rotate(180), "turned")], None, gallery, api_name="gallery")
            name = gradio.Textbox()
            gradio.Button().click(named, name, gradio.Image(), api_name="any")
            chat = gradio.Chatbot(**({} if app._SIX else {"type": "messages"}))
            upload = gradio.File(type="filepath")

            def talk(path):
                return [
                    {"role": "user", "content": {"path": path}},
                    {"role": "assistant", "content": {"path": str(folder / "drawn.png")}},
                ]

            gradio.Button().click(talk, upload, chat, api_name="chat")
            gradio.Button().click(lambda path: path, upload, gradio.File(), api_name="echo")

            def api_file() -> gradio.FileData:
                return gradio.FileData(path=str(folder / "drawn.png"))

            gradio.api(api_file, api_name="api")
        with calling(disclosed(demo, profile, system=SYSTEM), blocked_paths=[str(folder / "blocked")]) as client:
            yield client, profile, folder


def assert_disclosed(path, profile):
    verdict = verify(path, profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert verdict.disclosure.system == SYSTEM
    assert {"image_watermark", "c2pa"} <= {item.layer for item in verdict.evidence}


@pytest.mark.parametrize("way", ["webp", "png", "jpeg", "array", "path", "update", "yield", "file", "download"])
def test_a_picture_leaves_marked(studio, way):
    client, profile, _ = studio
    result = client.predict(api_name=f"/{way}")
    assert_disclosed(result["value"] if isinstance(result, dict) else result, profile)


def test_every_picture_of_a_gallery_leaves_marked(studio):
    client, profile, _ = studio
    shown = client.predict(api_name="/gallery")
    assert len(shown) == 2
    for item in shown:
        assert_disclosed(item["image"], profile)


def test_a_file_of_an_api_function_leaves_marked(studio):
    client, profile, _ = studio
    assert_disclosed(client.predict(api_name="/api"), profile)


def test_what_a_browser_fetches_is_the_marked_file(studio):
    client, profile, _ = studio
    browser = Client(client.src, verbose=False, download_files=False)
    try:
        url = browser.predict(api_name="/png")["url"]
    finally:
        browser.close()
    with urllib.request.urlopen(url) as response:  # noqa: S310
        assert_disclosed(response.read(), profile)


def test_the_functions_own_file_stays_as_it_was(studio):
    client, _, folder = studio
    before = (folder / "drawn.png").read_bytes()
    client.predict(api_name="/path")
    assert (folder / "drawn.png").read_bytes() == before


def test_an_upload_that_comes_back_unchanged_is_not_called_generated(studio, tmp_path):
    client, profile, _ = studio
    mine = tmp_path / "mine.png"
    mine.write_bytes(encoded(photograph("coffee")))
    returned = client.predict(handle_file(mine), api_name="/echo")
    assert Path(returned).read_bytes() == mine.read_bytes()
    assert verify(returned, profile).outcome is Outcome.UNDETERMINED


def test_in_a_chat_the_answer_is_marked_and_the_question_is_not(studio, tmp_path):
    client, profile, _ = studio
    mine = tmp_path / "mine.png"
    mine.write_bytes(encoded(photograph("coffee")))
    turns = client.predict(handle_file(mine), api_name="/chat")
    question, answer = (path_in(turn["content"]) for turn in turns)
    assert verify(question, profile).outcome is Outcome.UNDETERMINED
    assert_disclosed(answer, profile)
    again = client.predict(handle_file(mine), api_name="/chat")
    assert verify(path_in(again[1]["content"]), profile).disclosure == verify(answer, profile).disclosure


def path_in(content):
    """Return the path of the first file in the content of a chat message, which differs between Gradio's versions."""
    if isinstance(content, str):
        return content
    found = content if isinstance(content, dict) else content[0]
    return next((path_in(found[name]) for name in ("file", "path", "value") if found.get(name)), None)


def test_a_picture_that_cannot_be_marked_is_held_back_with_the_reason(studio):
    client, _, _ = studio
    with pytest.raises(Exception, match=r"held back.*16 bits per channel"):
        client.predict("deep.png", api_name="/any")


def test_text_leaves_as_it_is_and_the_log_says_so_once(profile, caplog):
    with gradio.Blocks() as demo:
        gradio.Button().click(lambda: "some words", None, gradio.Textbox(), api_name="words")
    with caplog.at_level(logging.WARNING), calling(disclosed(demo, profile, system=SYSTEM)) as client:
        assert [client.predict(api_name="/words") for _ in range(2)] == ["some words"] * 2
    said = "text is not marked by this profile; it leaves this app as it is"
    assert [record.getMessage() for record in caplog.records].count(said) == 1


def test_marking_opens_no_way_around_the_blocked_folders(studio):
    client, _, _ = studio
    with pytest.raises(Exception, match=r"Cannot move .* to the gradio cache dir"):
        client.predict("blocked/secret.png", api_name="/any")


def scripts_of(demo):
    loads = [item for item in demo.config["dependencies"] if any(target[1] == "load" for target in item["targets"])]
    return [item["js"] for item in loads if ELEMENT_ID in str(item["js"])]


def test_the_notice_is_among_the_load_events(profile):
    with gradio.Blocks() as demo:
        gradio.Textbox()
    (script,) = scripts_of(disclosed(demo, profile, system=SYSTEM))
    assert "You are interacting with an AI system." in script
    assert "Sie interagieren mit einem KI-System." in script


def test_each_page_of_an_app_gets_the_notice(profile):
    with gradio.Blocks() as demo:
        gradio.Textbox()
    with demo.route("Second"):
        gradio.Textbox()
    assert len(scripts_of(disclosed(demo, profile, system=SYSTEM))) == 2


def test_without_a_notice_there_is_a_reason_in_writing_that_the_log_states(profile, caplog):
    with gradio.Blocks() as demo:
        gradio.Textbox()
    with pytest.raises(ProfileError, match="needs a written reason"):
        disclosed(demo, profile, notice=False, system=SYSTEM)
    assert scripts_of(disclosed(demo, profile, notice=False, conversation=REVIEWED, system=SYSTEM)) == []
    assert REVIEWED.assistive in caplog.text


def test_interfaces_are_disclosed_like_blocks(profile):
    picture = photograph(width=512, height=512)
    demo = gradio.Interface(lambda: picture, None, gradio.Image(format="png"), api_name="predict")
    with calling(disclosed(demo, profile, system=SYSTEM)) as client:
        assert_disclosed(client.predict(api_name="/predict"), profile)


def draw(prompt):
    return photograph(width=512, height=512)


def test_only_the_named_functions_are_marked(profile):
    with gradio.Blocks() as demo:
        text, shown = gradio.Textbox(), gradio.Image(format="png")
        gradio.Button().click(draw, text, shown, api_name="draw")
        gradio.Button().click(lambda _: photograph("coffee"), text, shown, api_name="cut")
    with calling(disclosed(demo, profile, only=[draw], system=SYSTEM)) as client:
        assert_disclosed(client.predict("x", api_name="/draw"), profile)
        assert verify(client.predict("x", api_name="/cut"), profile).outcome is Outcome.UNDETERMINED


def test_a_misspelt_name_in_only_is_refused(profile):
    with gradio.Blocks() as demo:
        gradio.Button().click(draw, gradio.Textbox(), gradio.Image())
    with pytest.raises(ProfileError, match="'drow'"):
        disclosed(demo, profile, only=["drow"], system=SYSTEM)


def test_a_misspelt_statement_is_refused(profile):
    with pytest.raises(ProfileError, match="'sistem'"):
        disclosed(gradio.Blocks(), profile, sistem=SYSTEM)


def test_an_app_is_disclosed_once(profile):
    demo = disclosed(gradio.Blocks(), profile, system=SYSTEM)
    with pytest.raises(ProfileError, match="already"):
        disclosed(demo, profile, system=SYSTEM)


def test_a_gradio_of_another_shape_is_refused(profile):
    class Changed(gradio.Blocks):
        async def postprocess_data(self, block_fn, predictions, state, more):
            raise NotImplementedError

    with pytest.raises(DiscloseError, match=r"not supported.*postprocess_data"):
        disclosed(Changed(), profile, system=SYSTEM)


def test_a_picture_decorated_and_disclosed_carries_one_disclosure(profile):
    with gradio.Blocks() as demo:
        shown = gradio.Image(format="png")
        twice = marked(profile, system="Inner")(lambda: photograph(width=512, height=512))
        gradio.Button().click(twice, None, shown, api_name="twice")
    with calling(disclosed(demo, profile, system=SYSTEM)) as client:
        verdict = verify(client.predict(api_name="/twice"), profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert verdict.disclosure.system == "Inner"
