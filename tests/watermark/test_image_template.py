from functools import lru_cache

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from planes import tiled

from disclose.watermark.image.loglog import MAXIMUM_ASPECT, ORIENTATIONS, upright_candidates
from disclose.watermark.image.logpolar import similarity, turned_candidates
from disclose.watermark.image.spectrum import Spectrum
from disclose.watermark.image.template import LARGEST, SAME, SEPARATION, SMALLEST, Template, peaks
from disclose.watermark.image.tile import DEFAULT_KEY, tile_of

TILE = tile_of(DEFAULT_KEY)
SIDE = (400, 500)
TOLERANCE = 0.01  # of a map, to its size: from within it the drift is followed

# Each example is a plane and its transform: too dear to be made smaller a thousand times when one fails.
few = settings(max_examples=8, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))


def template(matrix, noise=2.0):
    return Template(TILE, Spectrum.of(tiled(TILE, SIDE, matrix, noise=noise)))


@lru_cache
def still():
    return template(np.eye(2))


def apart(found, matrix):
    """Return how far the nearest of *found* is from *matrix*, to its size; a half turn cannot be told."""
    size = np.linalg.norm(matrix)
    return min(min(np.linalg.norm(one - matrix), np.linalg.norm(one + matrix)) for one in found) / size


scale = st.floats(1.05 * SMALLEST, 0.85 * LARGEST)


@few
@given(scale, st.floats(-0.95 * MAXIMUM_ASPECT, 0.95 * MAXIMUM_ASPECT), st.sampled_from(ORIENTATIONS))
def test_the_log_log_map_finds_any_two_scales(across, aspect, orientation):
    down = across * np.exp(aspect)
    assume(1.05 * SMALLEST < down < 0.85 * LARGEST)
    matrix = orientation * [across, down]
    seen = template(matrix)
    assert apart(seen.climbed(upright_candidates(TILE, seen, 4), 4), matrix) < TOLERANCE


@few
@given(scale, st.floats(0, np.pi), st.booleans())
def test_the_log_polar_map_finds_any_turn_and_scale(size, turn, mirrored):
    matrix = similarity(turn, size, mirrored)
    seen = template(matrix)
    assert apart(seen.climbed(turned_candidates(TILE, seen, 4), 4), matrix) < TOLERANCE


@few
@given(arrays(float, (2, 2), elements=st.floats(-0.012, 0.012)))
def test_a_climb_returns_to_the_map_from_nearby(change):
    (found,) = still().climbed((np.eye(2) + change)[None].astype(np.float32), 1)
    assert apart([found], np.eye(2)) < TOLERANCE / 2


@few
@given(st.integers(0, 2**32 - 1))
def test_a_climb_returns_maps_that_are_not_alike(seed):
    starts = np.eye(2) + 0.05 * np.random.default_rng(seed).standard_normal((10, 2, 2))
    found = still().climbed(np.concatenate([starts, -starts]).astype(np.float32), 6)
    assert 1 <= len(found) <= 6
    for index, one in enumerate(found):
        assert all(apart([one], other) > SAME / 2 for other in found[:index])


def test_no_map_explains_noise_as_well_as_the_right_one_explains_a_mark():
    noise = Template(TILE, Spectrum.of(np.random.default_rng(6).standard_normal(SIDE).astype(np.float32)))
    starts = np.concatenate([upright_candidates(TILE, noise, 10), turned_candidates(TILE, noise, 10)])
    by_chance = noise.scores(noise.power, noise.climbed(starts, 10)).max()
    seen = still()
    right = seen.scores(seen.power, np.eye(2, dtype=np.float32)[None])[0]
    assert right > 2 * by_chance


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_peaks_are_the_highest_and_lie_apart(seed, count):
    surface = np.random.default_rng(seed).standard_normal((60, 80)).astype(np.float32)
    found = peaks(surface, count)
    assert len(found) <= count
    assert found[0][0] == surface.max()
    assert [height for height, _, _ in found] == sorted((height for height, _, _ in found), reverse=True)
    for index, (height, row, column) in enumerate(found):
        assert surface[row, column] == np.float32(height)
        assert all(max(abs(row - r), abs(column - c)) >= SEPARATION for _, r, c in found[:index])


@pytest.mark.parametrize("place", [(0, 0), (59, 79), (30, 0)])
def test_a_peak_on_the_border_counts(place):
    surface = np.zeros((60, 80), np.float32)
    surface[place] = 1
    assert peaks(surface, 1) == [(1.0, *place)]
