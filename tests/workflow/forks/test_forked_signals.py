"""Signals reach a forked job, and nothing outlives its client, its server or Snakemake."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from forked import FORKED, end, parents, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="jobs are forked on Linux only"),
]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_to_a_job_reaches_it(owner, number):
    job = owner.start("print('on', flush=True)\nimport time\ntime.sleep(60)")
    assert job.stdout
    assert job.stdout.readline() == "on\n"
    before = owner.children()
    job.send_signal(number)
    errors = job.communicate(timeout=240)[1]
    assert job.returncode == -number
    assert ("KeyboardInterrupt" in errors) == (number == signal.SIGINT)
    wait_until(lambda: len(owner.children()) == len(before) - 1)


def test_a_job_may_take_a_signal_and_end_in_its_own_way(owner):
    script = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print('on', flush=True)
time.sleep(60)
"""
    job = owner.start(script)
    assert job.stdout
    assert job.stdout.readline() == "on\n"
    job.terminate()
    assert job.wait(30) == 5


def test_a_job_stops_and_goes_on_with_its_client(owner):
    job = owner.start("import os\nprint(os.getpid(), flush=True)\ninput()\nprint('went on')")
    assert job.stdout
    forked = int(job.stdout.readline())

    def state(pid):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    job.send_signal(signal.SIGTSTP)
    wait_until(lambda: state(forked) == state(job.pid) == "T")
    job.send_signal(signal.SIGCONT)
    assert job.communicate("go on\n", timeout=240)[0] == "went on\n"
    assert job.returncode == 0


def test_a_job_does_not_outlive_its_client(owner):
    job = owner.start("import os\nprint(os.getpid(), flush=True)\nimport time\ntime.sleep(60)")
    assert job.stdout
    forked = int(job.stdout.readline())
    assert forked != job.pid
    assert forked in owner.children()
    job.kill()
    wait_until(lambda: forked not in parents())
    # Its server goes on.
    assert owner.run(FORKED) == (0, "forked\n", "")


def test_a_server_bears_it_when_client_and_job_end_at_once(owner):
    for _ in range(20):
        job = owner.start("import os\nprint(os.getpid(), flush=True)\nimport time\ntime.sleep(60)")
        assert job.stdout
        os.kill(int(job.stdout.readline()), signal.SIGKILL)
        job.kill()
        job.communicate(timeout=240)
    assert owner.run(FORKED) == (0, "forked\n", "")


def test_a_signal_at_the_very_end_of_a_job_changes_at_most_how_it_ends(owner):
    for delay in range(20):
        job = owner.start("import os, signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)")
        time.sleep(0.03 + delay * 0.005)
        job.send_signal(signal.SIGUSR1)
        errors = job.communicate(timeout=240)[1]
        assert (job.returncode, errors) in ((0, ""), (-signal.SIGUSR1, ""))


def test_a_job_ends_well_though_notes_of_it_were_cleared(new_owner):
    owner = new_owner()
    job = owner.start("print('on', flush=True)\ninput()")
    assert job.stdout
    assert job.stdout.readline() == "on\n"
    shutil.rmtree(Path(owner.servers) / "forks")
    job.communicate("go on\n", timeout=240)
    assert job.returncode == 0
    assert owner.run(FORKED) == (0, "forked\n", "")


def test_nothing_outlives_a_killed_snakemake(new_owner):
    owner = new_owner()
    job = owner.start("import os\nprint(os.getpid(), flush=True)\nimport time\ntime.sleep(60)")
    assert job.stdout
    processes = {int(job.stdout.readline()), *owner.children()}
    assert len(processes) == 3
    owner.process.kill()
    errors = job.communicate(timeout=240)[1]
    assert job.returncode == 1
    assert "the fork server has gone, and this job with it" in errors
    wait_until(lambda: not processes & set(parents()))
    wait_until(lambda: not Path(owner.servers).exists())


def test_jobs_do_not_wait_for_libraries_of_the_server_to_be_taken_down(new_owner):
    owner = new_owner(change="start.TABLES = ('lingering',)")
    # Twice as long as is waited for.
    (owner.package / "lingering.py").write_text(
        "import atexit, time\natexit.register(time.sleep, 120)"
    )
    job = owner.start("import os\nprint(os.getpid(), flush=True)\nimport time\ntime.sleep(120)")
    assert job.stdout
    number = int(job.stdout.readline())
    owner.process.kill()
    wait_until(lambda: number not in parents())
    assert job.wait(timeout=240) == 1


def test_nothing_outlives_a_run_that_ends(new_owner):
    owner = new_owner()
    assert owner.run(FORKED)[1] == "forked\n"
    processes = owner.children()
    assert len(processes) == 2
    assert Path(owner.servers).is_dir()
    end(owner)
    assert not processes & set(parents())
    assert not Path(owner.servers).exists()
    # A job that starts now starts as ever.
    assert owner.run(FORKED) == (0, "started\n", "")
