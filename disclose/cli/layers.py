"""``disclose layers``: the techniques that are installed, and those in use."""

from __future__ import annotations

import json

import click
from rich.table import Table

from disclose import registry
from disclose.cli.terminal import console, plain
from disclose.profile import Profile


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a layer.")
def layers(as_json: bool) -> None:
    """List the installed layers: what they mark, in which plane, and whether the profile uses them."""
    profile = Profile.load()
    found = [registry.create(name, profile.resources()) for name in registry.names()]
    found.sort(key=lambda layer: (layer.plane, layer.name))
    if as_json:
        for layer in found:
            values = {"name": layer.name, "plane": layer.plane.name.lower(), "media": layer.media}
            used = {"used": layer.name in profile.layers, "read": layer.name in profile.read_by}
            used["optional"] = layer.name in profile.optional
            print(json.dumps({**values, **used}))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("layer", "plane", "in use", "media types"):
        table.add_column(heading, no_wrap=heading != "media types")
    for layer in found:
        used_here = "yes" if layer.name in profile.layers else "to read" if layer.name in profile.read_by else "no"
        table.add_row(plain(layer.name), layer.plane.name.lower(), used_here, plain(", ".join(layer.media)))
    console().print(table)
