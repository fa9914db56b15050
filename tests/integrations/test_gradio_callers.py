"""What programs are told that call a Gradio app, and the document that its badge leads to."""

import anyio
import gradio
import httpx
import pytest
from browsers import running_browser
from fastapi import FastAPI
from gradio_pages import opened, serving

from disclose.about import WELL_KNOWN
from disclose.demo import app
from disclose.integrations.gradio import disclosed
from disclose.integrations.gradio_callers import META

SYSTEM = "Acme Studio"
HEADLINE = "You are interacting with an AI system."


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))


def echo(text: str):
    """Say it again.

    Args:
        text: What is said.
    """
    return text


def app_that_echoes(profile):
    demo = gradio.Interface(echo, gradio.Textbox(), gradio.Textbox(), api_name="echo", flagging_mode="never")
    return disclosed(demo, profile, system=SYSTEM, provider="Acme GmbH")


def test_what_functions_answer_says_so_in_a_header_and_the_page_s_own_parts_do_not(profile):
    with serving(app_that_echoes(profile)) as address, httpx.Client(base_url=address) as client:
        called = client.post("gradio_api/call/echo", json={"data": ["Hi"]})
        read = client.get(f"gradio_api/call/echo/{called.json()['event_id']}")
        assert "Hi" in read.text
        assert [one.headers["ai-disclosure"] for one in (called, read)] == ["mode=ai-originated"] * 2
        assert "ai-disclosure" not in client.get("config").headers
        assert "ai-disclosure" not in client.post("gradio_api/call/missing", json={"data": []}).headers


def test_the_app_says_at_the_well_known_address_what_it_is(profile):
    with serving(app_that_echoes(profile)) as address, httpx.Client(base_url=address) as client:
        said = client.get(WELL_KNOWN)
        page = client.get(WELL_KNOWN, headers={"accept": "text/html"})
    assert (said.json()["system"], said.json()["provider"]) == (SYSTEM, "Acme GmbH")
    assert "About this AI system" in page.text


def test_a_mounted_app_says_it_below_its_own_path(profile):
    from fastapi.testclient import TestClient

    site = gradio.mount_gradio_app(FastAPI(), app_that_echoes(profile), path="/studio")
    client = TestClient(site)
    assert client.get("/studio" + WELL_KNOWN).json()["system"] == SYSTEM
    assert client.get(WELL_KNOWN).status_code == 404
    called = client.post("/studio/gradio_api/call/echo", json={"data": ["Hi"]})
    assert called.headers["ai-disclosure"] == "mode=ai-originated"


def test_an_app_that_is_not_disclosed_says_nothing(profile):
    app_that_echoes(profile)
    plain = gradio.Interface(echo, gradio.Textbox(), gradio.Textbox(), api_name="echo", flagging_mode="never")
    with serving(plain) as address, httpx.Client(base_url=address) as client:
        assert "ai-disclosure" not in client.post("gradio_api/call/echo", json={"data": ["Hi"]}).headers
        assert client.get(WELL_KNOWN).status_code == 404


def test_the_badge_leads_to_the_document(profile):
    with running_browser() as browser, serving(app_that_echoes(profile)) as address:
        page = opened(browser, address)
        page.keyboard.press("Enter")
        link = page.get_by_role("region", name="AI notice").get_by_role("link", name=HEADLINE)
        with page.context.expect_page() as opening:
            link.click()
        assert "About this AI system" in opening.value.content()


@pytest.mark.skipif(not app._SIX, reason="tools of Gradio 5 have no place for it")
def test_tools_carry_the_disclosure_beside_what_their_author_put_there(profile):
    mcp = pytest.importorskip("mcp", reason="pip install 'gradio[mcp]'")
    from mcp.client.streamable_http import streamable_http_client

    def say(text: str):
        """Say it again."""
        return text

    say._mcp_meta = {"author": "Acme"}
    demo = gradio.Interface(say, gradio.Textbox(), gradio.Textbox(), api_name="say", flagging_mode="never")

    async def talk(address):
        async with (
            streamable_http_client(f"{address}gradio_api/mcp/") as (reading, writing, _),
            mcp.ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            (tool,) = (await session.list_tools()).tools
            return tool, await session.call_tool(tool.name, {"text": "Hi"})

    with serving(disclosed(demo, profile, system=SYSTEM), mcp_server=True) as address:
        tool, answer = anyio.run(talk, address)
    assert HEADLINE in tool.description
    expected = {"mode": "ai-originated", "system": SYSTEM, "notice": HEADLINE, "about": WELL_KNOWN}
    assert tool.meta == {"author": "Acme", META: expected}
    assert answer.meta[META] == expected
