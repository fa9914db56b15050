"""Pictures and sounds that leave a Gradio app inside texts, plots and data, as data: addresses, or over a detour."""

import base64
import json
import logging
import re

import gradio
import numpy
import pytest
from gradio_client import Client
from media_files import small_file
from pictures import encoded, photograph
from PIL import Image

from disclose import Outcome, Profile, verify
from disclose.demo import app
from disclose.integrations.gradio import disclosed

SYSTEM = "Acme Studio"
OF_MESSAGES = {} if app._SIX else {"type": "messages"}
SVG = "data:image/svg+xml;utf8,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
ADDRESS = re.compile(r"data:[a-z]+/[a-z+]+;base64,([A-Za-z0-9+/=]+)")


def address(data, media_type="image/png"):
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def picture(turned=0):
    return encoded(photograph(width=384, height=384).rotate(turned))


def deep():
    """A PNG of 16 bits per channel, which is readable, and of a kind that is not marked."""
    grey = numpy.asarray(photograph(width=384, height=384).convert("L")).astype(numpy.uint16) * 257
    return encoded(Image.fromarray(grey))


def wrapped(data):
    """Return the address of *data* as old mailers and XML libraries write it, in lines."""
    return "data:image/png;base64," + base64.encodebytes(data).decode()


HTML = (
    f'<p title="a > b">Two:</p><IMG SRC="{address(picture())}" alt="é"><img src=\'{wrapped(picture(90))}\'>'
    f"<i style='background:url({address(encoded(photograph(width=512, height=512), 'JPEG'), 'image/jpeg')})'></i>\r\n"
    f'<img src="{SVG}"><code>data:image/png;base64,…</code> data:image/png;base64,iVBORw0KGgo'
)
MARKDOWN = f"# Here\n\n![one]({address(picture())} 'a title') and\n\ntext after"
ESCAPED = json.dumps({"layout": {"images": [{"source": address(picture())}]}}).replace("/", "\\u002f")


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """A served app with one event for each place in which a picture may stand; yields its client and its profile."""
    folder = tmp_path_factory.mktemp("inside")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "cache"))
        profile = Profile(folder=folder / "home")
        with gradio.Blocks() as demo:
            talk = [{"role": "assistant", "content": MARKDOWN}]
            chart = gradio.components.plot.PlotData(type="plotly", plot=ESCAPED)
            ways = {
                "html": (lambda: HTML, gradio.HTML()),
                "update": (lambda: gradio.update(value=HTML), gradio.HTML()),
                "markdown": (lambda: MARKDOWN, gradio.Markdown()),
                "json": (lambda: {"a": [HTML], "b": 1}, gradio.JSON()),
                "chat": (lambda: talk, gradio.Chatbot(**OF_MESSAGES)),
                "chart": (lambda: chart, gradio.Plot()),
                "browser": (lambda: {"kept": address(picture())}, gradio.BrowserState()),
                "sound": (
                    lambda: f'<audio src="{address(small_file("audio/wav"), "audio/wav")}">',
                    gradio.HTML(),
                ),
                "deep": (lambda: f"<img src='{address(deep())}'>", gradio.HTML()),
                "broken": (lambda: f"<img src='{address(picture())[:401]}'>", gradio.HTML()),
                "raw": (lambda: f"<img src='data:image/png,{'%89PNG' * 20}'>", gradio.HTML()),
            }
            for name, (function, output) in ways.items():
                gradio.Button().click(function, None, output, api_name=name)
            gradio.Button().click(lambda text: text, gradio.Textbox(), gradio.HTML(), api_name="echo")
            over_detours(demo)
        address_of_app = app.serve(
            disclosed(demo, profile, system=SYSTEM), prevent_thread_lock=True, quiet=True, show_error=True
        )
        client = Client(address_of_app, verbose=False)
        yield client, profile
        client.close()
        demo.close(verbose=False)
        demo.server.force_exit = True  # a browser keeps its connections
        demo.server.thread.join()


def over_detours(demo):
    """Add events whose pictures leave later than they are made."""
    kept, shown = gradio.State(), gradio.Image(format="png")
    make = gradio.Button().click(lambda: photograph(width=384, height=384), None, kept, api_name="keep")
    gradio.Button().click(lambda picture: picture, kept, shown, api_name="show")
    make.then(lambda picture: picture, kept, gradio.Image(), api_name="then")


def disclosed_in(text, profile):
    """Return how many addresses of *text* hold what verifies as disclosed, and check that all do."""
    found = ADDRESS.findall(re.sub(r"\s+(?=[A-Za-z0-9+/=]{20})", "", text.replace("\\u002f", "/")))
    held = [base64.b64decode(one + "=" * (-len(one) % 4)) for one in found if len(one) > 32]
    assert [verify(data, profile).outcome for data in held] == [Outcome.DISCLOSED] * len(held)
    return len(held)


