"""The shapes that Gradio apps have: rendered, tabbed, paged, mounted, opened by deep links, with own labels."""

import json
import subprocess
import threading
import time
import urllib.request
from shutil import which

import gradio
import pytest
from fastapi import FastAPI
from gradio_client import Client
from gradio_pages import REVIEWED, calling
from media_files import small_file
from pictures import photograph
from PIL import Image
from system_parts import need

from disclose import Outcome, verify
from disclose.demo import app
from disclose.integrations.gradio import disclosed
from disclose.marker import Marker

SYSTEM = "Acme Studio"
OF_MESSAGES = {} if app._SIX else {"type": "messages"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))


def draw():
    return photograph(width=384, height=384)


def button(name, function=draw, output=lambda: gradio.Image(format="png")):
    gradio.Button(name).click(function, None, output(), api_name=name)


def assert_disclosed(path, profile):
    assert verify(path, profile).outcome is Outcome.DISCLOSED


def test_tabs_and_pages_are_marked(profile):
    with gradio.Blocks() as one:
        button("one")
    two = gradio.Interface(draw, None, gradio.Image(format="png"), api_name="two")
    demo = gradio.TabbedInterface([one, two])
    with demo.route("Second"):
        button("three")
    with calling(disclosed(demo, profile, system=SYSTEM)) as client:
        for name in ("one", "two", "three"):
            assert_disclosed(client.predict(api_name=f"/{name}"), profile)


def test_what_a_rendered_part_of_a_page_returns_is_marked(profile):
    with gradio.Blocks() as demo:
        chosen = gradio.Textbox("hills")

        @gradio.render(inputs=chosen)
        def parts(text):
            gradio.Button(text).click(draw, None, gradio.Image(format="png"), api_name="rendered")

    shown = calling(disclosed(demo, profile, notice=False, conversation=REVIEWED, system=SYSTEM))
    with shown as client:
        session = client.session_hash
        # A page runs what was rendered for it by its number in the session.
        loads = next(fn for fn in demo.fns.values() if fn.rendered_in is None and fn.renderable is not None)
        config = event(shown.address, session, loads._id, ["hills"])["render_config"]
        (rendered,) = [one for one in config["dependencies"] if one["api_name"] == "rendered"]
        (value,) = event(shown.address, session, rendered["id"], [])["data"]
        with urllib.request.urlopen(value["url"]) as response:  # noqa: S310
            assert_disclosed(response.read(), profile)


def event(address, session, number, data):
    """Return what the event *number* of the *session* sends to its page when it is done."""
    body = json.dumps({"data": data, "fn_index": number, "session_hash": session}).encode()
    headers = {"content-type": "application/json"}
    join = urllib.request.Request(f"{address}gradio_api/queue/join", body, headers)  # noqa: S310
    urllib.request.urlopen(join).close()  # noqa: S310
    with urllib.request.urlopen(f"{address}gradio_api/queue/data?session_hash={session}") as stream:  # noqa: S310
        for line in stream:
            message = json.loads(line[5:]) if line.startswith(b"data:") else {}
            if message.get("msg") == "process_completed":
                assert message["success"], message
                return message["output"]
    raise AssertionError("the event did not end")


@pytest.mark.parametrize("way", ["plain", "update"])
def test_a_deep_link_opens_the_marked_picture(profile, way):
    with gradio.Blocks() as demo:
        button("plain")
        button("update", lambda: gradio.update(value=draw()))
        gradio.DeepLinkButton()
    shown = calling(disclosed(demo, profile, system=SYSTEM))
    with shown as client:
        client.predict(api_name=f"/{way}")
        address = f"{shown.address}gradio_api/deep_link?session_hash={client.session_hash}"
        with urllib.request.urlopen(address) as response:  # noqa: S310
            link = json.loads(response.read())
        with urllib.request.urlopen(f"{shown.address}config?deep_link={link}") as response:  # noqa: S310
            components = json.loads(response.read())["components"]
        values = [one["props"].get("value") for one in components if one["type"] == "image"]
        (value,) = [one for one in values if one]
        with urllib.request.urlopen(f"{shown.address}gradio_api/file={value['path']}") as response:  # noqa: S310
            assert_disclosed(response.read(), profile)


