"""Hold the results of a run against those that are expected, and stop where they drifted.

Expected results stand in results/golden.csv (of other studies in results/golden-<study>.csv). docs/gate.md says which cells,
and what they may differ by. Ends with 1 where anything is not as expected, better results too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from unispace.commands.common.gate import compare
from unispace.commands.common.versions import DEFAULT, add_study, versions_of
from unispace.errors import UserError
from unispace.kernels import processor
from unispace.records.files import replacing
from unispace.records.golden import read_acceptances
from unispace.reporting.drift_table import as_markdown, as_text, summary


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_study(parser)
    parser.add_argument("--rows", type=int, default=40, help="how many drifts to list at most")
    parser.add_argument(
        "--markdown", type=Path, help="write the table to this file too, for a pull request"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    if arguments.rows < 1:
        raise UserError(f"--rows: got {arguments.rows}, needs at least 1")
    versions = versions_of(arguments.study)
    compared = compare(versions, str(arguments.study))
    if arguments.markdown:
        shown = as_markdown(
            compared.drifts, compared.cells, versions.study.study, 5 * arguments.rows
        )
        with replacing(arguments.markdown) as temporary:
            temporary.write_text(shown, "utf-8")
    told = summary(compared.drifts, compared.cells)
    if not compared.drifts:
        sys.stdout.write(f"{versions.results}: {told}\n")
        return
    sys.stdout.write(f"{as_text(compared.drifts, arguments.rows)}\n{_elsewhere(versions.accepted)}")
    sys.stdout.flush()
    more = "" if arguments.study == DEFAULT else f" {arguments.study}"
    raise UserError(
        f'{versions.results}: {told}; if that is right: `unispace accept --reason "why"{more}`, and commit'
    )


def _elsewhere(accepted: Path) -> str:
    """A line about expected values that come from another kind of processor; empty where they do not."""
    latest = read_acceptances(accepted)[-1:]
    if not latest or latest[0].processor == processor():
        return ""
    return (
        f"The expected values were made on {latest[0].processor or 'a processor that was not noted'}; "
        f"this is {processor()}.\n"
        "The last digits differ between these, and what is trained for long differs by more: see docs/gate.md.\n"
    )
