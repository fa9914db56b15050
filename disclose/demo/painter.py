"""A small procedural painter: landscapes and abstract currents grown from a prompt, without any model.

It stands in for a generative model in the demo, so that marking can be seen without weights, network or GPU.
It reads no meaning in a prompt: the words only seed it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from disclose.demo.brushes import Chance, Field, blend, colour, coordinates, gradient, line, moved, noise, smooth

if TYPE_CHECKING:
    from PIL.Image import Image


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
        sky=("#2b4c7e", "#7d8fb3", "#e8b4a0", "#fbdcb0"),
        light="#fff1c9",
        far="#b58a92",
        near="#2a2340",
        current=("#1d2b53", "#7b3f72", "#e26d5c", "#ffc482", "#fff3d6"),
    ),
    _Palette(  # high summer
        sky=("#1f6fb2", "#5fa8d8", "#b9def0", "#f3f6e4"),
        light="#fffbe0",
        far="#8db4b8",
        near="#1f4a3c",
        current=("#0b3954", "#087e8b", "#7fc8a9", "#f5eec2", "#f2a65a"),
    ),
    _Palette(  # ember evening
        sky=("#2a1a4a", "#7a2f5f", "#d8553f", "#ffb35c"),
        light="#ffe8ae",
        far="#a84a52",
        near="#1c1026",
        current=("#150b2e", "#5c1a5a", "#c7363c", "#ff8c42", "#ffe29a"),
    ),
    _Palette(  # northern morning
        sky=("#33536b", "#7fa3ad", "#c9d9d3", "#f1ead9"),
        light="#fff8e6",
        far="#9fb3b5",
        near="#1d3038",
        current=("#12232e", "#2f5d62", "#8fb8a8", "#e3e7d3", "#d9a566"),
    ),
    _Palette(  # lilac dusk
        sky=("#25274d", "#57508a", "#b187b8", "#f6c9c4"),
        light="#fff0dc",
        far="#8a75a6",
        near="#1b1a38",
        current=("#141433", "#3d3a82", "#8b6fc0", "#e5a4c4", "#fde6d2"),
    ),
    _Palette(  # spring rain
        sky=("#3c6e71", "#84a98c", "#cad2b5", "#f4efcf"),
        light="#fffbe8",
        far="#94b09a",
        near="#22382e",
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
    canvas = canvas + (noise(chance, (height, width), 120, 2)[..., None] - 0.5) * 0.04
    canvas = canvas + chance.uniform(-0.012, 0.012, (height, width, 1)).astype(np.float32)
    return pillow.fromarray((np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8))


def _valley(chance: Chance, palette: _Palette, shape: tuple[int, int]) -> Field:
    """Ridges behind ridges in haze, the nearest ones wooded."""
    canvas, light = _sky(chance, palette, shape, horizon=0.62)
    return _ridges(chance, palette, canvas, light, top=chance.uniform(0.38, 0.5), bottom=0.98, layers=7)


def _lake(chance: Chance, palette: _Palette, shape: tuple[int, int]) -> Field:
    """Mountains mirrored in water under a low sun."""
    shore = chance.uniform(0.52, 0.66)
    canvas, light = _sky(chance, palette, shape, horizon=shore)
    canvas = _ridges(chance, palette, canvas, light, top=shore - 0.24, bottom=shore + 0.01, layers=4, relief=0.13)
    return _mirrored(chance, palette, canvas, light, shore)


def _sea(chance: Chance, palette: _Palette, shape: tuple[int, int]) -> Field:
    """Much sky over open water, sometimes with an island."""
    shore = chance.uniform(0.62, 0.74)
    canvas, light = _sky(chance, palette, shape, horizon=shore, clouds=0.95)
    if chance.uniform() < 0.6:
        canvas = _ridges(chance, palette, canvas, light, top=shore - 0.03, bottom=shore, layers=2, relief=0.09)
    return _mirrored(chance, palette, canvas, light, shore)


def _night(chance: Chance, palette: _Palette, shape: tuple[int, int]) -> Field:
    """Stars and northern lights over a dark wood."""
    height, width = shape
    y, _ = coordinates(shape)
    deep = blend(colour("#060a1c"), colour(palette.current[0]), 0.5)
    canvas = gradient((deep * 0.55, deep, blend(deep, colour(palette.current[2]), 0.4)), y / 0.85)
    canvas = np.repeat(canvas, width, axis=1)
    for brightness, amount, radius in ((0.9, 34, 2.2), (0.6, 160, 1.3), (0.45, 700, 0.8)):
        canvas += _stars(chance, shape, amount, radius * height / 1024)[..., None] * brightness
    inner = colour(("#5ff0b0", "#7de8ff", "#b6ff8a")[int(chance.integers(3))])
    outer = colour(palette.current[2])
    for _ in range(3):
        foot = chance.uniform(0.42, 0.68) + 0.22 * (line(chance, width, 2, 1) - 0.5)
        folds = np.maximum(0.1 + line(chance, width, 5, 3), 0) ** 2 * (0.35 + line(chance, width, 90, 2))
        above = foot[None, :] - y
        curtain = np.where(above > 0, np.exp(-above / 0.2), np.exp(above / 0.05)) * folds[None, :]
        shade = blend(inner, outer, np.clip(above / 0.35, 0, 1)[..., None])
        canvas += (curtain * chance.uniform(0.7, 1.1))[..., None] * shade
    # Light adds up, and film runs out of white slowly; scaled by the strongest channel, colours stay colours.
    peak = np.maximum(canvas.max(axis=2, keepdims=True), 1e-6)
    canvas = canvas * ((1 - np.exp(-1.3 * peak)) / peak)
    shore = chance.uniform(0.74, 0.86)
    dark = _Palette(sky=palette.sky, light="#cfe8ff", far="#24365a", near="#03060d", current=palette.current)
    light = (chance.uniform(0.2, 0.8), 0.3)
    canvas = _ridges(chance, dark, canvas, light, top=shore - 0.16, bottom=shore, layers=4, relief=0.1, glow=0.15)
    return _mirrored(chance, dark, canvas, light, shore, glitter=0.12)


def _currents(chance: Chance, palette: _Palette, shape: tuple[int, int]) -> Field:
    """Folded colour in slow movement, lit from one side like thick paint."""
    cells = int(chance.integers(2, 5))
    first, second = noise(chance, shape, cells, 4), noise(chance, shape, cells, 4)
    reach = chance.uniform(0.5, 0.9)
    folded = moved(noise(chance, shape, cells, 5), (first - 0.5) * reach, (second - 0.5) * reach)
    bands = int(chance.integers(2, 5))
    t = folded * 1.5 - 0.25 + 0.12 * np.sin(2 * np.pi * bands * (folded + 0.35 * first))
    canvas = gradient(tuple(colour(stop) for stop in palette.current), t)
    relief: Field = t + 0.02 * noise(chance, shape, 48, 3)
    down, across = np.gradient(relief, axis=0), np.gradient(relief, axis=1)
    lit = np.clip((across - down) * shape[0] / 22, -1, 1)[..., None]
    shine = 0.22 * np.maximum(lit - 0.5, 0)
    lacquered: Field = canvas * (1 + 0.32 * lit) + shine * colour(palette.light)
    return lacquered


_COMPOSITIONS = (_valley, _lake, _sea, _night, _currents)


def _sky(
    chance: Chance, palette: _Palette, shape: tuple[int, int], *, horizon: float, clouds: float = 0.75
) -> tuple[Field, tuple[float, float]]:
    """Return a sky down to *horizon* and where its sun stands, as fractions of width and height."""
    y, x = coordinates(shape)
    aspect = shape[1] / shape[0]
    light = (chance.uniform(0.2, 0.8), horizon * chance.uniform(0.35, 0.85))
    canvas = gradient(tuple(colour(stop) for stop in palette.sky), y / horizon)
    distance = np.hypot((x - light[0]) * aspect, y - light[1])
    glow = colour(palette.light)
    canvas = blend(canvas, glow, (0.75 * np.exp(-distance / 0.2))[..., None])
    radius = chance.uniform(0.035, 0.075)
    disc = smooth((radius - distance) / 0.004)
    canvas = blend(canvas, glow, disc[..., None])
    # Clouds are noise stretched along the horizon, more so the nearer they come to it.
    depth = (0.12 + y / horizon) ** 1.4
    drift = noise(chance, shape, (7, 3), 6)
    wisps = noise(chance, shape, (26, 4), 4)
    cover = smooth((0.62 * drift + 0.38 * wisps - 0.62 + 0.22 * clouds) * 5) * np.clip(depth, 0, 1)
    lit = np.exp(-distance / 0.45)
    bright = blend(colour(palette.sky[-1]), glow, lit[..., None])
    shade = blend(colour(palette.sky[0]), colour(palette.sky[1]), 0.65)
    cloud = blend(shade, bright, np.clip(1.6 * wisps - 0.3 + 0.5 * lit, 0, 1)[..., None])
    return blend(canvas, cloud, (0.72 * cover)[..., None]), light


def _ridges(
    chance: Chance,
    palette: _Palette,
    canvas: Field,
    light: tuple[float, float],
    *,
    top: float,
    bottom: float,
    layers: int,
    relief: float = 0.17,
    glow: float = 0.55,
) -> Field:
    """Return *canvas* with ridges before it, from hazy and far at *top* to dark and near at *bottom*."""
    height, width = canvas.shape[:2]
    y, x = coordinates((height, width))
    haze, near, shine = colour(palette.far), colour(palette.near), colour(palette.light)
    mist = blend(haze, shine, 0.35)
    # One wide weave for all ridges, each cut from another place, costs a quarter of a new one for each.
    weave = noise(chance, (height, 2 * width), (34, 28), 5) - 0.5
    for step in range(layers):
        nearness = step / max(layers - 1, 1)
        base = top + (bottom - top) * nearness**1.25
        crest = base - relief * (1.15 - 0.6 * nearness) * (line(chance, width, 3 + 2 * step, 7) - 0.25)
        if nearness > 0.55:
            crest = crest - _trees(chance, width, 0.018 + 0.03 * nearness**3)
        start = max(int(crest.min() * height) - 2, 0)
        below = y[start:] - crest[None, :]
        haziness = np.clip(below / 0.22, 0, 1) * (0.33 * (1 - nearness) + 0.07)
        body = blend(blend(haze, near, nearness**0.8), mist, haziness[..., None])
        lit = np.exp(-np.abs(x - light[0]) / 0.35) * ((1 - nearness) * glow * 0.5)
        body = blend(body, shine, (lit * np.exp(np.maximum(below, 0) / -0.05))[..., None])
        offset = step * width // layers
        grain = weave[start:, offset : offset + width]
        body *= (1 + (0.14 + 0.4 * nearness) * grain)[..., None]
        canvas[start:] = blend(canvas[start:], body, smooth(below * height / 1.5)[..., None])
    return canvas


def _mirrored(
    chance: Chance,
    palette: _Palette,
    canvas: Field,
    light: tuple[float, float],
    shore: float,
    *,
    glitter: float = 0.9,
) -> Field:
    """Return *canvas* with everything below *shore* turned into water that mirrors what stands above."""
    height, width = canvas.shape[:2]
    row = int(shore * height)
    y, x = coordinates((height, width))
    depth = np.clip((y[row:] - shore) / (1 - shore), 0, 1)
    swell = noise(chance, (height - row, width), (34, 5), 4) - 0.5
    ripple = noise(chance, (height - row, width), (90, 10), 3) - 0.5
    rows = np.arange(row, height, dtype=np.float32)[:, None]
    source = row - (rows - row) * (row / (height - row)) ** 0.5 + swell * (8 + 90 * depth) * height / 1024
    column = np.arange(width)[None, :] + ripple * (4 + 40 * depth) * width / 1024
    mirror = canvas[np.clip(source, 0, row - 1).astype(int), np.clip(column, 0, width - 1).astype(int)]
    deep = blend(colour(palette.near), colour(palette.sky[0]), 0.5)
    water = blend(mirror, deep, (0.18 + 0.5 * depth)[..., None])
    water = water * (1 + (0.25 + 0.35 * depth[..., None]) * ripple[..., None])
    path = np.exp(-(((x - light[0]) / (0.05 + 0.14 * depth)) ** 2))
    sparkle = smooth((ripple + swell) * 7 - 0.55) * path * glitter
    water = blend(water, colour(palette.light), np.clip(sparkle, 0, 1)[..., None])
    shoreline = np.exp(-depth / 0.012) * 0.35
    water = blend(water, colour(palette.light), shoreline[..., None] * min(glitter, 0.6))
    return np.concatenate([canvas[:row], water.astype(np.float32)])


def _trees(chance: Chance, width: int, tall: float) -> Field:
    """Return how far conifers rise above a ridge at each column."""
    tops = np.zeros(width, np.float32)
    x = np.arange(width, dtype=np.float32) / width
    count = int(3.2 / tall)
    growth = line(chance, width, 5, 3)
    for centre, size in zip(chance.uniform(0, 1, count), chance.uniform(0.35, 1, count), strict=True):
        rise = tall * size * (0.35 + growth[min(int(centre * width), width - 1)])
        low, high = int((centre - rise) * width), int((centre + rise) * width) + 1
        span = slice(max(low, 0), max(high, 0))
        away = np.abs(x[span] - centre) / (0.32 * rise)
        # A conifer is a cone with branches: the sine gives it its steps.
        cone = rise * np.clip(1 - away, 0, 1) * (1 - 0.25 * (0.5 + 0.5 * np.sin(away * 26)))
        tops[span] = np.maximum(tops[span], cone)
    return tops


def _stars(chance: Chance, shape: tuple[int, int], amount: int, radius: float) -> Field:
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