def test_after_an_update_that_was_held_back_a_deep_link_shows_nothing(profile, monkeypatch):
    def full(asset, path, **options):
        raise OSError(28, "No space left on device")

    with gradio.Blocks() as demo:
        button("update", lambda: gradio.update(value=draw()))
        gradio.DeepLinkButton()
    shown = calling(disclosed(demo, profile, system=SYSTEM))
    monkeypatch.setattr("disclose.asset.Asset.save", full)
    with shown as client:
        with pytest.raises(Exception, match="held back"):
            client.predict(api_name="/update")
        state = demo.state_holder[client.session_hash]
        assert [one["props"].get("value") for one in state.config_values.values() if one["type"] == "image"] == [None]


def test_a_mounted_app_is_marked(profile):
    import uvicorn

    with gradio.Blocks() as demo:
        button("draw")
    site = gradio.mount_gradio_app(FastAPI(), disclosed(demo, profile, system=SYSTEM), path="/studio")
    server = uvicorn.Server(uvicorn.Config(site, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    (port,) = (one.getsockname()[1] for one in server.servers[0].sockets)
    client = Client(f"http://127.0.0.1:{port}/studio/", verbose=False)
    assert_disclosed(client.predict(api_name="/draw"), profile)
    client.close()
    server.should_exit = True
    thread.join()


def test_gradios_own_labels_stay_and_are_signed_over(profile, tmp_path, monkeypatch):
    need(which("ffmpeg") is not None, "apt install ffmpeg")
    red = tmp_path / "red.png"
    Image.new("RGB", (64, 32), "red").save(red)
    # Gradio 5 leaves the film that it drew on where it runs.
    monkeypatch.chdir(tmp_path)
    film = tmp_path / "film.mp4"
    # Gradio converts films that browsers cannot play, and the small file's codec is one of those.
    (tmp_path / "small.mp4").write_bytes(small_file("video/mp4"))
    command = ["-i", tmp_path / "small.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", film]
    subprocess.run(["ffmpeg", "-loglevel", "error", *command], check=True, stdin=subprocess.DEVNULL)
    said = [{"role": "assistant", "content": "Yes"}]
    with gradio.Blocks() as demo:
        button("picture", output=lambda: gradio.Image(watermark=str(red), format="png"))
        button("film", lambda: str(film), lambda: gradio.Video(watermark=str(red)))
        button("chat", lambda: said, lambda: gradio.Chatbot(watermark="made by AI", **OF_MESSAGES))
    with calling(disclosed(demo, profile, system=SYSTEM)) as client:
        picture = client.predict(api_name="/picture")
        assert_disclosed(picture, profile)
        pixels = Image.open(picture).convert("RGB").crop((308, 343, 378, 378)).getcolors(10_000)
        assert any(color[0] > 200 > 60 > color[1] for _, color in pixels)
        shown = client.predict(api_name="/film")
        path = shown["video"] if isinstance(shown, dict) else shown
        assert_disclosed(path, profile)
        assert "Yes" in str(client.predict(api_name="/chat"))
    chat = next(one for one in demo.config["components"] if one["type"] == "chatbot")
    assert chat["props"]["watermark"] == "made by AI"


def test_while_an_output_is_being_marked_its_status_is_processing_and_others_go_on(profile, monkeypatch):
    mark, begun, may_go_on = Marker.mark, threading.Event(), threading.Event()

    def slow(*args, **kwargs):
        begun.set()
        may_go_on.wait(60)
        return mark(*args, **kwargs)

    with gradio.Blocks() as demo:
        button("draw")
        button("other", lambda: "here", gradio.Textbox)
    disclosed(demo, profile, system=SYSTEM)
    monkeypatch.setattr(Marker, "mark", slow)
    with calling(demo) as client:
        waiting = client.submit(api_name="/draw")
        assert begun.wait(20)
        assert client.predict(api_name="/other") == "here"
        assert waiting.status().code.name in ("PROCESSING", "ITERATING")
        assert not waiting.done()
        may_go_on.set()
        assert_disclosed(waiting.result(), profile)
