"""What each rule took: Snakemake's benchmark files, of which every job leaves one."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unispace.errors import UserError
from unispace.records.files import replacing

HEADS = ("rule", "jobs", "seconds", "longest job, s", "CPU s", "memory, MiB")
_COLUMNS = ("s", "max_rss", "cpu_time")


@dataclass(frozen=True)
class RuleTimes:
    """The jobs of a rule, as each was run last.

    Attributes:
        rule: its name.
        jobs: how many left a benchmark.
        seconds: of all jobs, one after the other.
        longest: of the longest.
        cpu: seconds of CPU time of all jobs; None where no job was long enough for it to be measured.
        memory: of the job that needed most, resident, in MiB; None likewise.
    """

    rule: str
    jobs: int
    seconds: float
    longest: float
    cpu: float | None
    memory: float | None


def read_times(folder: Path) -> list[RuleTimes]:
    """The times of each rule of a study, what took most first.

    Args:
        folder: of the study's benchmarks, `<rule>.tsv` or `<rule>/**/*.tsv`; each file has a line for each repetition,
            of which the last counts.

    Raises:
        UserError: where there is none, or a file is no benchmark of Snakemake.
    """
    jobs: dict[str, list[dict[str, str]]] = defaultdict(list)
    for path in sorted(folder.rglob("*.tsv")):
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file, delimiter="\t"))
        if not lines or not set(_COLUMNS) <= lines[-1].keys():
            raise UserError(f"{path}: no benchmark of Snakemake; delete it")
        jobs[path.relative_to(folder).parts[0].removesuffix(".tsv")].append(lines[-1])
    if not jobs:
        raise UserError(
            f"{folder}: no job has left its times here; run the study first, `snakemake --cores 2`"
        )
    found = [_of_rule(rule, lines) for rule, lines in jobs.items()]
    return sorted(found, key=lambda times: (-times.seconds, times.rule))


def write_times(times: Sequence[RuleTimes], path: Path) -> None:
    """Write the times as CSV, columns as in `HEADS`."""
    with (
        replacing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADS)
        writer.writerows(line_of(rule) for rule in times)


def line_of(times: RuleTimes) -> tuple[str, ...]:
    """The times of a rule as text, as in `HEADS`; empty where nothing was measured."""
    return (
        times.rule,
        str(times.jobs),
        f"{times.seconds:.1f}",
        f"{times.longest:.1f}",
        "" if times.cpu is None else f"{times.cpu:.1f}",
        "" if times.memory is None else f"{times.memory:.0f}",
    )


def _of_rule(rule: str, lines: list[dict[str, str]]) -> RuleTimes:
    seconds = [float(line["s"]) for line in lines]
    cpu, memory = (_measured(lines, column) for column in ("cpu_time", "max_rss"))
    return RuleTimes(
        rule=rule,
        jobs=len(lines),
        seconds=sum(seconds),
        longest=max(seconds),
        cpu=sum(cpu) if cpu else None,
        memory=max(memory, default=None),
    )


def _measured(lines: list[dict[str, str]], column: str) -> list[float]:
    """What was measured; jobs that end before the first look at them leave `NA` or a dash."""
    return [float(line[column]) for line in lines if line[column] not in ("NA", "-", "")]
