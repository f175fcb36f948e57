"""Runs that are alive and runs that were killed, as other processes see them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from snakemake.persistence.file import FilePersistence

from unispace.records.run_lock import VARIABLE

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"
HELD = """
import sys, time
from pathlib import Path
from unispace.records.run_lock import {0}
print({1}, flush=True)
time.sleep(60)
"""
RUN = HELD.format("hold", "repr(hold(Path()))")
JOB = HELD.format("hold_as_job", "hold_as_job()")
REMOTE = HELD.format("hold, sends_jobs_away", "repr(hold(Path())), sends_jobs_away(Path())")
ASKED = "from pathlib import Path; from unispace.records.run_lock import is_running; print(is_running(Path()))"


@pytest.fixture
def start(tmp_path) -> Iterator:
    """Starts a process in the folder, and gives it with what it said first."""
    started = []

    def begin(script: str, **environment: str):
        clean = {k: v for k, v in os.environ.items() if k != VARIABLE}
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={**clean, "PYTHONPATH": str(WORKFLOW), **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        return process, process.stdout.readline().strip()

    yield begin
    for process in started:
        process.kill()
        process.wait()


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def snakemake_locks(folder: Path) -> Path:
    """What Snakemake writes when it begins, and a kill leaves."""
    FilePersistence(path=folder / ".snakemake")._write_locks("output", ["file"])
    return folder / ".snakemake" / "locks"


def test_what_a_killed_run_has_locked_is_removed_by_the_next(start, tmp_path):
    process, said = start(RUN)
    assert said == "''"
    locks = snakemake_locks(tmp_path)
    kill(process)
    _, said = start(RUN)
    assert "was killed, and none is alive: going on where it was" in said
    assert not list(locks.iterdir())


def test_what_a_living_run_has_locked_stays_and_the_run_is_named(start, tmp_path):
    process, _ = start(RUN)
    locks = snakemake_locks(tmp_path)
    _, said = start(RUN)
    assert "is at work in this folder" in said
    assert f"  {process.pid}  " in said
    assert "Do not unlock" in said
    assert len(list(locks.iterdir())) == 1


def test_two_living_runs_keep_a_third_off_also_when_one_of_them_is_killed(start, tmp_path):
    first, _ = start(RUN)
    second, _ = start(RUN)
    locks = snakemake_locks(tmp_path)
    kill(first)
    _, said = start(RUN)
    assert f"  {second.pid}  " in said
    assert f"  {first.pid}  " not in said
    assert list(locks.iterdir())


def test_a_job_that_outlives_its_run_keeps_the_next_off(start, tmp_path):
    run, _ = start(RUN)
    locks = snakemake_locks(tmp_path)
    job, _ = start(JOB, **{VARIABLE: str(tmp_path / ".snakemake" / "unispace.lock")})
    kill(run)
    third, said = start(RUN)
    assert f"  {job.pid}  " in said
    assert list(locks.iterdir())
    kill(third)
    kill(job)
    assert "going on where it was" in start(RUN)[1]
    assert not list(locks.iterdir())


def test_a_job_that_ends_a_moment_after_its_run_is_waited_for(start, tmp_path):
    run, _ = start(RUN)
    snakemake_locks(tmp_path)
    start(
        JOB.replace("sleep(60)", "sleep(1)"),
        **{VARIABLE: str(tmp_path / ".snakemake" / "unispace.lock")},
    )
    kill(run)
    began = time.monotonic()
    assert "going on where it was" in start(RUN)[1]
    assert time.monotonic() - began > 0.3


def test_a_command_called_by_hand_holds_nothing(start, tmp_path):
    start(JOB)
    assert not (tmp_path / ".snakemake").exists()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("elsewhere\n", "started on elsewhere has locked"),
        ("", "with an earlier version of this project"),
        (
            f"{socket.gethostname()}\nlogin-2\ncluster\n",
            "on a cluster (see `squeue` or `kubectl get jobs`) and on login-2",
        ),
    ],
)
def test_locks_of_another_machine_are_left_to_the_user(start, tmp_path, names, told):
    locks = snakemake_locks(tmp_path)
    (tmp_path / ".snakemake" / "unispace.lock").write_text(names)
    process, said = start(RUN)
    assert told in said
    assert "type: snakemake --unlock" in said
    assert list(locks.iterdir())
    assert start(ASKED)[1] == "True"
    kill(process)
    # As `snakemake --unlock` does; from then on this machine knows again.
    FilePersistence(path=tmp_path / ".snakemake")._delete_locks()
    process, said = start(RUN)
    assert said == "''"
    locks = snakemake_locks(tmp_path)
    kill(process)
    assert "going on where it was" in start(RUN)[1]


def test_jobs_that_went_to_a_cluster_may_be_alive(start, tmp_path):
    process, _ = start(REMOTE)
    locks = snakemake_locks(tmp_path)
    kill(process)
    assert "see `squeue` or `kubectl get jobs`" in start(RUN)[1]
    assert list(locks.iterdir())


def test_a_folder_is_running_while_somebody_is_alive_in_it(start, tmp_path):
    assert start(ASKED)[1] == "False"
    process, _ = start(RUN)
    assert start(ASKED)[1] == "True"
    kill(process)
    assert start(ASKED)[1] == "False"


def test_a_run_is_not_kept_off_by_itself(start):
    both = f"from unispace.records.run_lock import hold; from pathlib import Path; hold(Path()); {ASKED}"
    assert start(both)[1] == "False"
    # And it is still held afterwards.
    held = both + "; import sys, time; sys.stdout.flush(); time.sleep(60)"
    assert start(held)[1] == "False"
    assert start(ASKED)[1] == "True"


def test_a_folder_that_may_only_be_read_is_let_be(start, tmp_path):
    (tmp_path / ".snakemake").write_text("a file where a folder should be")
    assert start(RUN)[1] == "''"
