"""The demo app: paint a picture, download it marked, and verify any picture; no connection leaves the machine."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import disclose
from disclose.demo import painter
from disclose.demo.verdict import explained, named, refused
from disclose.errors import DiscloseError, extra
from disclose.integrations.gradio import disclosed

with extra("demo"):
    import gradio

if TYPE_CHECKING:
    from disclose.profile import Profile

SYSTEM = "disclose demo"
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
# Gradio 6 takes the theme when it is launched, Gradio 5 when it is built.
_SIX = int(gradio.__version__.split(".")[0]) >= 6
# A live region has to be there before what it announces, and Gradio has no setting for one.
_LIVE_REGIONS = """() => {
  for (const region of document.querySelectorAll("#written, #verdict")) region.setAttribute("role", "status");
  return [];
}"""
_SIZE = (1200, 800)
_PROMPTS = ("northern lights", "a mountain lake in April", "slow jazz", "the high valley in the mist")


def build(profile: Profile | None = None) -> gradio.Blocks:
    """Return the app, marking and verifying with *profile* (the environment's where there is none)."""
    if profile is None:
        from disclose.profile import default_profile

        profile = default_profile()
    chosen = profile

    def paint(prompt: str) -> Any:
        return painter.paint(prompt.strip() or "an empty page", _SIZE)

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

    with gradio.Blocks(title="disclose demo", analytics_enabled=False, **({} if _SIX else _looks())) as demo:
        gradio.HTML(_page("style.html") + _page("header.html"), padding=False)
        with gradio.Tab("Paint"):
            with gradio.Row(elem_id="ask"):
                prompt = gradio.Textbox(
                    label="Prompt", placeholder=_PROMPTS[0], max_lines=1, scale=4, min_width=200, elem_id="prompt"
                )
                button = gradio.Button("Paint", variant="primary", scale=0, min_width=120, elem_id="paint")
            gradio.Examples([[text] for text in _PROMPTS], prompt, label="Or try")
            # An image mode would have Gradio encode the file anew on its way to what reads it back.
            picture = gradio.Image(
                format="png",
                type="filepath",
                image_mode=None,
                interactive=False,
                label="Picture",
                elem_id="picture",
                **({"buttons": ["download", "fullscreen"]} if _SIX else {"show_share_button": False}),
            )
            written = gradio.HTML(elem_id="written", padding=False)
            download = gradio.DownloadButton(
                "Download the marked picture", visible=False, size="md", elem_id="download"
            )
            gradio.HTML(_page("painter.html"), padding=False)
        with gradio.Tab("Verify") as verifying:
            # A file and not an image, for the same reason: what is verified is its bytes.
            dropped = gradio.File(label="Picture to verify", type="filepath", elem_id="dropped")
            answer = gradio.HTML(elem_id="verdict", padding=False)
            gradio.HTML(_page("absence.html"), padding=False)
        painted = gradio.on([button.click, prompt.submit], paint, prompt, picture)
        painted.success(read_back, picture, [download, written], show_progress="hidden")
        dropped.change(verify, dropped, answer)
        for opened in (demo.load, verifying.select):
            opened(fn=None, js=_LIVE_REGIONS)
    # The painter is an algorithm and no trained model, so it says so.
    built: gradio.Blocks = disclosed(demo, chosen, only=[paint], system=SYSTEM, source_type="algorithmicMedia")
    return built


def launch(profile: Profile | None = None, port: int | None = None, open_browser: bool = True) -> None:
    """Serve the app on this machine alone until it is interrupted; *port* is the first free one from 7860."""
    serve(build(profile), port, inbrowser=open_browser)


def serve(demo: gradio.Blocks, port: int | None = None, **options: Any) -> str:
    """Launch *demo* as it is meant to look, and return its address; *options* are Gradio's own."""
    looks = {"footer_links": [], **_looks()} if _SIX else {"show_api": False}
    _, address, _ = demo.launch(
        server_name="127.0.0.1", server_port=port, share=False, ssr_mode=False, **{**looks, **options}
    )
    return str(address)


def _looks() -> dict[str, Any]:
    # Named fonts are the system's own; Gradio's themes would fetch theirs from the web.
    theme = gradio.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        radius_size="lg",
        spacing_size="md",
        text_size="lg",
        font=_FONTS,
        font_mono=_MONO,
    )
    return {"theme": theme}


def _written(verdict: disclose.Verdict) -> str:
    """Return what a fresh picture says about itself, read back from its file."""
    statement = verdict.disclosure
    if statement is None:
        return ""
    layers = ", ".join(dict.fromkeys(named(item.layer) for item in verdict.evidence))
    return (
        f'<p class="quiet">Written into the picture: <b>{escape(statement.system)}</b>, id '
        f"<code>{escape(str(statement.id))}</code>, in the layers {escape(layers)}.</p>"
    )


def _page(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text("utf-8")
