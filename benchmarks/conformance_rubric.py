"""Do our manifests pass the rubrics of the C2PA conformance programme, without a failure and without a warning?

    git clone https://github.com/c2pa-org/conformance-public
    pip install pyyaml "json_formula @ git+https://github.com/lrosenthol/json-formula-py"
    python -m benchmarks.conformance_rubric conformance-public/asset-rubrics

Every kind of manifest that we write is signed into a picture and put before the published evaluator, with the rubric
for specification 2.4 and the one for integrity.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import c2pa

from benchmarks.common import encoded, mosaic, write
from disclose.asset import Asset, Mark
from disclose.disclosure import Action, Disclosure
from disclose.layers.c2pa import C2paLayer
from disclose.lineage import Contribution, Part
from disclose.signing import Signer, TrustList
from disclose.signing.trust import EXTENDED_KEY_USAGES

EVALUATOR = "c2pa_conformance_rubric_evaluator.py"
RUBRICS = ("asset-rubric-conformance0.2-spec2.4.yml", "asset-rubric-integrity.yml")
SIDE = 256


def manifests(folder: Path) -> dict[str, bytes]:
    """Return a signed picture for each kind of manifest that we write."""
    identity = Signer.development(folder / "identity")
    layer = C2paLayer(signer=lambda: identity, trust=TrustList)
    reserving = C2paLayer(signer=lambda: identity, trust=TrustList, training_mining=True)
    watermarked = Mark(layer="image_watermark", details={"alg": "disclose.image.1", "value": "0123456789abcdef"})
    plain = Asset.open(encoded(mosaic(SIDE, SIDE), "PNG"))
    made = Disclosure.new(system="Studio", version="2", provider="Acme", model="acme/sketch")
    altered = Disclosure.new(system="Studio", action=Action.ALTERED)
    lineage = (
        Contribution(role=Part.SHARED, name="base", identifier="acme/base", version="0a1b"),
        Contribution(role=Part.FINE_TUNED, name="tuned", identifier="studio/tuned"),
        Contribution(role=Part.DEPLOYED, name="Studio GmbH"),
    )
    created = layer.mark(plain.with_mark(watermarked), made)
    signed = {
        "created": created,
        "made by an algorithm": layer.mark(plain, Disclosure.new(system="S", source_type="algorithmicMedia")),
        "altered": layer.mark(plain, altered),
        "altered, with credentials before": layer.mark(Asset.open(created.data), altered),
        "made from inputs": layer.mark(plain.with_inputs([Asset.open(created.data), plain]), made),
        "with lineage": layer.mark(plain, Disclosure.new(system="Studio", lineage=lineage)),
        "reserved from training": reserving.mark(plain, made),
    }
    return {name: asset.data for name, asset in signed.items()}


def evaluated(data: bytes, anchors: str, rubric: Path, folder: Path) -> dict[str, object]:
    """Return how many of the statements of *rubric* hold for the signed picture *data*, and which do not."""
    trust = {"trust_anchors": anchors, "trust_config": EXTENDED_KEY_USAGES}
    context = c2pa.Context(settings=c2pa.Settings.from_dict({"trust": trust}))
    described = folder / "asset.json"
    described.write_text(c2pa.Reader("image/png", io.BytesIO(data), context=context).crjson())
    command = [sys.executable, rubric.parent / EVALUATOR, rubric, described, "--spec-version", "2.4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the user names the folder
    if done.returncode or "{" not in done.stdout:
        raise SystemExit(f"the evaluator failed: {done.stderr.strip()[-500:]}")
    report, _ = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{") :])
    by_answer = {answer: _statements(report[answer]) for answer in ("true", "false", "warning")}
    return {"passed": len(by_answer["true"]), "failed": by_answer["false"], "warned": by_answer["warning"]}


def _statements(groups: dict[str, list[dict[str, str]]]) -> list[str]:
    return [str(item.get("id", item)) for items in groups.values() for item in items]


def main() -> None:
    """Evaluate, print and write ``results/conformance_rubric.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="asset-rubrics of c2pa-org/conformance-public")
    rubrics = [parser.parse_args().folder / name for name in RUBRICS]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = manifests(folder)
        anchors = (folder / "identity" / "root.pem").read_text()
        found = {
            kind: {rubric.stem: evaluated(data, anchors, rubric, folder) for rubric in rubrics}
            for kind, data in pictures.items()
        }
    for kind, row in found.items():
        print(kind, row)
    print(write("conformance_rubric", {"manifests": found}))


if __name__ == "__main__":
    main()
