"""Say where the time of a study's run went, and what memory each rule needed.

Prints a table and writes it beside the page, as times.csv. Times differ from run to run, so they are no output of a rule
and no part of the page: nothing runs again because of them.
"""

from __future__ import annotations

import argparse
import csv
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from unispace.commands.common.versions import DEFAULT, versions_of
from unispace.records.files import replacing
from unispace.records.times import RuleTimes, read_times

_HEADS = ("rule", "jobs", "seconds", "longest job, s", "CPU s", "memory, MiB")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "study", nargs="?", type=Path, default=DEFAULT, help="file of the study; else config.yaml"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command.

    Raises:
        UserError: where the study is missing or wrong, or none of its jobs has run.
    """
    study = versions_of(arguments.study).study.study
    times = read_times(Path("benchmarks") / study)
    sys.stdout.write(table(times))
    path = Path("results") / study / "report" / "times.csv"
    if path.parent.is_dir():
        write_times(times, path)
        logging.getLogger(__name__).info("written to %s", path)


def table(times: Sequence[RuleTimes]) -> str:
    """The times as text, columns aligned, with their sum in the last line."""
    lines = [_HEADS, *(_line(rule) for rule in times)]
    total = sum(rule.seconds for rule in times)
    lines.append(("all", str(sum(rule.jobs for rule in times)), f"{total:.1f}", "", "", ""))
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
    return "".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(t.rjust(w) for t, w in zip(line[1:], widths[1:], strict=True))]
        )
        + "\n"
        for line in lines
    )  # fmt: skip


def write_times(times: Sequence[RuleTimes], path: Path) -> None:
    """Write the times as CSV."""
    with (
        replacing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEADS)
        writer.writerows(_line(rule) for rule in times)


def _line(times: RuleTimes) -> tuple[str, ...]:
    return (
        times.rule,
        str(times.jobs),
        f"{times.seconds:.1f}",
        f"{times.longest:.1f}",
        "" if times.cpu is None else f"{times.cpu:.1f}",
        "" if times.memory is None else f"{times.memory:.0f}",
    )
