"""A Gradio function as a tool of another model: what it returns keeps its manifest, and it says what it is."""

import base64
import importlib.util

import anyio
import gradio
from pictures import photograph
from system_parts import need

from disclose import Outcome, verify
from disclose.demo import app
from disclose.integrations.gradio import disclosed


def test_a_picture_leaves_marked_over_mcp_and_the_tool_says_what_it_is(profile, tmp_path, monkeypatch):
    need(importlib.util.find_spec("mcp") is not None, "pip install 'gradio[mcp]'")
    import mcp
    from mcp.client import streamable_http

    # Gradio 5 asks for an mcp that has it under its first name.
    connect = getattr(streamable_http, "streamable_http_client", None) or streamable_http.streamablehttp_client
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))

    def draw(prompt: str):
        """Draw a picture.

        Args:
            prompt: What is in it.
        """
        return photograph(width=384, height=384)

    demo = gradio.Interface(draw, gradio.Textbox(), gradio.Image(format="png"), api_name="draw")
    address = app.serve(
        disclosed(demo, profile, system="Acme Studio"), prevent_thread_lock=True, quiet=True, mcp_server=True
    )

    async def talk():
        async with (
            connect(f"{address}gradio_api/mcp/") as (reading, writing, _),
            mcp.ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
            (tool,) = [one for one in tools if one.name.endswith("draw")]
            return tools, tool, (await session.call_tool(tool.name, {"prompt": "a hill"})).content

    try:
        tools, tool, content = anyio.run(talk)
    finally:
        demo.close(verbose=False)
        demo.server.force_exit = True  # a browser keeps its connections
        demo.server.thread.join()
    assert "You are interacting with an AI system." in tool.description
    assert len(tools) == 1
    (picture,) = [one for one in content if one.type == "image"]
    assert verify(base64.b64decode(picture.data), profile).outcome is Outcome.DISCLOSED
