"""The painter's brushes: smooth noise, gradients and blends on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Field: TypeAlias = "NDArray[Any]"
"""Numbers over a picture's rows and columns, 32-bit floats for speed; colours have a third axis."""
Chance: TypeAlias = np.random.Generator


def noise(chance: Chance, shape: tuple[int, int], cells: int | tuple[int, int], octaves: int) -> Field:
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


def line(chance: Chance, length: int, cells: int, octaves: int) -> Field:
    """Return smooth random values around 0.5 along a line."""
    total = np.zeros(length, np.float32)
    strength = 0.5
    for octave in range(octaves):
        count = min(cells << octave, length)
        total += strength * (_weights(length, count) @ chance.uniform(-1, 1, count + 3).astype(np.float32))
        strength /= 2
    return total * 0.9 + 0.5


def _weights(length: int, cells: int) -> Field:
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


def moved(field: Field, down: Field, across: Field) -> Field:
    """Return *field* read at displaced places, displacements as fractions of its sides, edges mirrored."""
    from scipy.ndimage import map_coordinates

    height, width = field.shape
    rows = np.arange(height, dtype=np.float32)[:, None] + down * height
    columns = np.arange(width, dtype=np.float32)[None, :] + across * width
    moved: Field = map_coordinates(field, [rows, columns], order=1, mode="mirror")
    return moved


def coordinates(shape: tuple[int, int]) -> tuple[Field, Field]:
    """Return each row's and each column's place from 0 to 1, shaped so that together they span the picture."""
    height, width = shape
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    x = (np.arange(width, dtype=np.float32)[None, :] + 0.5) / width
    return y, x


def gradient(stops: Sequence[Field], t: Field) -> Field:
    """Return the colours at the places *t* between evenly spaced *stops*; beyond 0 and 1 the ends go on."""
    places, fine = np.linspace(0, 1, len(stops)), np.linspace(0, 1, 2048)
    channels = [np.interp(fine, places, [float(stop[channel]) for stop in stops]) for channel in range(3)]
    table = np.stack(channels, axis=-1).astype(np.float32)
    colours: Field = table[(np.clip(t, 0, 1) * 2047).astype(int)]
    return colours


def blend(one: Field, other: Field, share: Field | float) -> Field:
    """Return *one* with a *share* of *other* mixed in."""
    blended: Field = one + (other - one) * share
    return blended


def smooth(t: Field) -> Field:
    """Return *t*, held between 0 and 1, with soft shoulders."""
    t = np.clip(t, 0, 1)
    smooth: Field = t * t * (3 - 2 * t)
    return smooth


def colour(text: str) -> Field:
    """Return the colour that ``#rrggbb`` names, as numbers from 0 to 1."""
    return np.array([int(text[place : place + 2], 16) for place in (1, 3, 5)], np.float32) / 255
