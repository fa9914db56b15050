"""The robustness benchmark attacks fairly, counts rightly and says what it did not measure."""

import json
import sys
from pathlib import Path

import numpy
import pytest
from pictures import photograph
from PIL import Image

# The benchmarks are run from the repository and not installed.
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import peers, pictures, robustness, robustness_summary
from benchmarks.attacks import ATTACKS, GROUP
from benchmarks.intervals import at_most, percent, wilson

ATTACK_FILE = """
from PIL import Image
import numpy

def half(pixels):
    picture = Image.fromarray(pixels)
    return numpy.array(picture.resize((picture.width // 2, picture.height // 2)))

def broken(pixels):
    raise ValueError("not on this picture")

ATTACKS = {"nothing": lambda pixels: pixels, "half": half, "gone": lambda pixels: pixels * 0, "broken": broken}
GROUP = {"nothing": "value", "half": "value", "gone": "my own class", "broken": "value"}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pictures" / "hard").mkdir(parents=True)
    photograph("astronaut", 300, 300).save(tmp_path / "pictures" / "one.png")
    photograph("coffee", 300, 200).save(tmp_path / "pictures" / "hard" / "two.jpg")
    (tmp_path / "mine.py").write_text(ATTACK_FILE)
    return tmp_path


def run(folder, *more):
    command = ["--images", str(folder / "pictures"), "--attacks", str(folder / "mine.py"), "--size", "384"]
    robustness.main([*command, "--workers", "1", "--json", str(folder / "out.json"), *more])
    return json.loads((folder / "out.json").read_text())["384"]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_a_repeatable_function_of_pixels(name):
    pixels = numpy.asarray(photograph("coffee", 180, 132))
    before = pixels.copy()
    attacked = ATTACKS[name](pixels.copy())
    assert attacked.dtype == numpy.uint8
    assert attacked.ndim == 3
    assert attacked.shape[2] == 3
    assert min(attacked.shape[:2]) >= 32
    given = pixels.copy()
    assert (ATTACKS[name](given) == attacked).all()
    assert (given == before).all()
    assert name == "nothing" or attacked.shape != before.shape or (attacked != before).any()


def test_every_attack_has_a_class_and_every_class_has_several():
    assert set(ATTACKS) == set(GROUP)
    assert set(GROUP.values()) == set(robustness_summary.CLASSES)
    assert all(list(GROUP.values()).count(group) >= 5 for group in robustness_summary.CLASSES)


def test_the_pictures_are_of_the_size_asked_for_and_of_both_kinds():
    found = list(pictures.pictures(160, limit=6))
    assert {picture.kind for picture in found} == {"photograph", "hard"}
    assert all(max(picture.pixels.shape) == 160 for picture in found)
    assert pictures.names(limit=6) == pictures.names()[:6]


def test_wilson_is_right_at_known_values():
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1), abs=1e-4)
    assert wilson(0, 0) == (0, 1)


def test_no_hits_in_n_bound_the_rate_by_three_over_n():
    assert at_most(0, 50_000) == pytest.approx(3 / 50_000, rel=0.01)
    assert at_most(4, 4) == 1


def test_a_hundred_per_cent_is_said_of_all_and_of_nothing_less():
    assert [percent(rate) for rate in (1, 0.9996, 0.29, 0)] == ["100 %", "99.9 %", "29.0 %", "0 %"]


def test_the_command_runs_any_folder_and_any_attacks(folder):
    result = run(folder, "--peers", "disclose", "--unmarked")
    ours = result["peers"]["disclose"]
    assert result["attacks"] == {"nothing": "value", "half": "value", "gone": "my own class", "broken": "value"}
    assert ours["classes"]["value"]["photograph"]["exact"] == ours["classes"]["value"]["photograph"]["n"] == 2
    assert ours["attacks"]["gone"] == {"photograph": [0, 1], "hard": [0, 1]}
    assert ours["misses"]["one.png"] == ["gone"]
    assert ours["skipped"]["one.png"] == ["broken"]
    assert ours["pictures"]["hard/two.jpg"]["kind"] == "hard"
    assert ours["pictures"]["one.png"]["psnr"] > 38
    assert ours["wrong_payloads"] == {}
    assert ours["false_positives"]["hits"] == 0
    assert ours["false_positives"]["n"] == 6
    assert ours["speed"]["cpu_ms"]["detect"] > 0


def test_a_peer_that_is_not_installed_is_listed_as_not_measured(folder, monkeypatch):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    robustness._peer.cache_clear()
    result = run(folder, "--limit", "1", "--peers", "disclose", "trustmark", "rivaGan")
    assert list(result["peers"]) == ["disclose"]
    assert result["not_measured"]["trustmark"] == "not installed here: trustmark, torch"
    assert "onnxruntime" in result["not_measured"]["rivaGan"]


def test_a_peer_that_always_returns_bits_has_no_wrong_payloads():
    row = {"picture": "x", "kind": "photograph", "attack": "nothing", "psnr": 40.0, "ssim": 0.9, "outcome": "missed"}
    summary = robustness_summary.summary([row], {"nothing": "value"}, validates=False)
    assert summary["wrong_payloads"] is None
    assert summary["classes"]["value"]["photograph"]["rate"] == 0


def test_a_wrong_payload_misses_the_bar():
    row = {"picture": "x", "kind": "photograph", "attack": "nothing", "psnr": 46.0, "ssim": 0.99, "outcome": "wrong"}
    summary = robustness_summary.summary([row], {"nothing": "value"}, validates=True) | {"speed": {"cpu_ms": {}}}
    bars = {entry["bar"]: entry["met"] for entry in robustness_summary.bars(1024, summary)}
    assert bars["wrong payloads"] is False
    assert bars["least PSNR of a photograph, dB"] is True


def test_results_of_other_sizes_and_peers_are_kept(tmp_path):
    path = tmp_path / "out.json"
    same = {"images": "x", "attack_file": "y", "attacks": {"nothing": "value"}}
    first = same | {"peers": {"disclose": 1}, "not_measured": {"dwtDct": "not installed"}}
    path.write_text(json.dumps({"512": {}, "1024": first}))
    whole = robustness.merged(path, 1024, same | {"peers": {"dwtDct": 2}, "not_measured": {}})
    assert whole == {"1024": same | {"peers": {"disclose": 1, "dwtDct": 2}, "not_measured": {}}, "512": {}}


def test_a_colour_is_swapped_and_bits_are_counted_back():
    pixels = numpy.asarray(Image.new("RGB", (2, 2), (1, 2, 3)))
    assert peers._swapped(pixels)[0, 0].tolist() == [3, 2, 1]
    assert peers._number(peers._bits(0b1011, 6)) == 0b1011
