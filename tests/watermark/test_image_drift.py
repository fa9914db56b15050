import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from planes import SYMBOLS, tiled

from disclose.watermark.image.blocks import Blocks
from disclose.watermark.image.decode import reference_of
from disclose.watermark.image.drift import Follower, start
from disclose.watermark.image.tile import DEFAULT_KEY, TILE, tile_of

TILE_OF = tile_of(DEFAULT_KEY)
REFERENCE = reference_of(TILE_OF, SYMBOLS)
SHAPE = (256, 320)

# Each example is a plane and its transform: too dear to be made smaller a thousand times when one fails.
few = settings(max_examples=8, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
near_identity = arrays(float, (2, 2), elements=st.floats(-0.3, 0.3)).map(lambda change: np.eye(2) + change)


def follower(plane, matrix=None):
    return Follower(tile=TILE_OF, blocks=Blocks.of(TILE_OF, plane, np.eye(2) if matrix is None else matrix))


@few
@given(near_identity, st.integers(70, 150), st.integers(70, 150))
def test_the_blocks_sum_to_the_fourier_transform(matrix, height, width):
    plane = np.random.default_rng(height).standard_normal((height, width)).astype(np.float32)
    frequencies = TILE_OF.waves @ matrix / TILE
    down = np.exp(-2j * np.pi * np.outer(frequencies[:, 1], np.arange(height) + 0.5))
    across = np.exp(-2j * np.pi * np.outer(frequencies[:, 0], np.arange(width) + 0.5))
    direct = np.sum((down @ plane) * across, axis=1)
    blocks = Blocks.of(TILE_OF, plane, matrix)
    assert blocks.shape == (-(-height // 64), -(-width // 64))
    assert np.abs(blocks.values.sum(axis=0) - direct).max() < 1e-3 * np.sqrt(plane.size)


@few
@given(near_identity, arrays(float, (3, 2), elements=st.floats(-9, 9)))
def test_a_linear_drift_becomes_the_map_it_stands_for(matrix, linear):
    found = follower(np.zeros((200, 300), np.float32), matrix)
    change, offset = found.linear(np.concatenate([linear, np.zeros((3, 2))]))
    points = np.array([[0.0, 0.0], [300, 0], [0, 200], [123, 45]])
    moved = points @ matrix.T + linear[0] + (points - [150, 100]) / 150 @ linear[1:]
    assert np.allclose(points @ change.T + offset, moved)


@few
@given(
    arrays(float, (1, 2), elements=st.floats(-1.5, 1.5)),
    arrays(float, (2, 2), elements=st.floats(-2, 2)),
    arrays(float, (3, 2), elements=st.floats(-1.5, 1.5)),
)
def test_a_known_displacement_is_followed(shift, slope, bend):
    drift = np.concatenate([shift, slope, bend])
    blocks = follower(tiled(TILE_OF, SHAPE, np.eye(2), drift, noise=2))
    found = start()
    for degree, highest in ((1, 0.1), (2, 0.2), (2, 1.0)):
        found = blocks.followed(found, REFERENCE, degree=degree, highest=highest)
    assert np.abs(blocks.basis @ (found - drift)).max() < 0.5  # canonical pixels, at the block that is furthest off


def test_following_never_reads_worse_than_before():
    plane = tiled(TILE_OF, SHAPE, np.eye(2), np.full((6, 2), 0.8))
    blocks = follower(plane)

    def fit(drift):
        return float(np.vdot(REFERENCE, blocks.gathered(drift) / np.sqrt(blocks.noise)).real)

    scores = [fit(drift) for drift in (start(), blocks.followed(start(), REFERENCE, degree=2))]
    assert scores[1] > 1.2 * scores[0]


def test_a_drift_taken_out_leaves_what_was_there_without_it():
    drift = np.zeros((6, 2))
    drift[0] = 5, -3
    moved = follower(tiled(TILE_OF, SHAPE, np.eye(2), drift, noise=0)).gathered(drift)
    still = follower(tiled(TILE_OF, SHAPE, np.eye(2), noise=0)).gathered(start())
    assert np.abs(np.vdot(moved, still)) > 0.99 * np.linalg.norm(moved) * np.linalg.norm(still)
