"""What the detector hands back: the payload, how sure it is, and how the picture lies.

Coordinates are continuous: the top-left corner of a picture is (0, 0), x runs right, y runs down, and the centre
of the first pixel is (0.5, 0.5). In this convention a change of resolution is a plain multiplication.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, sqrt

Affine = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """How the examined picture lies in the picture as it was marked.

    ``matrix`` maps (x, y, 1) of the examined picture, in its own pixels, to canonical coordinates of the picture
    as marked (see :func:`canonical_size`), up to a whole number of tiles of 128 in each axis: the mark repeats, so
    it cannot tell one tile from the next.
    """

    matrix: Affine
    inverted: bool = False

    @property
    def scale(self) -> float:
        """Canonical pixels of the marked picture for each pixel of the examined one."""
        (a, b, _), (c, d, _) = self.matrix
        return sqrt(abs(a * d - b * c))

    @property
    def flipped(self) -> bool:
        """Whether the examined picture is a mirror image."""
        (a, b, _), (c, d, _) = self.matrix
        return a * d - b * c < 0

    @property
    def rotation(self) -> float:
        """Clockwise degrees on screen, in (-180, 180], that turn the examined picture upright.

        A mirror image is first mirrored left to right.
        """
        (a, b, _), (c, d, _) = self.matrix
        mirror = -1 if self.flipped else 1
        return degrees(atan2(mirror * c - b, mirror * a + d))

    def canonical(self, x: float, y: float) -> tuple[float, float]:
        """Return the canonical coordinates of the point (x, y) of the examined picture."""
        (a, b, u), (c, d, v) = self.matrix
        return a * x + b * y + u, c * x + d * y + v


@dataclass(frozen=True, kw_only=True)
class Detection:
    """A mark that was found: its payload, the p-value of finding one by chance, its geometry and layout version."""

    payload: int
    p_value: float
    geometry: Geometry
    version: int


@dataclass(frozen=True, kw_only=True)
class Presence:
    """Whether there is a mark at all: the p-value of *some* mark under the key, and the one that was read, if any.

    A mark fades before its absence can be claimed: too faint for its payload, it may still be seen to be there.
    """

    p_value: float
    detection: Detection | None
