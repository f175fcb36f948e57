"""Say where the time of a study's run went, and what memory each rule needed.

Prints a table and writes it to benchmarks/<study>/times.csv. What ends a run does so by itself and puts the times into the page;
where a run was told not to (`--no-hooks`), this command does. Times differ from run to run, so they are no output of a rule, and
nothing runs again because of them.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from unispace.commands.common.versions import DEFAULT, versions_of
from unispace.records.times import HEADS, RuleTimes, line_of, read_times, write_times
from unispace.reporting.times_section import fill_times, lacks_times

TEMPLATES = Path("workflow/report")


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
    benchmarks = Path("benchmarks") / study
    times = read_times(benchmarks)
    sys.stdout.write(table(times))
    write_times(times, benchmarks / "times.csv")
    logging.getLogger(__name__).info("written to %s", benchmarks / "times.csv")
    page = Path("results") / study / "report" / "index.html"
    if page.is_file() and lacks_times(page):
        fill_times(page, TEMPLATES, times)
        logging.getLogger(__name__).info("and put into %s", page)


def table(times: Sequence[RuleTimes]) -> str:
    """The times as text, columns aligned, with their sum in the last line."""
    lines = [HEADS, *(line_of(rule) for rule in times)]
    total = sum(rule.seconds for rule in times)
    lines.append(("all", str(sum(rule.jobs for rule in times)), f"{total:.1f}", "", "", ""))
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    return "".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(t.rjust(w) for t, w in zip(line[1:], widths[1:], strict=True))]
        )
        + "\n"
        for line in lines
    )  # fmt: skip
