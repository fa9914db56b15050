"""A small procedural painter: landscapes and abstract currents grown from a prompt, without any model.

It stands in for a generative model in the demo, so that marking can be seen without weights, network or GPU.
It reads no meaning in a prompt: the words only seed it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

_Field: TypeAlias = "NDArray[np.float32]"
_Chance: TypeAlias = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class _Palette:
    """Colours of one mood; ``sky`` and ``current`` run from one end of a gradient to the other."""

    sky: tuple[str, ...]
    light: str
    far: str
    near: str
    current: tuple[str, ...]


_PALETTES = (
    _Palette(  # dawn
        sky=("#2b4c7e", "#7d8fb3", "#e8b4a0", "#fbdcb0"), light="#fff1c9", far="#b58a92", near="#2a2340",
        current=("#1d2b53", "#7b3f72", "#e26d5c", "#ffc482", "#fff3d6"),
    ),
    _Palette(  # high summer
        sky=("#1f6fb2", "#5fa8d8", "#b9def0", "#f3f6e4"), light="#fffbe0", far="#8db4b8", near="#1f4a3c",
        current=("#0b3954", "#087e8b", "#7fc8a9", "#f5eec2", "#f2a65a"),
    ),
    _Palette(  # ember evening
        sky=("#2a1a4a", "#7a2f5f", "#d8553f", "#ffb35c"), light="#ffe8ae", far="#a84a52", near="#1c1026",
        current=("#150b2e", "#5c1a5a", "#c7363c", "#ff8c42", "#ffe29a"),
    ),
    _Palette(  # northern morning
        sky=("#33536b", "#7fa3ad", "#c9d9d3", "#f1ead9"), light="#fff8e6", far="#9fb3b5", near="#1d3038",
        current=("#12232e", "#2f5d62", "#8fb8a8", "#e3e7d3", "#d9a566"),
    ),
    _Palette(  # lilac dusk
        sky=("#25274d", "#57508a", "#b187b8", "#f6c9c4"), light="#fff0dc", far="#8a75a6", near="#1b1a38",
        current=("#141433", "#3d3a82", "#8b6fc0", "#e5a4c4", "#fde6d2"),
    ),
    _Palette(  # spring rain
        sky=("#3c6e71", "#84a98c", "#cad2b5", "#f4efcf"), light="#fffbe8", far="#94b09a", near="#22382e",
        current=("#14342b", "#3a7d5d", "#a8c66c", "#f3e9a6", "#f28f6b"),
    ),
)


def paint(prompt: str, size: tuple[int, int] = (1024, 1024)) -> Image:
    """Return the picture of *prompt*, *size* (width, height) pixels large; the same prompt gives the same picture."""
    from PIL import Image as pillow

    # PCG64 with uniform() and integers() alone: numpy keeps these streams stable, and no others so strictly.
    seed = int.from_bytes(hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest(), "big")
    chance = np.random.Generator(np.random.PCG64(seed))
    palette = _PALETTES[int(chance.integers(len(_PALETTES)))]
    composition = _COMPOSITIONS[int(chance.integers(len(_COMPOSITIONS)))]
    width, height = size
    canvas = composition(chance, palette, (height, width))
    # Grain hides the banding of smooth skies, and gives a watermark something to sit in.
    canvas = canvas + (_noise(chance, (height, width), 120, 2)[..., None] - 0.5) * 0.04
    canvas = canvas + chance.uniform(-0.012, 0.012, (height, width, 1)).astype(np.float32)
    return pillow.fromarray((np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8), "RGB")


def _valley(chance: _Chance, palette: _Palette, shape: tuple[int, int]) -> _Field:
    """Ridges behind ridges in haze, the nearest ones wooded."""
    canvas, light = _sky(chance, palette, shape, horizon=0.62)
    return _ridges(chance, palette, canvas, light, top=chance.uniform(0.38, 0.5), bottom=0.98, layers=7)


def _lake(chance: _Chance, palette: _Palette, shape: tuple[int, int]) -> _Field:
    """Mountains mirrored in water under a low sun."""
    shore = chance.uniform(0.52, 0.66)
    canvas, light = _sky(chance, palette, shape, horizon=shore)
    canvas = _ridges(chance, palette, canvas, light, top=shore - 0.24, bottom=shore + 0.01, layers=4, relief=0.13)
    return _mirrored(chance, palette, canvas, light, shore)


def _sea(chance: _Chance, palette: _Palette, shape: tuple[int, int]) -> _Field:
    """Much sky over open water, sometimes with an island."""
    shore = chance.uniform(0.62, 0.74)
    canvas, light = _sky(chance, palette, shape, horizon=shore, clouds=0.95)
    if chance.uniform() < 0.6:
        canvas = _ridges(chance, palette, canvas, light, top=shore - 0.03, bottom=shore, layers=2, relief=0.09)
    return _mirrored(chance, palette, canvas, light, shore)


def _night(chance: _Chance, palette: _Palette, shape: tuple[int, int]) -> _Field:
    """Stars and northern lights over a dark wood."""
    height, width = shape
    y, _ = _coordinates(shape)
    deep = _blend(_colour("#060a1c"), _colour(palette.current[0]), 0.5)
    canvas = _gradient((deep * 0.55, deep, _blend(deep, _colour(palette.current[2]), 0.4)), y / 0.85)
    canvas = np.repeat(canvas, width, axis=1)
    for brightness, amount, radius in ((0.9, 34, 2.2), (0.6, 160, 1.3), (0.45, 700, 0.8)):
        canvas += _stars(chance, shape, amount, radius * height / 1024)[..., None] * brightness
    inner = _colour(("#5ff0b0", "#7de8ff", "#b6ff8a")[int(chance.integers(3))])
    outer = _colour(palette.current[2])
    for _ in range(3):
        foot = chance.uniform(0.42, 0.68) + 0.22 * (_line(chance, width, 2, 1) - 0.5)
        folds = np.maximum(0.1 + _line(chance, width, 5, 3), 0) ** 2 * (0.35 + _line(chance, width, 90, 2))
        above = foot[None, :] - y
        curtain = np.where(above > 0, np.exp(-above / 0.2), np.exp(above / 0.05)) * folds[None, :]
        colour = _blend(inner, outer, np.clip(above / 0.35, 0, 1)[..., None])
        canvas += (curtain * chance.uniform(0.7, 1.1))[..., None] * colour
    canvas = 1 - np.exp(-1.3 * canvas)  # light adds up, and film runs out of white slowly
    shore = chance.uniform(0.74, 0.86)
    dark = _Palette(sky=palette.sky, light="#cfe8ff", far="#24365a", near="#03060d", current=palette.current)
    light = (chance.uniform(0.2, 0.8), 0.3)
    canvas = _ridges(chance, dark, canvas, light, top=shore - 0.16, bottom=shore, layers=4, relief=0.1, glow=0.15)
    return _mirrored(chance, dark, canvas, light, shore, glitter=0.12)


def _currents(chance: _Chance, palette: _Palette, shape: tuple[int, int]) -> _Field:
    """Folded colour in slow movement, lit from one side like thick paint."""
    cells = int(chance.integers(2, 5))
    first, second = _noise(chance, shape, cells, 4), _noise(chance, shape, cells, 4)
    reach = chance.uniform(0.5, 0.9)
    folded = _moved(_noise(chance, shape, cells, 5), (first - 0.5) * reach, (second - 0.5) * reach)
    bands = int(chance.integers(2, 5))
    t = folded * 1.5 - 0.25 + 0.12 * np.sin(2 * np.pi * bands * (folded + 0.35 * first))
    canvas = _gradient(tuple(_colour(stop) for stop in palette.current), t)
    relief = t + 0.02 * _noise(chance, shape, 48, 3)
    down, across = np.gradient(relief)
    lit = (across - down) * shape[0] / 22
    canvas *= 1 + 0.32 * np.clip(lit, -1, 1)[..., None]
    shine = np.clip(lit - 0.5, 0, 1)[..., None]
    return (canvas + shine * 0.22 * _colour(palette.light)).astype(np.float32)


_COMPOSITIONS = (_valley, _lake, _sea, _night, _currents)


def _sky(
    chance: _Chance, palette: _Palette, shape: tuple[int, int], *, horizon: float, clouds: float = 0.75
) -> tuple[_Field, tuple[float, float]]:
    """Return a sky down to *horizon* and where its sun stands, as fractions of width and height."""
    y, x = _coordinates(shape)
    aspect = shape[1] / shape[0]
    light = (chance.uniform(0.2, 0.8), horizon * chance.uniform(0.35, 0.85))
    canvas = _gradient(tuple(_colour(stop) for stop in palette.sky), y / horizon)
    distance = np.hypot((x - light[0]) * aspect, y - light[1])
    glow = _colour(palette.light)
    canvas = _blend(canvas, glow, (0.75 * np.exp(-distance / 0.2))[..., None])
    radius = chance.uniform(0.035, 0.075)
    disc = _smooth((radius - distance) / 0.004)
    canvas = _blend(canvas, glow, disc[..., None])
    # Clouds are noise stretched along the horizon, more so the nearer they come to it.
    depth = (0.12 + y / horizon) ** 1.4
    drift = _noise(chance, shape, (7, 3), 6)
    wisps = _noise(chance, shape, (26, 4), 4)
    cover = _smooth((0.62 * drift + 0.38 * wisps - 0.62 + 0.22 * clouds) * 5) * np.clip(depth, 0, 1)
    lit = np.exp(-distance / 0.45)
    bright = _blend(_colour(palette.sky[-1]), glow, lit[..., None])
    shade = _blend(_colour(palette.sky[0]), _colour(palette.sky[1]), 0.65)
    cloud = _blend(shade, bright, np.clip(1.6 * wisps - 0.3 + 0.5 * lit, 0, 1)[..., None])
    return _blend(canvas, cloud, (0.72 * cover)[..., None]), light


def _ridges(
    chance: _Chance,
    palette: _Palette,
    canvas: _Field,
    light: tuple[float, float],
    *,
    top: float,
    bottom: float,
    layers: int,
    relief: float = 0.17,
    glow: float = 0.55,
) -> _Field:
    """Return *canvas* with ridges before it, from hazy and far at *top* to dark and near at *bottom*."""
    height, width = canvas.shape[:2]
    y, x = _coordinates((height, width))
    haze, near, shine = _colour(palette.far), _colour(palette.near), _colour(palette.light)
    mist = _blend(haze, shine, 0.35)
    # One wide weave for all ridges, each cut from another place, costs a quarter of a new one for each.
    weave = _noise(chance, (height, 2 * width), (34, 28), 5) - 0.5
    for step in range(layers):
        nearness = step / max(layers - 1, 1)
        base = top + (bottom - top) * nearness**1.25
        crest = base - relief * (1.15 - 0.6 * nearness) * (_line(chance, width, 3 + 2 * step, 7) - 0.25)
        if nearness > 0.55:
            crest = crest - _trees(chance, width, 0.018 + 0.03 * nearness**3)
        start = max(int(crest.min() * height) - 2, 0)
        below = y[start:] - crest[None, :]
        haziness = np.clip(below / 0.22, 0, 1) * (0.33 * (1 - nearness) + 0.07)
        body = _blend(_blend(haze, near, nearness**0.8), mist, haziness[..., None])
        lit = np.exp(-np.abs(x - light[0]) / 0.35) * ((1 - nearness) * glow * 0.5)
        body = _blend(body, shine, (lit * np.exp(np.maximum(below, 0) / -0.05))[..., None])
        offset = step * width // layers
        grain = weave[start:, offset : offset + width]
        body *= (1 + (0.14 + 0.4 * nearness) * grain)[..., None]
        canvas[start:] = _blend(canvas[start:], body, _smooth(below * height / 1.5)[..., None])
    return canvas


def _mirrored(
    chance: _Chance,
    palette: _Palette,
    canvas: _Field,
    light: tuple[float, float],
    shore: float,
    *,
    glitter: float = 0.9,
) -> _Field:
    """Return *canvas* with everything below *shore* turned into water that mirrors what stands above."""
    height, width = canvas.shape[:2]
    row = int(shore * height)
    y, x = _coordinates((height, width))
    depth = np.clip((y[row:] - shore) / (1 - shore), 0, 1)
    swell = _noise(chance, (height - row, width), (34, 5), 4) - 0.5
    ripple = _noise(chance, (height - row, width), (90, 10), 3) - 0.5
    rows = np.arange(row, height, dtype=np.float32)[:, None]
    source = row - (rows - row) * (row / (height - row)) ** 0.5 + swell * (8 + 90 * depth) * height / 1024
    column = np.arange(width)[None, :] + ripple * (4 + 40 * depth) * width / 1024
    mirror = canvas[np.clip(source, 0, row - 1).astype(int), np.clip(column, 0, width - 1).astype(int)]
    deep = _blend(_colour(palette.near), _colour(palette.sky[0]), 0.5)
    water = _blend(mirror, deep, (0.18 + 0.5 * depth)[..., None])
    water = water * (1 + (0.25 + 0.35 * depth[..., None]) * ripple[..., None])
    path = np.exp(-(((x - light[0]) / (0.05 + 0.14 * depth)) ** 2))
    sparkle = _smooth((ripple + swell) * 7 - 0.55) * path * glitter
    water = _blend(water, _colour(palette.light), np.clip(sparkle, 0, 1)[..., None])
    shoreline = np.exp(-depth / 0.012) * 0.35
    water = _blend(water, _colour(palette.light), shoreline[..., None] * min(glitter, 0.6))
    return np.concatenate([canvas[:row], water.astype(np.float32)])


def _trees(chance: _Chance, width: int, tall: float) -> _Field:
    """Return how far conifers rise above a ridge at each column."""
    tops = np.zeros(width, np.float32)
    x = np.arange(width, dtype=np.float32) / width
    count = int(3.2 / tall)
    growth = _line(chance, width, 5, 3)
    for centre, size in zip(chance.uniform(0, 1, count), chance.uniform(0.35, 1, count), strict=True):
        rise = tall * size * (0.35 + growth[min(int(centre * width), width - 1)])
        low, high = int((centre - rise) * width), int((centre + rise) * width) + 1
        span = slice(max(low, 0), max(high, 0))
        away = np.abs(x[span] - centre) / (0.32 * rise)
        # A conifer is a cone with branches: the sine gives it its steps.
        cone = rise * np.clip(1 - away, 0, 1) * (1 - 0.25 * (0.5 + 0.5 * np.sin(away * 26)))
        tops[span] = np.maximum(tops[span], cone)
    return tops


def _stars(chance: _Chance, shape: tuple[int, int], amount: int, radius: float) -> _Field:
    height, width = shape
    sky = np.zeros(shape, np.float32)
    reach = max(int(3 * radius), 1)
    offsets = np.arange(-reach, reach + 1)
    spot = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (radius**2 + 0.01)).astype(np.float32)
    if min(shape) <= 2 * reach + 1:
        return sky
    for u, v, bright in chance.uniform(0, 1, (amount, 3)):
        top, left = int(u * (height - 2 * reach - 1)), int(v * (width - 2 * reach - 1))
        sky[top : top + 2 * reach + 1, left : left + 2 * reach + 1] += spot * (0.15 + 0.85 * bright**3)
    return sky


def _noise(chance: _Chance, shape: tuple[int, int], cells: int | tuple[int, int], octaves: int) -> _Field:
    """Return smooth random values around 0.5: *octaves* lattices, each twice as fine and half as strong.

    *cells* is how many lattice cells the coarsest has, down and across or along the shorter side.
    """
    height, width = shape
    if isinstance(cells, int):
        shorter = min(shape)
        cells = (max(cells * height // shorter, 1), max(cells * width // shorter, 1))
    total = np.zeros(shape, np.float32)
    strength = 0.5
    for octave in range(octaves):
        down, across = (min(count << octave, side) for count, side in zip(cells, shape, strict=True))
        lattice = chance.uniform(-1, 1, (down + 3, across + 3)).astype(np.float32)
        total += strength * (_weights(height, down) @ lattice @ _weights(width, across).T)
        strength /= 2
    return total * 0.9 + 0.5


def _line(chance: _Chance, length: int, cells: int, octaves: int) -> _Field:
    """Return smooth random values around 0.5 along a line."""
    total = np.zeros(length, np.float32)
    strength = 0.5
    for octave in range(octaves):
        count = min(cells << octave, length)
        total += strength * (_weights(length, count) @ chance.uniform(-1, 1, count + 3).astype(np.float32))
        strength /= 2
    return total * 0.9 + 0.5


def _weights(length: int, cells: int) -> _Field:
    """Return the matrix that draws a Catmull-Rom curve through a lattice of *cells* cells."""
    position = (np.arange(length) + 0.5) * cells / length
    first = np.minimum(position.astype(int), cells - 1)
    t = position - first
    curve = (
        (-t + 2 * t**2 - t**3) / 2,
        (2 - 5 * t**2 + 3 * t**3) / 2,
        (t + 4 * t**2 - 3 * t**3) / 2,
        (-(t**2) + t**3) / 2,
    )
    matrix = np.zeros((length, cells + 3), np.float32)
    for offset, weight in enumerate(curve):
        matrix[np.arange(length), first + offset] = weight
    return matrix


def _moved(field: _Field, down: _Field, across: _Field) -> _Field:
    """Return *field* read at displaced places, displacements as fractions of its sides, edges mirrored."""
    from scipy.ndimage import map_coordinates

    height, width = field.shape
    rows = np.arange(height, dtype=np.float32)[:, None] + down * height
    columns = np.arange(width, dtype=np.float32)[None, :] + across * width
    moved: _Field = map_coordinates(field, [rows, columns], order=1, mode="mirror")
    return moved


def _coordinates(shape: tuple[int, int]) -> tuple[_Field, _Field]:
    height, width = shape
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    x = (np.arange(width, dtype=np.float32)[None, :] + 0.5) / width
    return y, x


def _gradient(stops: Sequence[_Field], t: _Field) -> _Field:
    places, fine = np.linspace(0, 1, len(stops)), np.linspace(0, 1, 2048)
    channels = [np.interp(fine, places, [float(stop[channel]) for stop in stops]) for channel in range(3)]
    table = np.stack(channels, axis=-1).astype(np.float32)
    return table[(np.clip(t, 0, 1) * 2047).astype(int)]


def _blend(one: _Field, other: _Field, share: _Field | float) -> _Field:
    blended: _Field = one + (other - one) * share
    return blended


def _smooth(t: _Field) -> _Field:
    t = np.clip(t, 0, 1)
    smooth: _Field = t * t * (3 - 2 * t)
    return smooth


def _colour(text: str) -> _Field:
    return np.array([int(text[place : place + 2], 16) for place in (1, 3, 5)], np.float32) / 255
