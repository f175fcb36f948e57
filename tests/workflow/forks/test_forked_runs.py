"""Runs of Snakemake with forked jobs: interruptions, and what a benchmark says."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from forked import WORKFLOW, Owner, environment, parents, start_owner, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="jobs are forked on Linux only"),
]


SNAKEFILE = """
import sys
from types import SimpleNamespace
sys.path.insert(0, {workflow!r})
from fork_server import start

rule all:
    input: "long.txt", "short.txt"

rule job:
    input: "{{name}}.script"
    output: "{{name}}.txt"
    log: "{{name}}.log"
    benchmark: "{{name}}.tsv"
    shell: "python -m unispace script {{input}} {{output}} > {{log}} 2>&1"

onstart:
    start.TABLES = ("numpy", "pydantic")
    start.start_servers(workflow, ["script", "network"], ["network"])
"""


def snakemake(folder: Path, package: Path, scripts: dict[str, str], *options: str):
    """Start a run of two jobs, `long` and `short`."""
    folder.mkdir()
    for name, script in scripts.items():
        (folder / f"{name}.script").write_text(script)
    (folder / "Snakefile").write_text(SNAKEFILE.format(workflow=str(WORKFLOW)))
    variables = environment(package)
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
    return subprocess.Popen(
        ["snakemake", "--cores", "1", *options],
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_an_interrupted_run(tmp_path, number):
    start_owner(tmp_path / "package").process.communicate("")
    waiting = "print('on', flush=True)\nimport time\ntime.sleep(60)"
    run = snakemake(
        tmp_path / "run", tmp_path / "package", dict.fromkeys(("long", "short"), waiting)
    )
    logs = [tmp_path / "run" / f"{name}.log" for name in ("long", "short")]
    wait_until(lambda: any(log.exists() and log.read_text() == "on\n" for log in logs))
    processes = Owner(run, tmp_path, "").children()
    # Two servers, a shell or the client that it became, and a fork.
    assert len(processes) >= 4
    if number == signal.SIGINT:
        # As a terminal does: to all in the foreground.
        os.killpg(run.pid, number)
    else:
        run.kill()
    errors = run.communicate(timeout=240)[1]
    assert run.returncode == (-number if number == signal.SIGKILL else 1), errors
    wait_until(lambda: not processes & set(parents()))
    (log,) = (log for log in logs if log.exists())
    told = "KeyboardInterrupt" if number == signal.SIGINT else "the fork server has gone"
    assert told in log.read_text()


def test_benchmarks_say_what_forked_jobs_used(tmp_path):
    start_owner(tmp_path / "package").process.communicate("")
    work = """
import sys, time
forked = 'pydantic' in sys.modules
block = bytearray(300_000_000)
while time.process_time() < {seconds}:
    pass
open(sys.argv[3], 'w').write('forked' if forked else 'started')
"""

    def benchmarks(folder, *options):
        scripts = {
            name: work.format(seconds=seconds) for name, seconds in (("long", 2.5), ("short", 0.3))
        }
        run = snakemake(folder, tmp_path / "package", scripts, *options)
        errors = run.communicate(timeout=300)[1]
        assert run.returncode == 0, errors
        found = {}
        for name in ("long", "short"):
            with (folder / f"{name}.tsv").open(newline="") as stream:
                (row,) = csv.DictReader(stream, delimiter="\t")
            found[name] = float(row["cpu_time"]), float(row["max_rss"])
        return found, {(folder / f"{name}.txt").read_text() for name in found}

    forked, how = benchmarks(tmp_path / "forked")
    assert how == {"forked"}
    started, how = benchmarks(tmp_path / "started", "--no-hooks")
    assert how == {"started"}
    block = 300_000_000 / 2**20
    for name, least in {"long": 2.5, "short": 0.3}.items():
        seconds, memory = forked[name]
        # A busy machine takes half a second more; the other job, or the server, would be two.
        assert least - 0.05 < seconds < least + 1.5
        assert block < memory < block + 300
    # Looked at each half second, started jobs show at most as much.
    assert started["long"][0] < forked["long"][0] + 0.3
