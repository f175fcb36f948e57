"""What of a whole run is spent on starting processes, and what a changed penalty costs again.

The CPU seconds are those that Snakemake wrote into `benchmarks/<study>` when the default study ran: here, or in the
folder that UNISPACE_BENCH_RUN names. Which jobs run again follows from two dry runs: those whose call the penalty
changes, and all that takes what they make. tests/workflow shows that Snakemake runs these and no others.
"""

from __future__ import annotations

import csv
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from rows import ROOT, Row, write
from side_by_side import reaches

from fork_server import start
from fork_server.message import NOTES, VARIABLE
from fork_server.notes import take
from unispace.__main__ import command_names
from unispace.records.code import imports

pytestmark = pytest.mark.bench

RUN = Path(os.environ.get("UNISPACE_BENCH_RUN", ROOT))
STUDY = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))["study"]
BENCHMARKS = Path("benchmarks") / STUDY
RIDGE = "ridge: { alpha: 0.1 }"
STARTS = 3


def seconds_of_jobs():
    """CPU seconds by path of the benchmark file.

    Skips where the default study has not run.
    """
    found = {}
    for path in sorted((RUN / BENCHMARKS).rglob("*.tsv")):
        with path.open(newline="") as stream:
            (line,) = csv.DictReader(stream, delimiter="\t")
        # A job that ended before Snakemake looked at it has no number.
        found[str(path.relative_to(RUN))] = float(line["cpu_time"].replace("NA", "0"))
    if not found:
        pytest.skip(f"no finished run of the default study in {RUN}; run `make reproduce` first")
    return found


@dataclass(frozen=True)
class Job:
    """A job: its benchmark file, the command that it calls with all its settings, and its files."""

    benchmark: str
    called: str
    inputs: list[str]
    outputs: list[str]


class Copy:
    """The project without data."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("Snakefile", "config.yaml"):
            shutil.copy2(ROOT / name, folder / name)
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("workflow", "envs"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        (folder / "profiles").symlink_to("workflow/profiles")

    def snakemake(self, *arguments):
        clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        command = [str(Path(sys.executable).parent / "snakemake"), "--cores", "1", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=clean, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout + done.stderr

    def jobs(self):
        """All jobs of the study by their outputs, as they would run where nothing is made."""
        text = self.snakemake("--dry-run", "--printshellcmds")
        found = {}
        for block in re.split(r"\n(?=(?:local)?rule \w+:)", text)[1:]:
            if "\n    benchmark: " not in block:
                continue
            one = dict(re.findall(r"^    (benchmark|output|input): (.*)$", block, re.MULTILINE))
            # A date follows, which is that of the next job.
            called = block[block.index("python -m unispace") :].split("\n[")[0].strip()
            outputs = one["output"].split(", ")
            found[outputs[0]] = Job(one["benchmark"], called, one["input"].split(", "), outputs)
        return found


def rerun(before, after):
    """The jobs that Snakemake runs again: those that are called otherwise, and all that takes what is made anew."""
    again = {key for key, job in after.items() if before[key].called != job.called}
    maker = {output: key for key, job in after.items() for output in job.outputs}
    grown = True
    while grown:
        further = {
            key for key, job in after.items() if any(maker.get(i) in again for i in job.inputs)
        }
        grown = not further <= again
        again |= further
    return again


def test_a_changed_penalty(tmp_path):
    seconds = seconds_of_jobs()
    copy = Copy(tmp_path)
    before = copy.jobs()
    config = tmp_path / "config.yaml"
    text = config.read_text("utf-8")
    assert text.count(RIDGE) == 1
    config.write_text(text.replace(RIDGE, "ridge: { alpha: 0.2 }"), "utf-8")
    after = copy.jobs()
    assert before.keys() == after.keys()
    again = [after[key].benchmark for key in rerun(before, after)]
    all_jobs = [job.benchmark for job in after.values()]
    assert f"{BENCHMARKS}/render_report.tsv" in again
    assert not any("train_model" in name for name in again)
    unknown = sorted(set(all_jobs) - set(seconds))
    # Figures and rules may have come since that run; a few of them change no share.
    assert len(unknown) < len(all_jobs) / 50, unknown
    by_rule = Counter()
    for name in again:
        by_rule[Path(name).relative_to(BENCHMARKS).parts[0].removesuffix(".tsv")] += seconds.get(
            name, 0
        )
    whole, part = sum(seconds.values()), sum(by_rule.values())
    named = ", ".join(f"{rule} {s:.0f} s" for rule, s in by_rule.most_common(5))
    row = write(
        Row(
            *("09-rerun", "partial rerun after a changed ridge penalty", "whole default study"),
            *(5.0, "at most", "%"),
            *(3 * [100 * part / whole]),
            *(1, part, whole),
            note=f"{len(again)} of {len(all_jobs)} jobs; most of it: {named}",
            limit="jobs are coarser than the change: one job maps by and scores all methods of a target, and every figure is "
            "drawn from the one file of all results, though most figures show none of the changed rows",
        )
    )
    reaches(row)


@pytest.fixture
def servers(monkeypatch):
    """What stands by while Snakemake runs; gives the folder of its notes."""
    run = SimpleNamespace(
        is_main_process=True,
        local_exec=True,
        deployment_settings=SimpleNamespace(deployment_method=set()),
    )
    # pytest changes these from test to test, and a server serves those alone that started as it did.
    for name in [name for name in os.environ if name.startswith("PYTEST")]:
        del os.environ[name]
    for name, value in start._ONE_THREAD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "workflow"))
    names = command_names()
    networks = [n for n in names if imports(n.replace("-", "_"), "torch", "torchvision")]
    start.start_servers(run, names, networks)
    yield Path(os.environ[VARIABLE]) / NOTES
    monkeypatch.delenv(VARIABLE)


def start_of(command, notes):
    """CPU seconds of starting a command as a rule does, up to the first line of its own work: client and fork."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shell = subprocess.Popen(
        ["bash", "-c", f"set -euo pipefail; {sys.executable} -m unispace {command} --help"],
        stdout=subprocess.DEVNULL,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST")},
    )
    assert shell.wait() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    time.sleep(0.05)
    forks = take(notes, shell.pid)
    assert len(forks) == 1, f"{command} was not forked"
    client = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return client + forks[0].seconds


def test_start_up(servers):
    seconds = seconds_of_jobs()
    rules = Counter(Path(n).relative_to(BENCHMARKS).parts[0].removesuffix(".tsv") for n in seconds)
    commands = {rule: rule.replace("prepare_pretraining_data", "prepare_data") for rule in rules}
    rounds = []
    for number in range(STARTS + 1):
        cost = {r: start_of(c.replace("_", "-"), servers) for r, c in commands.items()}
        if number:  # the first of each server imports its libraries
            rounds.append(sum(cost[rule] * count for rule, count in rules.items()))
    own = sum(cpu_of(pid) for pid in children_of(os.getpid()))
    whole = sum(seconds.values())
    shares = [100 * (started + own) / (whole + own) for started in rounds]
    row = write(
        Row(
            *(
                "09-start-up",
                "start-up of processes",
                "CPU seconds of all jobs of the default study",
            ),
            *(15.0, "at most", "%"),
            *(statistics.median(shares), min(shares), max(shares)),
            *(STARTS, statistics.median(rounds) + own, whole),
            note=f"{sum(rules.values())} jobs; {own:.0f} s of it are the imports of the two processes that stand by",
        )
    )
    reaches(row)


def children_of(parent):
    """Processes that a process has started and that live."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for path in tasks for pid in path.read_text().split()]


def cpu_of(pid):
    """CPU seconds of a process so far, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
