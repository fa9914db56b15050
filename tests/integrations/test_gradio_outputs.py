"""Every shape in which a Gradio function returns a file, through a real server and its own client."""

import shutil
import subprocess
import urllib.request
from shutil import which
from urllib.parse import quote

import gradio
import numpy
import pytest
from gradio.context import Context
from gradio_client import handle_file
from gradio_pages import calling
from media_files import small_file
from pictures import encoded, photograph
from PIL import Image
from system_parts import need

from disclose import Outcome, Profile, verify
from disclose.asset import Asset
from disclose.demo import app
from disclose.errors import ProfileError
from disclose.integrations.gradio import disclosed

# Gradio leaves the sounds that it decodes to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

SYSTEM = "Acme Studio"
GLB = b"glTF\x02\x00\x00\x00\x0c\x00\x00\x00"
RATE = 8000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with one small file of each kind."""
    need(which("ffmpeg") is not None, "apt install ffmpeg")
    folder = tmp_path_factory.mktemp("files")
    endings = {
        "wav": "audio/wav",
        "mp3": "audio/mpeg",
        "mp4": "video/mp4",
        "gif": "image/gif",
        "avif": "image/avif",
        "tiff": "image/tiff",
        "pdf": "application/pdf",
        "svg": "image/svg+xml",
    }
    for ending, media_type in endings.items():
        data = small_file(media_type)
        if media_type in ("image/gif", "image/avif", "image/tiff"):
            data = encoded(photograph(width=384, height=384), ending.upper())
        (folder / f"made.{ending}").write_bytes(data)
    # Gradio converts films that browsers cannot play, and the small file's codec is one of those.
    film = ["-i", folder / "made.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", folder / "playable.mp4"]
    subprocess.run(["ffmpeg", "-loglevel", "error", *film], check=True, stdin=subprocess.DEVNULL)
    (folder / "playable.mp4").replace(folder / "made.mp4")
    photograph(width=384, height=384).save(folder / "made.png")
    (folder / "made.glb").write_bytes(GLB)
    (folder / "made.txt").write_text("A story.")
    (folder / "made.webm").write_bytes(b"\x1aE\xdf\xa3\x9fB\x82\x84webm" + bytes(64))
    return folder


def tone():
    return RATE, (numpy.sin(numpy.arange(2400) / 3) * 9000).astype(numpy.int16)


def ways(files):
    """Return {name: (function, output)}, one for each shape."""
    picture = photograph(width=384, height=384)
    array = numpy.asarray(picture)
    mask = numpy.zeros(array.shape[:2])
    mask[40:90, 40:90] = 1
    made = lambda ending: str(files / f"made.{ending}")  # noqa: E731
    parts = {"background": picture, "layers": [], "composite": picture.rotate(90)}
    told = [{"role": "assistant", "content": {"path": made("png")}}]
    chat = {} if app._SIX else {"type": "messages"}

    def several():
        yield picture
        yield picture.rotate(90)

    def with_component():
        return [{"role": "assistant", "content": gradio.Image(picture)}]

    async def later():
        return made("png")

    everything = {
        "webp": (lambda: picture, gradio.Image()),
        "png": (lambda: picture, gradio.Image(format="png")),
        "jpeg": (lambda: photograph(width=512, height=512), gradio.Image(format="jpeg")),
        "array": (lambda: array, gradio.Image()),
        "path": (lambda: made("png"), gradio.Image()),
        "pathlib": (lambda: files / "made.png", gradio.Image()),
        "avif": (lambda: made("avif"), gradio.Image()),
        "svg": (lambda: made("svg"), gradio.File()),
        "update": (lambda: gradio.update(value=picture), gradio.Image(format="png")),
        "component": (lambda: gradio.Image(value=picture), gradio.Image()),
        "generator": (several, gradio.Image()),
        "coroutine": (later, gradio.Image()),
        "gallery": (lambda: [picture, (array, "turned"), made("png")], gradio.Gallery()),
        "film_gallery": (lambda: [made("mp4")], gradio.Gallery()),
        "slider": (lambda: (picture, made("png")), gradio.ImageSlider()),
        "editor": (lambda: parts, gradio.ImageEditor()),
        "annotated": (lambda: (picture, [(mask, "face")]), gradio.AnnotatedImage()),
        "chat_path": (lambda: told, gradio.Chatbot(**chat)),
        "chat_component": (with_component, gradio.Chatbot(**chat)),
        "sound_path": (lambda: made("mp3"), gradio.Audio()),
        "sound_array": (tone, gradio.Audio()),
        "sound_bytes": (lambda: (files / "made.wav").read_bytes(), gradio.Audio()),
        "film": (lambda: made("mp4"), gradio.Video()),
        "file": (lambda: made("pdf"), gradio.File()),
        "files": (lambda: [made("pdf"), made("gif"), made("tiff")], gradio.File()),
        "button": (lambda: made("png"), gradio.DownloadButton()),
        "multimodal": (lambda: {"text": "", "files": [made("png")]}, gradio.MultimodalTextbox()),
        "visible_label": (lambda: picture, gradio.Image(watermark=str(files / "made.png"))),
        "model": (lambda: made("glb"), gradio.Model3D()),
        "text_file": (lambda: made("txt"), gradio.File()),
        "webm_file": (lambda: made("webm"), gradio.File()),
    }
    if not app._SIX:
        everything["chat_tuples"] = (lambda: [(None, (made("png"),))], gradio.Chatbot(type="tuples"))
    return everything


NAMES = [
    "webp",
    "png",
    "jpeg",
    "array",
    "path",
    "pathlib",
    "avif",
    "svg",
    "update",
    "component",
    "generator",
    "coroutine",
    "gallery",
    "film_gallery",
    "slider",
    "editor",
    "annotated",
    "chat_path",
    "chat_component",
    "sound_path",
    "sound_array",
    "sound_bytes",
    "film",
    "file",
    "files",
    "button",
    "multimodal",
    "visible_label",
    "model",
    "text_file",
    "webm_file",
]
BESIDE = ("model", "text_file", "webm_file")
NUMBER = {"gallery": 3, "slider": 2, "editor": 2, "annotated": 2, "files": 3}


@pytest.fixture(scope="module")
def studio(files, tmp_path_factory):
    """A served app with one event for each shape; yields its client and its profile."""
    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "cache"))
        patch.chdir(folder)
        profile = Profile(folder=folder / "home")
        with gradio.Blocks() as demo:
            for name, (function, output) in ways(files).items():
                gradio.Button(name).click(function, None, output, api_name=name)
            echoes(files)
        with calling(disclosed(demo, profile, exclude=["excluded"], system=SYSTEM), download_files=False) as client:
            yield client, profile


def echoes(files):
    """Add events that give back what they got, as it is or changed."""
    shown, paths = gradio.Image(type="numpy"), gradio.Image(type="filepath")
    pil, sound, upload = gradio.Image(type="pil"), gradio.Audio(), gradio.File(type="filepath")
    gradio.Button().click(lambda array: array, shown, gradio.Image(), api_name="echo_array")
    gradio.Button().click(lambda array: 255 - array, shown, gradio.Image(), api_name="changed_array")
    gradio.Button().click(lambda picture: picture, pil, gradio.Image(), api_name="echo_pil")
    gradio.Button().click(painted_on, pil, gradio.Image(), api_name="painted_on")
    gradio.Button().click(lambda path: path, paths, gradio.Image(), api_name="echo_path")
    gradio.Button().click(lambda pair: pair, sound, gradio.Audio(), api_name="echo_sound")
    copied = lambda path: str(shutil.copy(path, files / "copied.png"))  # noqa: E731
    gradio.Button().click(copied, upload, gradio.File(), api_name="copied")
    gradio.Button().click(lambda: str(files / "made.png"), None, gradio.Image(), api_name="excluded")


def painted_on(picture):
    picture.paste((255, 0, 0), (0, 0, 40, 40))
    return picture


def served(client, value):
    """Return what a browser fetches for each file in *value*: [(path, bytes)]."""
    if isinstance(value, (list, tuple)):
        return [pair for item in value for pair in served(client, item)]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("path"), str):
        return [(value["path"], fetched(client, value["path"]))]
    return [pair for item in value.values() for pair in served(client, item)]


def fetched(client, path):
    with urllib.request.urlopen(f"{client.src}gradio_api/file={quote(path)}") as response:  # noqa: S310
        return response.read()


@pytest.mark.parametrize("way", NAMES)
def test_every_shape_is_served_marked(studio, way):
    client, profile = studio
    found = served(client, client.predict(api_name=f"/{way}"))
    assert len(found) >= NUMBER.get(way, 1)
    for path, data in found:
        beside = fetched(client, f"{path}.c2pa") if way in BESIDE else None
        verdict = verify(Asset.from_data(data, sidecar=beside), profile)
        assert verdict.outcome is Outcome.DISCLOSED
        assert verdict.disclosure.system == SYSTEM


def test_regions_of_an_annotated_picture_are_signed_and_only_the_picture_is_watermarked(studio):
    client, profile = studio
    (_, picture), (_, region) = served(client, client.predict(api_name="/annotated"))
    kinds = [{item.layer for item in verify(data, profile).evidence} for data in (picture, region)]
    assert all("c2pa" in kind for kind in kinds)
    assert ["image_watermark" in kind for kind in kinds] == [True, False]


@pytest.mark.skipif(app._SIX, reason="Gradio 6 has no chats of tuples")
def test_a_chat_of_tuples_is_served_marked(studio):
    client, profile = studio
    ((_, data),) = served(client, client.predict(api_name="/chat_tuples"))
    assert verify(data, profile).outcome is Outcome.DISCLOSED


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.png"
    path.write_bytes(encoded(photograph("coffee", width=384, height=384)))
    return handle_file(path)


@pytest.mark.parametrize("way", ["echo_array", "echo_pil", "echo_path", "copied"])
def test_what_a_person_sent_passes_through_unmarked(studio, mine, way):
    client, profile = studio
    ((_, data),) = served(client, client.predict(mine, api_name=f"/{way}"))
    assert verify(data, profile).outcome is Outcome.UNDETERMINED


@pytest.mark.parametrize("way", ["changed_array", "painted_on"])
def test_what_was_made_of_it_is_marked(studio, mine, way):
    client, profile = studio
    ((_, data),) = served(client, client.predict(mine, api_name=f"/{way}"))
    assert verify(data, profile).outcome is Outcome.DISCLOSED


def test_a_sound_that_a_person_sent_passes_through_unmarked(studio, files):
    client, profile = studio
    ((_, data),) = served(client, client.predict(handle_file(files / "made.wav"), api_name="/echo_sound"))
    assert verify(data, profile).outcome is Outcome.UNDETERMINED


def test_a_generated_picture_that_goes_in_again_does_not_lose_its_manifest(studio):
    client, profile = studio
    first = client.predict(api_name="/png")
    ((_, data),) = served(client, client.predict(first, api_name="/echo_array"))
    verdict = verify(data, profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert {"c2pa", "image_watermark"} <= {item.layer for item in verdict.evidence}


def test_excluded_functions_are_left_alone(studio, files):
    client, _ = studio
    ((_, data),) = served(client, client.predict(api_name="/excluded"))
    assert data == (files / "made.png").read_bytes()


def test_a_misspelt_name_in_exclude_is_refused(profile):
    with gradio.Blocks() as demo:
        gradio.Button().click(lambda: None, None, gradio.Image(), api_name="draw")
    with pytest.raises(ProfileError, match="exclude='drow'"):
        disclosed(demo, profile, exclude=["drow"], system=SYSTEM)


def test_examples_that_were_cached_before_are_served_marked(profile, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GRADIO_EXAMPLES_CACHE", str(tmp_path / "cached_examples"))
    draw = lambda prompt: Image.open(files / "made.png")  # noqa: E731

    def build():
        # Gradio names the folder of the cache after the number of the component.
        Context.id = 1000
        with gradio.Blocks() as demo:
            prompt, shown = gradio.Textbox(), gradio.Image()
            gradio.Button().click(draw, prompt, shown, api_name="draw")
            gradio.Examples([["a"], ["b"]], prompt, shown, draw, cache_examples=True)
        return demo

    with calling(build(), download_files=False):
        pass
    for options in ({}, {"only": [draw]}):
        demo = disclosed(build(), profile, system=SYSTEM, **options)
        cached = next(fn for fn in demo.fns.values() if getattr(fn.fn, "__name__", "") == "load_example_output")
        cached.api_name, cached.show_api, cached.api_visibility = "cached", True, "public"
        with calling(demo, download_files=False) as client:
            found = served(client, client.predict(0, fn_index=cached._id))
        assert [verify(data, profile).outcome for _, data in found] == [Outcome.DISCLOSED]
