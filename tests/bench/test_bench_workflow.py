"""What of a whole run is spent on starting processes, and what a changed penalty costs again.

The CPU seconds are those that Snakemake wrote into `benchmarks/<study>` when the default study ran: here, or in the
folder that UNISPACE_BENCH_RUN names. What a changed penalty costs is measured: a copy of that run gets the other
penalty and is run again, with what jobs have kept of their parts.
"""

from __future__ import annotations

import csv
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
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


def cpu_seconds(path):
    """What Snakemake wrote of one job."""
    with path.open(newline="") as stream:
        (line,) = csv.DictReader(stream, delimiter="\t")
    # A job that ended before Snakemake looked at it has no number.
    return float(line["cpu_time"].replace("NA", "0"))


def seconds_of_jobs():
    """CPU seconds by path of the benchmark file.

    Skips where the default study has not run.
    """
    found = {}
    for path in sorted((RUN / BENCHMARKS).rglob("*.tsv")):
        found[str(path.relative_to(RUN))] = cpu_seconds(path)
    if not found:
        pytest.skip(f"no finished run of the default study in {RUN}; run `make reproduce` first")
    return found


# What a run needs and what it has made; not the environment, which is the same.
PARTS = (
    *("Snakefile", "config.yaml", "workflow", "profiles", "envs"),
    *("data", "checkpoints", "results", "benchmarks", "logs", ".snakemake"),
)


class Copy:
    """A finished run once more, to be run again."""

    def __init__(self, run, folder):
        self.folder = folder
        parts = [run / name for name in PARTS if (run / name).exists()]
        # With times and links, by which Snakemake knows what is up to date; without a second copy where the disk can.
        subprocess.run(["cp", "-a", "--reflink=auto", *parts, folder], check=True)

    def snakemake(self, *arguments):
        clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        command = [str(Path(sys.executable).parent / "snakemake"), "--cores", "2", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=clean, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout + done.stderr

    def rerun(self, old, new, *arguments):
        """CPU seconds of each job that runs again after a change of the configuration, by its benchmark file.

        Skips where the copy is not up to date, as after a change of code.
        """
        if "Nothing to be done" not in self.snakemake("--dry-run", *arguments):
            pytest.skip("the finished run is of other code; run `make reproduce` first")
        config = self.folder / (arguments[-1] if arguments else "config.yaml")
        text = config.read_text("utf-8")
        assert text.count(old) == 1
        config.write_text(text.replace(old, new), "utf-8")
        before = {path: path.stat().st_mtime_ns for path in self.folder.glob("benchmarks/**/*.tsv")}
        self.snakemake(*arguments)
        return {
            str(path.relative_to(self.folder)): cpu_seconds(path)
            for path in sorted(self.folder.glob("benchmarks/**/*.tsv"))
            if path.stat().st_mtime_ns != before.get(path)
        }


def test_a_changed_penalty(tmp_path):
    seconds = seconds_of_jobs()
    again = Copy(RUN, tmp_path).rerun(RIDGE, "ridge: { alpha: 0.2 }")
    assert f"{BENCHMARKS}/render_report.tsv" in again
    assert not any("train_model" in name for name in again)
    by_rule = Counter()
    for name, cost in again.items():
        by_rule[Path(name).relative_to(BENCHMARKS).parts[0].removesuffix(".tsv")] += cost
    whole, part = sum(seconds.values()), sum(by_rule.values())
    named = ", ".join(f"{rule} {s:.0f} s" for rule, s in by_rule.most_common(5))
    row = write(
        Row(
            *("09-rerun", "partial rerun after a changed ridge penalty", "whole default study"),
            *(5.0, "at most", "%"),
            *(3 * [100 * part / whole]),
            *(1, part, whole),
            note=f"{len(again)} of {len(seconds)} jobs; most of it: {named}",
            limit="figures and tables of maps are made anew, since each shows the changed map beside others",
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
