import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from disclose.watermark import image
from disclose.watermark.image import code, decode, significance
from disclose.watermark.image.tile import BAND, DEFAULT_KEY, tile_of


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


@given(st.floats(0, 12), st.floats(0, 12), st.integers(1, 10**6), st.integers(1, 100))
def test_more_evidence_of_presence_is_never_less_significant(template, sync, templates, syncs):
    p = significance.presence_p_value(template, templates, sync, syncs)
    assert 0 < p <= 1
    assert significance.presence_p_value(template + 0.5, templates, sync, syncs) <= p
    assert significance.presence_p_value(template, templates, sync + 0.5, syncs) <= p
    assert significance.presence_p_value(template, 2 * templates, sync, syncs) >= p


def test_a_rank_score_is_standard_normal_whatever_the_colour_of_the_spectrum():
    generator = np.random.default_rng(3)
    rough = np.exp(3 * generator.normal(size=BAND.shape)) * (generator.normal(size=BAND.shape) + 1j)
    scores = [decode.rank_score(tile_of(bytes([number])), rough.astype(np.complex64)) for number in range(250)]
    assert abs(np.mean(scores)) < 0.2
    assert 0.85 < np.std(scores) < 1.15


def test_the_peak_at_the_corner_is_that_of_the_whole_surface_when_the_mark_begins_there():
    tile = tile_of(DEFAULT_KEY)
    waves = decode.normalised(tile, tile.phasors_of(code.encode(7, DEFAULT_KEY)) / tile.amplitudes)
    assert np.isclose(decode.sync_at_corner(tile, waves), decode.sync_of(tile, waves).z, rtol=1e-3)
    moved = waves * tile.turned((-40.0, 25.0))
    assert decode.sync_at_corner(tile, moved) < 0.6 * decode.sync_of(tile, moved).z


def test_presence_is_as_sure_as_its_payload_and_unsure_of_other_keys_marks(small):
    pixels = np.asarray(small)
    found = image.presence(pixels)
    assert found.detection.payload == image.detect(pixels).payload
    assert found.p_value <= found.detection.p_value
    assert image.presence(pixels, key=b"somebody else").p_value > 1e-3
