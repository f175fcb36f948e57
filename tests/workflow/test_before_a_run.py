"""doctor, explain and why on a study that ran, and after one change each."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from killing import kill_all, start

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TINY = "workflow/studies/tiny.yaml"


def unispace(project, *arguments: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command in a project with the project's own package."""
    clean = {k: v for k, v in os.environ.items() if k != "UNISPACE_DATA"}
    done = subprocess.run(
        [sys.executable, "-m", "unispace", *arguments],
        cwd=project.folder,
        env={**clean, "PYTHONPATH": str(project.folder / "workflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def explained(project, *targets: str) -> dict[str, list[dict[str, str]]]:
    """Causes of every job that would run, by its rule and wildcards."""
    found = json.loads(unispace(project, "explain", TINY, *targets, "--json").stdout)
    return {
        " ".join([job["rule"], *job["wildcards"].values()]): job["causes"] for job in found["jobs"]
    }


def test_one_changed_key_is_named_with_old_and_new_and_exactly_its_jobs(rerun):
    rerun.change(TINY, "imic-a:\n    steps: 4", "imic-a:\n    steps: 5")
    found = explained(rerun)
    assert sorted(found) == rerun.jobs()
    key = {"kind": "parameter", "what": "curricula.imic-a.steps", "change": "4 -> 5"}
    because = {job for job, causes in found.items() if causes}
    assert all(found[job] == [key] for job in because)
    assert "train_model micro imic-a 0" in because
    # What only reads what the new model makes has no cause of its own.
    assert found["extract_embeddings micro imic-a 0"] == []


def test_touched_edited_and_deleted_files(rerun):
    os.utime(rerun.folder / "data/tiny/faces/images.npy")
    assert "nothing would run" in unispace(rerun, "explain", TINY).stdout
    # Seen from what is targeted alone.
    (rerun.folder / "results/tiny/results.parquet").unlink()
    deleted = {"kind": "deleted", "what": "results/tiny/results.parquet", "change": ""}
    assert explained(rerun, "tables") == {"collect_results": [deleted]}
    module = "workflow/unispace/data/audit/sharing.py"
    rerun.change(module, '"""', '"""Changed. ')
    edited = {"kind": "module", "what": module, "change": ""}
    found = explained(rerun)
    assert found["audit_data"] == [edited]
    assert found["collect_results"] == [deleted]
    assert sorted(found) == rerun.jobs()
    assert {job for job, causes in found.items() if causes} == {"audit_data", "collect_results"}


def test_a_healthy_study(rerun):
    shutil.copy2(ROOT / "pyproject.toml", rerun.folder / "pyproject.toml")
    done = unispace(rerun, "doctor", TINY, "--json")
    (found,) = json.loads(done.stdout)
    assert found["healthy"]
    severities = {f["check"]: f["severity"] for f in found["findings"]}
    assert severities["config"] == severities["images"] == severities["time"] == "ok"
    assert "all jobs are up to date" in done.stdout


def test_a_folder_that_is_locked_by_a_run_that_is_alive_or_was_killed(rerun):
    shutil.copy2(ROOT / "pyproject.toml", rerun.folder / "pyproject.toml")
    page = rerun.folder / "results/tiny/report/index.html"
    page.unlink()
    run = start(rerun.folder, TINY)
    said = rerun.folder / "run.log"
    while "start  render_report" not in said.read_text():
        assert run.poll() is None, said.read_text()
        time.sleep(0.1)
    # Held, so that it does not end before it is killed.
    run.send_signal(signal.SIGSTOP)
    done = unispace(rerun, "doctor", TINY, fails=True)
    assert "is at work in this folder" in done.stdout
    assert f"process {run.pid}: " in done.stdout
    assert "do not unlock" in done.stdout
    kill_all(run)
    locks = rerun.folder / ".snakemake" / "locks"
    assert list(locks.glob("*.lock"))
    done = unispace(rerun, "doctor", TINY)
    assert "note     lock       a run that was killed left this folder locked" in done.stdout
    # What was announced; looking at the plan has cleared it already.
    done = rerun.snakemake("--cores", "1", "--configfile", TINY)
    assert done.returncode == 0, done.stderr
    assert not list(locks.glob("*.lock"))
    assert page.exists()


def test_why_goes_back_to_images_and_config(finished):
    found = json.loads(unispace(finished, "why", TINY, "forgetting", "--json").stdout)
    assert found["targets"] == ["results/tiny/report/figures/forgetting.svg"]
    assert found["rebuild"] == (
        f"snakemake results/tiny/report/figures/forgetting.svg --cores 2 --configfile {TINY}"
    )
    rules = [job["rule"] for job in found["jobs"]]
    assert {"prepare_data", "train_model", "extract_embeddings", "collect_results"} <= set(rules)
    # Each comes after all whose outputs it reads.
    made = {output for job in found["jobs"] for output in job["outputs"]}
    before: set[str] = set()
    for job in found["jobs"]:
        assert made & set(job["inputs"]) <= before
        before |= set(job["outputs"])
    assert rules[-1] == "draw_figure"
    assert {job["known"] for job in found["jobs"]} == {"made here"}
    assert all(job["code_version"] and job["command"] for job in found["jobs"])
    images = next(j for j in found["jobs"] if "data/tiny/faces/images.npy" in j["outputs"])
    assert "datasets.faces" in images["config_keys"]
    assert images["outputs"]["data/tiny/faces/images.npy"].startswith("sha256:")


def test_why_of_a_number(finished):
    chosen = ["--experiment", "verification", "--dataset", "faces", "--metric", "EER"]
    done = unispace(finished, "why", TINY, *chosen, "--model", "micro/base/seed0")
    first, *_ = done.stdout.splitlines()
    assert first.startswith("verification micro/base/seed0 faces all-pairs EER: ")
    assert "results/tiny/metrics/verification/micro+base+seed0.parquet" in done.stdout
    assert "train_model  (made here)" in done.stdout
    done = unispace(finished, "why", TINY, *chosen, "--model", "micro/bsae/seed0", fails=True)
    assert "no number with model `micro/bsae/seed0`" in done.stderr
    assert "did you mean `micro/base/seed0`" in done.stderr


def test_why_in_a_copy_in_which_nothing_ran(fresh):
    done = unispace(fresh, "why", TINY, "forgetting")
    assert "draw_figure  (planned)" in done.stdout
    assert "of these jobs never ran here" in done.stdout
    done = unispace(fresh, "why", TINY, "forgeting", fails=True)
    assert "no figure `forgeting`; did you mean `forgetting`?" in done.stderr
