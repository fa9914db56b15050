import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from disclose.watermark.image import code, decode, significance
from disclose.watermark.image.tile import DEFAULT_KEY, tile_of


@given(st.floats(0, 28), st.floats(0, 28), st.integers(1, 10_000))
def test_a_higher_statistic_is_never_less_significant(one, other, geometries):
    low, high = sorted((one, other))
    assert significance.p_value(high, geometries) <= significance.p_value(low, geometries)


@given(st.integers(1, 10_000))
def test_every_geometry_tried_is_paid_for(geometries):
    assert np.isclose(significance.p_value(15, geometries), geometries * significance.p_value(15, 1))


def test_the_least_statistic_is_just_significant():
    assert np.isclose(significance.p_value(significance.least_z(300), 300), significance.REPORT_AT)


def test_a_correlation_with_a_foreign_picture_has_unit_variance():
    tile = tile_of(DEFAULT_KEY)
    generator = np.random.default_rng(1)
    lumpy = generator.gamma(0.5, size=(2000, len(tile.waves))) * np.exp(2j * np.pi * generator.random(len(tile.waves)))
    symbols = code.encode(1, DEFAULT_KEY)
    turned = lumpy * np.exp(2j * np.pi * generator.random(lumpy.shape))
    scores = [decode.joint_z(tile, decode.normalised(tile, w.astype(np.complex64)), symbols, (0, 0)) for w in turned]
    assert abs(np.std(scores) - 1) < 0.1


def test_the_doubt_about_a_faint_payload_is_honest():
    tile = tile_of(b"doubt")
    generator = np.random.default_rng(2)
    sure, wrong = 0, 0
    for payload in range(60):
        mark = tile.phasors_of(code.encode(payload, b"doubt")) / np.sqrt(6)
        noise = generator.normal(size=mark.shape) + 1j * generator.normal(size=mark.shape)
        waves = decode.normalised(tile, (0.6 * mark + noise / np.sqrt(2)).astype(np.complex64) / tile.amplitudes)
        reading = decode.decoded(tile, b"doubt", waves, decode.sync_of(tile, waves))
        if reading is not None and reading.doubt <= decode.DOUBT_LIMIT:
            sure += 1
            wrong += reading.payload != payload
    assert sure > 5
    assert wrong == 0
