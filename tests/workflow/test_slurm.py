"""The tiny study on a real Slurm of one node, through the profile, with a node that is drained and a job that is cancelled."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from killing import files_of
from one_node_slurm import Slurm, environment_with_plugin, why_not

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

TINY = "workflow/studies/tiny.yaml"
PROFILE = "workflow/profiles/slurm/profile.yaml"
# Models that are tuned; the others are copied, and need no device.
TUNED = 5
OPTIONS = (
    *("--workflow-profile", "workflow/profiles/slurm", "--configfile", TINY),
    # For large clusters checks are far between.
    *("--slurm-init-seconds-before-status-checks", "3", "--seconds-between-status-checks", "2"),
    *("--slurm-no-account", "--latency-wait", "20", "--slurm-keep-successful-logs"),
)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    reason = why_not()
    if reason:
        pytest.skip(reason)
    cluster = Slurm(tmp_path_factory.mktemp("slurm"))
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def snakemake(slurm, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plugin") / "venv"
    reason = environment_with_plugin(folder)
    if reason:
        pytest.skip(reason)
    return folder / "bin" / "snakemake"


def wait_for(run: subprocess.Popen[str], what: Callable[[], object], seconds: float = 2400):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert run.poll() is None, "the run ended before"
        assert time.monotonic() < end
        time.sleep(0.5)
    return found


def test_the_tiny_study_runs_survives_a_drain_and_a_cancelled_job(
    slurm, snakemake, new_project, finished, tmp_path
):
    project = new_project(tmp_path / "project")
    # Two devices pose as GPUs; the profile says how to ask for them.
    project.change(PROFILE, "# set-resources:\n", "set-resources:\n")
    for rule in ("train_model", "pretrain_backbone", "extract_embeddings"):
        project.change(PROFILE, f"#   {rule}:", f"  {rule}:")
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "UNISPACE_DATA")}
    log = project.folder / "run.log"
    with log.open("w") as stream:
        run = subprocess.Popen(
            [str(snakemake), *OPTIONS],
            cwd=project.folder,
            env=clean,
            stdout=stream,
            stderr=stream,
            text=True,
            start_new_session=True,
        )
    try:
        training = wait_for(run, lambda: running(slurm, "rule_train_model"))
        details = slurm.call("scontrol", "show", "job", training)
        assert re.search(r"TresPerJob=gres:gpu:1|gres/gpu=1", details), details
        assert re.search(r"MinMemoryNode=2000M|mem=2000M", details), details
        assert "TimeLimit=00:30:00" in details, details
        slurm.call("scancel", training)
        slurm.call(
            *("scontrol", "update", f"nodename={slurm.host}"), *("state=drain", "reason=test")
        )
        # What runs goes on, and nothing begins.
        wait_for(run, lambda: "drained" in slurm.call("sinfo", "--noheader", "-o", "%T"))
        time.sleep(5)
        assert not slurm.call("squeue", "--noheader", "--states=running").strip()
        assert run.poll() is None
        slurm.call("scontrol", "update", f"nodename={slurm.host}", "state=resume")
        assert run.wait(5400) == 0, log.read_text()
    finally:
        run.kill()
    said = log.read_text()
    (number,) = re.findall(rf"Job (\d+) has been submitted with SLURM jobid {training} ", said)
    assert len(re.findall(r"  again  train_model  .* start 1 of 3 failed", said)) == 1
    sent = re.findall(rf"Job {number} has been submitted with SLURM jobid (\d+) ", said)
    assert sent[0] == training
    assert len(sent) == 2
    # The first was ended from outside, the second came to its end.
    controller = slurm.log()
    assert f"REQUEST_KILL_JOB JobId={training} " in controller
    assert f"JobId={sent[1]} WEXITSTATUS 0" in controller
    # Each job was given one device, which no driver stands behind.
    logs = project.folder / "logs/tiny/train_model"
    given = re.compile(r"asked for and torch cannot use ([01]): computing on the CPU")
    granted = [given.findall(path.read_text()) for path in logs.rglob("*.log")]
    assert all(len(names) <= 1 for names in granted)
    assert sum(map(len, granted)) == TUNED
    assert files_of(project.folder) == files_of(finished.folder)
    # On this machine and with jobs of its own: nothing is left to do.
    assert project.jobs() == []


def running(slurm: Slurm, comment: str) -> str:
    """Id of a running job of a rule; empty where none runs."""
    lines = slurm.call("squeue", "--noheader", "--states=running", "-o", "%i|%k").splitlines()
    return next((line.split("|")[0] for line in lines if comment in line), "")