def without_content(text):
    return re.sub(
        r"(base64,)[A-Za-z0-9+/=\s]{32,}", r"\1", re.sub(r"(base64,)(?:[A-Za-z0-9+=]|\\u002f){32,}", r"\1", text)
    )


@pytest.mark.parametrize(
    ("way", "sent", "number"),
    [("html", HTML, 3), ("update", HTML, 3), ("json", HTML, 3), ("markdown", MARKDOWN, 1), ("chat", MARKDOWN, 1)],
)
def test_each_picture_in_a_text_is_marked_and_all_else_stays_as_it_was(studio, way, sent, number):
    client, profile = studio
    value = client.predict(api_name=f"/{way}")
    text = {
        "update": lambda: value["value"],
        "json": lambda: value["a"][0],
        "chat": lambda: value[0]["content"] if isinstance(value[0]["content"], str) else value[0]["content"][0]["text"],
    }.get(way, lambda: value)()
    assert disclosed_in(text, profile) == number
    assert without_content(text) == without_content(sent)
    assert text != sent


def test_a_picture_inside_the_json_of_a_chart_is_marked(studio):
    client, profile = studio
    value = client.predict(api_name="/chart")
    assert (value["type"], disclosed_in(value["plot"], profile)) == ("plotly", 1)
    assert json.loads(value["plot"])["layout"]["images"][0]["source"].startswith("data:image/png;base64,")


def test_what_a_browser_is_to_remember_is_marked_too(studio):
    client, profile = studio
    assert disclosed_in(client.predict(api_name="/browser")["kept"], profile) == 1


def test_a_sound_inside_a_text_is_marked(studio):
    client, profile = studio
    assert disclosed_in(client.predict(api_name="/sound"), profile) == 1


@pytest.mark.parametrize("way", ["deep", "broken", "raw"])
def test_a_picture_in_a_text_that_cannot_be_marked_is_held_back(studio, way):
    client, _ = studio
    with pytest.raises(Exception, match="held back"):
        client.predict(api_name=f"/{way}")


def test_a_picture_that_a_person_sent_inside_a_text_passes_through(studio):
    client, _ = studio
    mine = f"<img src='{address(encoded(photograph('coffee', width=384, height=384)))}'>"
    assert client.predict(mine, api_name="/echo") == mine


def test_a_drawing_and_a_chart_stay_and_the_log_says_so_once(profile, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    chart = gradio.components.plot.PlotData(type="plotly", plot="{}")
    with gradio.Blocks() as demo:
        gradio.Button().click(lambda: SVG, None, gradio.HTML(), api_name="drawing")
        gradio.Button().click(lambda: chart, None, gradio.Plot(), api_name="chart")
    address_of_app = app.serve(
        disclosed(demo, profile, system=SYSTEM), prevent_thread_lock=True, quiet=True, show_error=True
    )
    client = Client(address_of_app, verbose=False)
    with caplog.at_level(logging.WARNING):
        assert [client.predict(api_name="/drawing") for _ in range(2)] == [SVG] * 2
        assert [client.predict(api_name="/chart")["plot"] for _ in range(2)] == ["{}"] * 2
    client.close()
    demo.close(verbose=False)
    demo.server.force_exit = True  # a browser keeps its connections
    demo.server.thread.join()
    said = [record.getMessage() for record in caplog.records]
    assert sum("a drawing inside a data: address is not marked" in one for one in said) == 1
    assert sum("a plotly chart is not marked" in one for one in said) == 1


def test_a_matplotlib_plot_is_marked(profile, tmp_path, monkeypatch):
    matplotlib = pytest.importorskip("matplotlib", reason="pip install matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))

    def plot():
        figure = pyplot.figure(figsize=(4, 4))
        figure.add_subplot().imshow(photograph(width=384, height=384))
        return figure

    with gradio.Blocks() as demo:
        gradio.Button().click(plot, None, gradio.Plot(format="png"), api_name="plot")
    address_of_app = app.serve(
        disclosed(demo, profile, system=SYSTEM), prevent_thread_lock=True, quiet=True, show_error=True
    )
    client = Client(address_of_app, verbose=False)
    value = client.predict(api_name="/plot")
    client.close()
    demo.close(verbose=False)
    demo.server.force_exit = True  # a browser keeps its connections
    demo.server.thread.join()
    assert (value["type"], disclosed_in(value["plot"], profile)) == ("matplotlib", 1)


def test_a_picture_kept_in_the_state_of_a_session_is_marked_when_it_leaves(studio):
    client, profile = studio
    client.predict(api_name="/keep")
    for way in ("show", "then"):
        assert verify(client.predict(api_name=f"/{way}"), profile).outcome is Outcome.DISCLOSED
