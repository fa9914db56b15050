"""``disclose ledger checkpoint | prove | verify-proof | export | import``: what the ledger shows to others."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from disclose.cli.ledger import parsed
from disclose.cli.terminal import complain, console, plain
from disclose.errors import LedgerError, UnreadableError
from disclose.media import files
from disclose.profile import Profile

if TYPE_CHECKING:
    from disclose.ledger.checkpoint import VerifierKey

_FILE = click.Path(path_type=Path)
_KEY = click.option("--key", "key", metavar="VKEY", help="The public key to trust. As a rule that of this ledger.")


@click.command()
@click.option("--key", "only_key", is_flag=True, help="Print the public key that checks it, for others to keep.")
def checkpoint(only_key: bool) -> None:
    """Print a signed checkpoint over all entries (C2SP tlog-checkpoint), for others to keep."""
    book = Profile.load().ledger()
    if only_key:
        print(book.verifier_key)
    elif (note := book.checkpoint()) is not None:
        sys.stdout.write(note)
    else:
        complain("the ledger is empty")
        sys.exit(2)


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("-o", "--output", type=_FILE, help="File to write. As a rule the proof is printed.")
def prove(identifier: str, output: Path | None) -> None:
    """Prove that the entry whose id begins with ID is in the ledger: a file that anyone can check offline.

    It holds the whole entry: statement, hashes and marks.
    """
    proofs = Profile.load().ledger().prove(parsed(identifier))
    if len(proofs) != 1:
        complain(f"{len(proofs)} entries begin with {identifier}" if proofs else f"no entry begins with {identifier}")
        sys.exit(2)
    if output is None:
        sys.stdout.write(proofs[0].to_json())
    else:
        files.write(output, proofs[0].to_json().encode())


@click.command(name="verify-proof")
@click.argument("file", type=_FILE)
@_KEY
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify_proof(file: Path, key: str | None, as_json: bool) -> None:
    """Check a proof, without the ledger and without a network. Exit status: 0 it holds, 1 it does not."""
    from disclose.ledger.checkpoint import VerifierKey
    from disclose.ledger.proof import Proof

    proof = Proof.from_json(_text(file))
    trusted = VerifierKey.parse(key) if key is not None else _own_key()
    try:
        found = proof.checked(trusted)
    except LedgerError as error:
        if as_json:
            print(json.dumps({"holds": False, "reason": str(error)}, ensure_ascii=False))
        else:
            complain(str(error))
        sys.exit(1)
    if as_json:
        entry = None if proof.text is None else json.loads(proof.text)
        print(json.dumps({"holds": True, "origin": found.origin, "size": found.size, "entry": entry}))
    else:
        what = f"the entry was {proof.erasure}" if proof.erasure is not None else "the entry is what was appended"
        line = f"{what}: leaf {proof.leaf.position} of {found.size} of {found.origin}"
        console().print(plain(line), soft_wrap=True)


@click.command()
@click.argument("file", type=_FILE)
def export(file: Path) -> None:
    """Write the whole ledger to FILE as lines of JSON, under its signed checkpoints.

    The manifests and the quotation logs that it keeps are in it. What was erased is not, and neither are keys: without
    those of the tenants nobody finds a quotation.
    """
    from disclose.ledger.export import exported

    files.write(file, (f"{line}\n".encode() for line in exported(Profile.load().ledger())))


@click.command(name="import")
@click.argument("file", type=_FILE)
@_KEY
def import_(file: Path, key: str | None) -> None:
    """Take over an export into a ledger that is empty, after checking every line: all of it or nothing."""
    from disclose.ledger.checkpoint import VerifierKey
    from disclose.ledger.export import imported

    trusted = VerifierKey.parse(key) if key is not None else _own_key()
    try:
        with file.open(encoding="utf-8") as lines:
            done = imported(Profile.load().ledger(), lines, trusted)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(f"cannot read {file}: {error}") from error
    beside = ", ".join(
        (
            _counted(done.notices, "notice", "notices"),
            _counted(done.manifests, "manifest", "manifests"),
            _counted(done.quotations, "quotation record", "quotation records"),
        )
    )
    console().print(plain(f"{_counted(done.entries, 'entry', 'entries')} imported, and {beside}"), soft_wrap=True)


COMMANDS = (checkpoint, prove, verify_proof, export, import_)
"""What belongs to the group ``disclose ledger``."""


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _own_key() -> VerifierKey:
    from disclose.ledger.key import LedgerKey

    path = Profile.load().folder / "ledger_key.pem"
    if not path.exists():
        raise click.UsageError("there is no key of a ledger here: give --key, that of the ledger it came from")
    return LedgerKey(path).verifier("records")


def _text(path: Path) -> str:
    try:
        return files.read(path).decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"cannot read {path}: it is no text") from error
