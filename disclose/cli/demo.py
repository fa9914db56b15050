"""``disclose demo``: paint, download and verify in the browser, or tell the same story in the terminal."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click
from rich.padding import Padding

from disclose.cli.terminal import console, plain
from disclose.profile import Profile


@click.command()
@click.option("--once", is_flag=True, help="No browser: tell the story in the terminal, every line measured.")
@click.option("--port", type=int, help="Port to serve on. [default: the first free one from 7860]")
@click.option("--no-browser", is_flag=True, help="Serve without opening a browser.")
@click.option("--json", "as_json", is_flag=True, help="With --once, print one JSON object a line.")
def demo(once: bool, port: int | None, no_browser: bool, as_json: bool) -> None:
    """Open a small app that paints pictures, marks them, and verifies any picture.

    With --once the exit status is 0 only if every line of the story holds.
    """
    if not once:
        from disclose.demo.app import launch

        launch(Profile.load(), port=port, open_browser=not no_browser)
        return
    from disclose.demo.story import tell

    holds = True
    # The story has a ledger and an identity of its own: what it forges must not stand in anyone's records.
    with tempfile.TemporaryDirectory(prefix="disclose-demo-") as folder:
        profile = Profile(folder=Path(folder))
        for line in tell(profile):
            holds &= line.holds
            if as_json:
                print(line.to_json(), flush=True)
            else:
                sign = "✓" if line.holds else "✗"
                console().print(plain(f"{sign} {line.sentence}"), style="green" if line.holds else "bold red")
                console().print(Padding(plain(line.measured), (0, 0, 0, 4)), style="dim")
        # The last entries get their places in the tree a moment after they were appended.
        profile.ledger().close()
    sys.exit(0 if holds else 1)
