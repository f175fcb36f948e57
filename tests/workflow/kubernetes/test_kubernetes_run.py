"""A part of the tiny study through the profile for Kubernetes, on a cluster that a pretended kubectl plays."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from killing import launch
from one_node_slurm import environment_with_plugin

from unispace.records.files import sha256_of

pytestmark = pytest.mark.slow

TINY = "workflow/studies/tiny.yaml"
MODEL = "checkpoints/tiny/pixels/expert-face_hq/seed0/model.safetensors"
OPTIONS = (
    *("--workflow-profile", "workflow/profiles/kubernetes", "--configfile", TINY),
    *("--seconds-between-status-checks", "1", "--latency-wait", "10"),
)


@pytest.fixture(scope="module")
def snakemake(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plugin") / "venv"
    reason = environment_with_plugin(folder, ["snakemake-executor-plugin-cluster-generic==1.0.9"])
    if reason:
        pytest.skip(reason)
    return folder / "bin" / "snakemake"


def begin(snakemake: Path, folder: Path, *targets: str) -> subprocess.Popen[str]:
    return launch(folder, str(snakemake), *targets, *OPTIONS)


def wait_for(run: subprocess.Popen[str], what: Callable[[], list[Path]]) -> Path:
    end = time.monotonic() + 240
    while not (found := what()):
        assert run.poll() is None, "the run ended before"
        assert time.monotonic() < end
        time.sleep(0.1)
    return found[0]


def begun(cluster: Path, rule: str) -> list[Path]:
    """Jobs of a rule whose containers run."""
    return [path.parent for path in cluster.glob(f"jobs/unispace-tiny-{rule}-*/group")]


@pytest.mark.nightly
def test_a_job_that_is_deleted_is_sent_again_and_the_model_is_that_of_a_run_here(
    cluster, snakemake, new_project, tmp_path
):
    project = new_project(tmp_path / "project")
    run = begin(snakemake, project.folder, MODEL)
    try:
        first = wait_for(run, lambda: begun(cluster, "train-model"))
        manifest = json.loads((first / "manifest.json").read_text())
        subprocess.run(["kubectl", "delete", "jobs", first.name], check=True)
        assert run.wait(240) == 0, (project.folder / "run.log").read_text()
    finally:
        run.kill()
    said = (project.folder / "run.log").read_text()
    assert f"Job {first.name}: the Job was deleted" in said
    assert re.search(r" again +train_model ", said), said
    (second,) = begun(cluster, "train-model")
    assert second != first
    # It asks for more, in case the first was ended for what it asked.
    pod = manifest["spec"]["template"]["spec"]
    again = json.loads((second / "manifest.json").read_text())["spec"]["template"]["spec"]
    assert again["activeDeadlineSeconds"] == 2 * pod["activeDeadlineSeconds"] == 2 * 30 * 60
    (container,) = pod["containers"]
    assert container["workingDir"] == str(project.folder)
    assert container["resources"]["limits"]["cpu"] == "1"
    # Jobs of a group go as one.
    (data,) = begun(cluster, "images")
    assert (data / "code").read_text() == "0"
    here = new_project(tmp_path / "here")
    done = here.snakemake(MODEL, "--cores", "2", "--configfile", TINY)
    assert done.returncode == 0, done.stderr
    assert sha256_of(project.folder / MODEL) == sha256_of(here.folder / MODEL)
    assert project.jobs(MODEL) == []


def test_an_interrupted_run_deletes_its_jobs(cluster, snakemake, new_project, tmp_path):
    project = new_project(tmp_path / "project")
    # Its job is done in a moment, and would be before the interrupt.
    (cluster / "held").touch()
    run = begin(snakemake, project.folder, "data/tiny/things/manifest.parquet")
    try:
        job = wait_for(run, lambda: begun(cluster, "images"))
        log = project.folder / "run.log"
        # Before that Snakemake does not know its name.
        wait_for(run, lambda: [log] if job.name in log.read_text() else [])
        os.kill(run.pid, signal.SIGINT)
        assert run.wait(60) != 0
    finally:
        run.kill()
    # Snakemake does not wait for a kubectl that takes more than two seconds.
    for _ in range(200):
        if not job.exists():
            break
        time.sleep(0.1)
    assert not job.exists(), log.read_text()
    assert f" delete jobs {job.name} " in (cluster / "calls").read_text()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda c, m: m.delenv("UNISPACE_IMAGE"), "UNISPACE_IMAGE must be set"),
        (
            lambda c, m: (c / "claims/research").unlink(),
            'persistentvolumeclaims "research" not found',
        ),
        (lambda c, m: (c / "forbidden").touch(), 'User "ann" cannot create'),
    ],
)
def test_what_is_missing_is_told_before_the_first_job(
    cluster, snakemake, new_project, tmp_path, monkeypatch, spoil, words
):
    spoil(cluster, monkeypatch)
    project = new_project(tmp_path / "project")
    run = begin(snakemake, project.folder, "data/tiny/things/manifest.parquet")
    assert run.wait(60) == 1
    said = (project.folder / "run.log").read_text()
    assert words in said
    assert "Traceback" not in said
    assert not (cluster / "jobs").exists()
    # No lock is left.
    assert not list((project.folder / ".snakemake/locks").glob("*"))
