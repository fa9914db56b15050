"""``disclose mark``: mark files, folders or standard input."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from disclose.asset import Asset, sidecar_path
from disclose.cli.terminal import STANDARD_STREAM, complain, console, files_of, plain, work_through
from disclose.disclosure import Action, DigitalSourceType
from disclose.errors import DiscloseError
from disclose.media import sniff
from disclose.profile import Profile


@dataclass(frozen=True, kw_only=True)
class _Result:
    name: str
    target: str
    asset: Asset | None = None
    error: str | None = None
    passed_over: bool = False


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN…")
@click.option("-o", "--output", help="File, folder, or '-' for standard output. [default: beside the input]")
@click.option("--system", help="Name of the AI system that made the content.")
@click.option("--system-version", "version", help="Its version.")
@click.option("--provider", help="Company or person that provides it.")
@click.option("--model", help="Model behind it.")
@click.option("--on-behalf-of", help="On whose behalf it acted.")
@click.option("--altered", is_flag=True, help="The system altered content that was there before.")
@click.option("--source-type", type=click.Choice([str(term) for term in DigitalSourceType]), metavar="TERM",
              help="IPTC digital source type. [default: trainedAlgorithmicMedia]")  # fmt: skip
@click.option("--input", "made_from", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="What it was made from, as in image-to-image; may be given several times.")  # fmt: skip
@click.option("--production", is_flag=True, help="Refuse the development identity.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file.")
def mark(
    inputs: tuple[str, ...],
    output: str | None,
    altered: bool,
    made_from: tuple[Path, ...],
    production: bool,
    as_json: bool,
    **statement: Any,
) -> None:
    """Mark files: watermark pictures, sign everything and record it in the ledger.

    A file of a kind that holds no signed manifest gets it beside it, in OUTPUT.c2pa: keep the two together.

    IN is a file, a folder, or '-' for standard input. The inputs are never changed. Exit status: 0 when all are
    marked, 1 when one could not be; the others are marked all the same.
    """
    if altered:
        statement["action"] = Action.ALTERED
    profile = Profile.load(production=True) if production else Profile.load()
    profile.disclosure(**statement)
    marker = profile.marker()
    origins = tuple(Asset.open(one) for one in made_from)
    jobs = list(files_of(inputs))
    if output == STANDARD_STREAM and len(jobs) != 1:
        raise click.UsageError(f"standard output takes one picture, and there are {len(jobs)}: give a folder")

    def one(job: tuple[Path | None, Path | None]) -> _Result:
        path, folder = job
        name, target = _names(path, folder, output, several=len(jobs) > 1)
        try:
            source = sys.stdin.buffer.read() if path is None else path
            asset = Asset.open(source)
            if folder is not None and not marker.marks(asset.media_type):
                return _Result(name=name, target=target, passed_over=True)
            asset = asset.with_inputs(origins)
            asset = marker.mark(asset, profile.disclosure(**statement), sidecar=target != STANDARD_STREAM)
            if output is None and path is not None and asset.data == asset.upstream and asset.sidecar is None:
                # Ours already: a second copy beside it would say nothing new, and a third with the next run.
                return _Result(name=name, target=name, asset=asset)
            if target == STANDARD_STREAM:
                sys.stdout.buffer.write(asset.data)
                sys.stdout.buffer.flush()
            else:
                if target.endswith("."):
                    target += sniff.EXTENSIONS[asset.media_type][1:]
                _make_folder(Path(target).parent)
                asset.save(target)
            return _Result(name=name, target=target, asset=asset)
        except DiscloseError as error:
            return _Result(name=name, target=target, error=str(error))

    results = list(work_through(jobs, one, doing="marking"))
    for result in results:
        _report(result, as_json=as_json)
    if passed_over := sum(result.passed_over for result in results):
        complain(f"passed over {passed_over} file(s) in folders whose kind cannot hold a mark")
    if not results:
        complain("there was no file to mark")
    if not results or any(result.error for result in results):
        sys.exit(1)


def _names(path: Path | None, folder: Path | None, output: str | None, *, several: bool) -> tuple[str, str]:
    """Return what to call an input, and where its marked copy goes."""
    if path is None:
        return "standard input", output if output is not None else STANDARD_STREAM
    if output is None:
        return str(path), str(path.with_name(f"{path.stem}.disclosed{path.suffix}"))
    if output == STANDARD_STREAM:
        return str(path), output
    into_folder = several or folder is not None or output.endswith("/") or Path(output).is_dir()
    place = path.relative_to(folder) if folder is not None else Path(path.name)
    return str(path), str(Path(output) / place) if into_folder else output


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiscloseError(f"cannot make the folder {folder}: {error.strerror or error}") from error


def _report(result: _Result, *, as_json: bool) -> None:
    if result.passed_over:
        return
    if result.error is not None:
        complain(result.error)
        if as_json:
            print(json.dumps({"file": result.name, "error": result.error}, ensure_ascii=False))
        return
    assert result.asset is not None
    assert result.asset.disclosure is not None
    if result.target == STANDARD_STREAM:
        return
    if as_json:
        values = {
            "file": result.name,
            "output": result.target,
            **({"sidecar": str(sidecar_path(Path(result.target)))} if result.asset.sidecar is not None else {}),
            "id": str(result.asset.disclosure.id),
            "disclosure": result.asset.disclosure.to_dict(),
            "marks": {mark.layer: dict(mark.details) for mark in result.asset.marks},
        }
        print(json.dumps(values, ensure_ascii=False))
    else:
        beside = " + .c2pa" if result.asset.sidecar is not None else ""
        line = f"{result.name} → {result.target}{beside}  {result.asset.disclosure.id}"
        console().print(plain(line), soft_wrap=True)
