"""``disclose verify-report``: check the signed report of a detector."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import click

from disclose.cli.terminal import complain, console, plain
from disclose.errors import DiscloseError
from disclose.media import files
from disclose.profile import Profile

_UNREADABLE = 3


@click.command("verify-report")
@click.argument("report", metavar="REPORT", type=click.Path(path_type=Path))
@click.option("--content", type=click.Path(path_type=Path), help="The file that the report is said to be about.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify_report(report: Path, content: Path | None, as_json: bool) -> None:
    """Check that REPORT (JSON or PDF) is as a detector signed it, and say by whom.

    Exit status: 0 intact and signed by somebody on the trust list or by this deployment, 1 changed or about other
    content, 2 intact and signed by somebody unknown, 3 could not be read.
    """
    from disclose.detector.report import check, lines

    try:
        found = check(files.read(report), Profile.load())
        same = content is None or hashlib.sha256(files.read(content)).hexdigest() == found.report["content"]["sha256"]
    except DiscloseError as error:
        complain(str(error))
        sys.exit(_UNREADABLE)
    fault = found.fault or (None if same else "it is about other content")
    known = found.is_trusted or found.is_own
    if as_json:
        result = {"intact": fault is None, "trusted": found.is_trusted, "own": found.is_own, "signer": found.signer}
        print(json.dumps({"file": str(report), **result, "fault": fault, "report": found.report}))
    else:
        who = "on the trust list" if found.is_trusted else "this deployment itself" if found.is_own else "unknown here"
        state = "intact" if fault is None else f"not to be relied on: {fault}"
        console().print(plain(f"{report}: {state}; signed by {found.signer} ({who})"))
        for name, text in lines(found.report) if found.fault is None else ():
            console().print(plain(f"  {name}: {text}"))
    sys.exit(1 if fault is not None else 0 if known else 2)
