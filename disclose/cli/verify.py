"""``disclose verify``: check files, folders or standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from disclose.asset import Asset
from disclose.cli.terminal import complain, files_of, show_verdict, work_through
from disclose.errors import DiscloseError, TooLargeError, UnreadableError
from disclose.evidence import Outcome, Verdict
from disclose.media.confinement import limited_memory
from disclose.profile import Profile
from disclose.recovery import with_recovered

_STATUS = {Outcome.DISCLOSED: 0, Outcome.CONTESTED: 1, Outcome.INDICATED: 2, Outcome.UNDETERMINED: 2}
_UNREADABLE = 3
_GRAVEST_FIRST = (_UNREADABLE, 1, 2, 0)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file.")
def verify(inputs: tuple[str, ...], as_json: bool) -> None:
    """Say what files disclose about their origin, and on what basis.

    FILE is a file, a folder, or '-' for standard input. A signed manifest that a file has lost and that the ledger
    keeps is said to be recovered, and changes no outcome. Exit status: 0 disclosed, 1 contested, 2 indicated or
    undetermined, 3 could not be read; of several files the gravest counts, in the order 3, 1, 2, 0.
    """
    profile = Profile.load()
    verifier = profile.verifier()
    jobs = list(files_of(inputs))

    def one(job: tuple[Path | None, Path | None]) -> tuple[str, Verdict | None, str | None]:
        path, _ = job
        name = "standard input" if path is None else str(path)
        try:
            verdict = verifier.verify(Asset.open(sys.stdin.buffer.read() if path is None else path))
            verdict = with_recovered(profile, verdict)
        except DiscloseError as error:
            return name, None, str(error)
        return name, verdict, _unreadable(verdict)

    statuses = []
    with limited_memory():
        for name, verdict, error in work_through(jobs, one, doing="verifying"):
            _report(name, verdict, error, as_json=as_json)
            statuses.append(_UNREADABLE if error is not None or verdict is None else _STATUS[verdict.outcome])
    if not statuses:
        complain("there was no file to verify")
        sys.exit(_UNREADABLE)
    sys.exit(next(status for status in _GRAVEST_FIRST if status in statuses))


def _report(name: str, verdict: Verdict | None, error: str | None, *, as_json: bool) -> None:
    if error is not None:
        complain(error)
    if as_json:
        found = {} if verdict is None else verdict.to_dict()
        # In ASCII, because what a stranger wrote may hold characters that a terminal obeys.
        print(json.dumps({"file": name, **({"error": error} if error else {}), **found}))
    elif verdict is not None and error is None:
        show_verdict(name, verdict)


def _unreadable(verdict: Verdict) -> str | None:
    """Return why a file could not be read, where that is all there is to say about it."""
    if verdict.outcome is not Outcome.UNDETERMINED:
        return None
    kinds = (UnreadableError.__name__, TooLargeError.__name__)
    failed = [item for item in verdict.evidence if item.details.get("error") in kinds]
    return str(failed[0].details["reason"]) if failed else None
