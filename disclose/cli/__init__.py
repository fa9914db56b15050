"""The command line: ``disclose demo | mark | verify | serve | check | keys | ledger | layers | profile | …``."""

from __future__ import annotations

import os
import sys
import warnings

import click

from disclose.cli import (
    check,
    demo,
    keys,
    layers,
    ledger,
    ledger_proofs,
    mark,
    profile,
    serve,
    verify,
    verify_report,
)
from disclose.cli.terminal import complain
from disclose.errors import DiscloseError
from disclose.version import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="disclose")
def commands() -> None:
    """Make AI output say what it is, and check what a file says of itself."""


for command in (
    *(demo.demo, mark.mark, verify.verify, check.check),
    *(verify_report.verify_report, serve.serve),
    *(keys.keys, ledger.ledger, layers.layers, profile.profile),
):
    commands.add_command(command)
for command in ledger_proofs.COMMANDS:
    ledger.ledger.add_command(command)


def main() -> None:
    """Run the command line; every failure is one plain sentence and an exit status."""
    # The products of one picture are small: shared among threads, which wait for each other by spinning, they took ten
    # times the CPU on busy processors. Read by the library when it is loaded, which nothing has done so far.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    # Pillow warns of large pictures before this program refuses them with a message of its own.
    warnings.filterwarnings("ignore", message="Image size")
    try:
        commands()
    except DiscloseError as error:
        complain(str(error))
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output has gone, as in "disclose verify … | head"; nobody is left to tell.
        sys.stderr.close()
        sys.exit(1)
