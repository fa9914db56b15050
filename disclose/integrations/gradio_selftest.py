"""The proof at start: a picture that goes through this very Gradio comes out marked, or the app is refused."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disclose.asset import Asset
from disclose.errors import DiscloseError, extra
from disclose.integrations.gradio_outputs import Outputs
from disclose.layer import Plane
from disclose.marker import Marker

with extra("gradio"):
    import gradio
    from gradio.context import Context

if TYPE_CHECKING:
    from disclose.disclosure import Disclosure

_EDGE = 256
"""Pixels; small enough to be marked in a moment and large enough for every layer."""


class _Trial(gradio.Blocks):
    """An app that is never served, and so has no need of routes, which take longer to make than all the rest."""

    def queue(self, *args: Any, **kwargs: Any) -> Any:
        return self

    def __exit__(self, *args: Any) -> None:
        gradio.blocks.BlockContext.__exit__(self, *args)


def prove(hook: Callable[[gradio.Blocks, Outputs], None], marker: Marker, disclosure: Disclosure) -> None:
    """Raise DiscloseError unless a picture that a function of an app returns is marked by what *hook* attaches to it.

    The trial leaves no file and no record behind. It is made with the layers of *marker* that write into files, for
    those that compute take longer, unless there are no others.
    """
    silent = [layer for layer in marker.layers if layer.plane < Plane.RECORD]
    layers = [layer for layer in silent if layer.plane is Plane.CONTAINER] or silent
    trial = Marker(layers, optional=marker.optional)
    with tempfile.TemporaryDirectory() as folder, _apart():
        with _Trial() as demo:
            shown = gradio.Image(format="png")
            shown.GRADIO_CACHE = folder
            shown.change(lambda: None, None, shown)
        hook(demo, Outputs(demo, lambda: trial, lambda: disclosure, door="gradio, at start"))
        block_fn = next(iter(demo.fns.values()))
        with ThreadPoolExecutor(1) as executor:  # the caller may be inside an event loop
            try:
                (value,) = executor.submit(asyncio.run, demo.postprocess_data(block_fn, _picture(), None)).result()
            except gradio.Error as error:
                raise DiscloseError(f"this app is refused, because a picture for trial failed: {error}") from error
        path = Path(getattr(value, "path", None) or value["path"])
        if not any(layer.name in _found(trial, path) for layer in layers):
            raise DiscloseError(
                f"gradio {gradio.__version__} lets outputs out unmarked, so this app is refused; disclose is made for"
                " gradio 5.50 and 6: install one of these"
            )


def _found(marker: Marker, path: Path) -> set[str]:
    asset = Asset.open(path)
    return {layer.name for layer in marker.layers if any(True for _ in layer.detect(asset))}


def _picture() -> Any:
    import numpy

    # Smooth and bright enough for the watermark, and not a plain area that has no place for one.
    rows, columns = numpy.mgrid[0:_EDGE, 0:_EDGE]
    waves = [numpy.sin(rows / period) * numpy.cos(columns / period) for period in (5, 7, 11)]
    return (numpy.stack(waves, axis=-1) * 60 + 128).astype(numpy.uint8)


@contextmanager
def _apart() -> Iterator[None]:
    """Keep what is built inside from becoming part of the app that is being built around it."""
    kept = (Context.root_block, Context.block)
    Context.root_block = Context.block = None
    try:
        yield
    finally:
        Context.root_block, Context.block = kept
