"""The demo app: paint a picture, download it marked, and verify any picture; no connection leaves the machine."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import disclose
from disclose.demo import painter
from disclose.demo.verdict import explained, refused
from disclose.errors import DiscloseError, extra
from disclose.integrations.gradio import disclosed

with extra("demo"):
    import gradio

if TYPE_CHECKING:
    from disclose.profile import Profile

SYSTEM = "disclose demo"
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
_PROMPTS = ("northern lights over a forest", "a lake at dawn", "jazz", "the sea in winter")


def build(profile: Profile | None = None) -> gradio.Blocks:
    """Return the app, marking and verifying with *profile* (the environment's where there is none)."""
    if profile is None:
        from disclose.profile import default_profile

        profile = default_profile()
    chosen = profile

    def paint(prompt: str) -> Any:
        return painter.paint(prompt.strip() or "an empty page")

    def read_back(path: str | None) -> tuple[Any, str]:
        if path is None:
            return gradio.DownloadButton(visible=False), ""
        return gradio.DownloadButton(value=path, visible=True), _written(disclose.verify(path, chosen))

    def verify(path: str | None) -> str:
        if path is None:
            return ""
        try:
            return explained(disclose.verify(path, chosen))
        except DiscloseError:
            return refused()

    with gradio.Blocks(title="disclose demo", analytics_enabled=False) as demo:
        gradio.HTML(_STYLE + _HEADER, padding=False)
        with gradio.Tab("Paint"), gradio.Column(elem_classes="sheet"):
            with gradio.Row(elem_classes="ask"):
                prompt = gradio.Textbox(
                    label="Prompt", placeholder=f"Anything, such as “{_PROMPTS[0]}”", lines=1, max_lines=3, scale=4,
                    elem_id="prompt",
                )
                button = gradio.Button("Paint", variant="primary", scale=1, min_width=120, elem_id="paint")
            gradio.Examples([[text] for text in _PROMPTS], prompt, label="Try")
            picture = gradio.Image(
                label="Picture", format="png", type="filepath", image_mode=None, interactive=False, elem_id="picture",
                show_label=False,
            )
            written = gradio.HTML(elem_id="written", padding=False)
            download = gradio.DownloadButton("Download the marked picture", visible=False, elem_id="download")
            gradio.HTML(_HONEST, padding=False)
        with gradio.Tab("Verify"), gradio.Column(elem_classes="sheet"):
            # A file, and not an image: an image may be encoded anew on its way in, and what is verified is its bytes.
            dropped = gradio.File(label="Drop a picture here, or choose one", type="filepath", elem_id="dropped", height=150)
            with gradio.Column(elem_id="answer"):
                answer = gradio.HTML(elem_id="verdict", padding=False)
            gradio.HTML(_ABSENCE, padding=False)
        asked = {"fn": paint, "inputs": prompt, "outputs": picture}
        for event in (button.click(**asked), prompt.submit(**asked)):
            event.success(read_back, picture, [download, written], show_progress="hidden")
        dropped.change(verify, dropped, answer)
    # The painter is an algorithm and no trained model, so it says so.
    return disclosed(demo, chosen, only=[paint], system=SYSTEM, source_type="algorithmicMedia")


def launch(profile: Profile | None = None, port: int | None = None, open_browser: bool = True) -> None:
    """Serve the app on this machine alone until it is interrupted; *port* is the first free one from 7860."""
    build(profile).launch(
        server_name="127.0.0.1", server_port=port, inbrowser=open_browser, share=False, **appearance(),
    )


def appearance() -> dict[str, Any]:
    """Return what ``launch()`` needs to show the app as it is meant: fonts of the system, none from the web."""
    theme = gradio.themes.Base(
        primary_hue="blue", neutral_hue="slate", radius_size="lg", spacing_size="lg", text_size="lg",
        font=_FONTS, font_mono=_MONO,
    )
    return {"theme": theme, "footer_links": [], "ssr_mode": False}


def _written(verdict: disclose.Verdict) -> str:
    """Return what a fresh picture says about itself, read back from its file."""
    statement = verdict.disclosure
    if statement is None:
        return ""
    layers = ", ".join(dict.fromkeys(item.layer.replace("_", " ") for item in verdict.evidence))
    return (
        f'<p class="quiet" role="status">Written into the picture: <b>{escape(statement.system)}</b>, id '
        f"<code>{escape(str(statement.id))}</code>, in the layers {escape(layers)}.</p>"
    )


_HEADER = """
<header><h1>disclose</h1>
<p>Every picture painted here leaves with a disclosure that people can see and machines can check.</p></header>
"""
_HONEST = """
<p class="quiet">The painter is a small algorithm, so its pictures state <code>algorithmicMedia</code>;
your model’s pictures would say <code>trainedAlgorithmicMedia</code>, the default.</p>
"""
_ABSENCE = """
<p class="quiet">No mark found says nothing about origin: most pictures were never marked, and marks can be lost.
Your file stays on this machine.</p>
"""
_STYLE = """
<style></style>
"""
