"""Locks, rights, versions, published data and records."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from unispace.doctor import place
from unispace.doctor.place import (
    dvc_findings,
    file_findings,
    lock_findings,
    provenance_findings,
    secret_findings,
    version_findings,
)
from unispace.records.provenance import Job
from unispace.records.run_lock import VARIABLE
from unispace.records.snakemake_metadata import mark_incomplete, write_metadata

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"


def locked(root, *machines: str):
    """Locks of Snakemake, and the machines whose runs are said to have made them."""
    folder = root / ".snakemake" / "locks"
    folder.mkdir(parents=True)
    (folder / "0.output.lock").write_text("results/s/a\n")
    if machines:
        (root / ".snakemake" / "unispace.lock").write_text("".join(f"{m}\n" for m in machines))


@pytest.fixture
def living(root):
    """A process that holds the folder as a run does."""
    script = (
        "import time; from pathlib import Path; from unispace.records.run_lock import hold; "
        "hold(Path()); print('ready', flush=True); time.sleep(60)"
    )
    clean = {k: v for k, v in os.environ.items() if k != VARIABLE}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=root,
        env={**clean, "PYTHONPATH": str(WORKFLOW)},
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def test_a_folder_without_a_run_is_free(root):
    assert [f.severity for f in lock_findings(root)] == ["ok"]


def test_a_lock_that_a_killed_run_left_is_no_obstacle_to_the_next(root):
    locked(root, socket.gethostname())
    (found,) = lock_findings(root)
    assert (found.severity, found.remedy) == ("note", "")
    assert "killed" in found.message
    assert "none is alive; the next run clears it" in found.message
    assert list((root / ".snakemake" / "locks").iterdir())


@pytest.mark.parametrize(
    ("machines", "told"),
    [
        (["login-2"], "started on login-2 has locked"),
        (["cluster"], "on a cluster (see `squeue` or `kubectl get jobs`)"),
        ([], "with an earlier version of this project"),
    ],
)
def test_a_lock_of_which_this_machine_cannot_tell_is_left_to_the_user(root, machines, told):
    locked(root, *machines)
    (found,) = lock_findings(root)
    assert found.severity == "error"
    assert told in found.message
    assert "snakemake --unlock (docs/runs.md)" in found.remedy


def test_a_lock_of_a_living_run_is_not_to_be_removed(root, living):
    # A run that has locked nothing, such as a dry run, is in nobody's way.
    assert [f.severity for f in lock_findings(root)] == ["ok"]
    locked(root)
    (found,) = lock_findings(root)
    assert found.severity == "error"
    assert f"is at work in this folder (process {living.pid}: python" in found.message
    assert "do not unlock" in found.remedy


def test_unfinished_outputs_are_counted(root):
    mark_incomplete(root, "results/s/a")
    (found,) = lock_findings(root)
    assert found.severity == "note"
    assert found.message.startswith("1 outputs were left unfinished")


def test_folders_that_may_not_be_written(root, planted, monkeypatch):
    (root / "results").mkdir()
    monkeypatch.setattr(place.os, "access", lambda path, mode: path.name != "results")
    (found,) = file_findings(root, planted.machine(), [])
    assert found.message == "results: this user may not write there"
    assert found.remedy.startswith("chmod u+rwx results")


def test_few_open_files(root, planted):
    (found,) = file_findings(root, planted.machine(open_files=256), [])
    assert (found.severity, found.remedy) == ("warning", "ulimit -n 4096")
    assert file_findings(root, planted.machine(open_files=None), [])[0].severity == "ok"


def test_names_that_differ_in_case_alone(root, planted, monkeypatch):
    raw = ["A.zip", "a.zip"]
    assert file_findings(root, planted.machine(), raw)[0].severity == "ok"
    monkeypatch.setattr(place, "_ignores_case", lambda folder: True)
    (found,) = file_findings(root, planted.machine(), raw)
    assert "data/raw/a.zip and data/raw/A.zip are one file here" in found.message


def test_versions_are_those_of_the_lock(root):
    assert [f.severity for f in version_findings(root)] == ["ok"]


def test_other_versions_and_missing_packages(root):
    lock = root / "envs" / "requirements.lock"
    text = lock.read_text()
    lock.write_text(text.replace("\nsnakemake==9.27.1", "\nsnakemake==9.0.0"))
    (found,) = version_findings(root)
    assert "snakemake 9.27.1 instead of 9.0.0" in found.message
    project = root / "pyproject.toml"
    project.write_text(
        project.read_text().replace('"pyyaml",', '"pyyaml", "not-a-package-at-all",')
    )
    lock.write_text(f"{text}not-a-package-at-all==1.0 \\\n    --hash=sha256:0\n")
    (found,) = version_findings(root)
    assert (found.severity, found.remedy) == ("error", "make setup")
    assert found.message == "not-a-package-at-all 1.0 is not installed"


def test_another_python(root):
    project = root / "pyproject.toml"
    project.write_text(project.read_text().replace(">=3.11,<3.14", ">=3.99"))
    assert "the project needs >=3.99" in version_findings(root)[0].message


def test_a_project_without_its_files(root):
    (root / "pyproject.toml").unlink()
    (found,) = version_findings(root)
    assert found.remedy == "git checkout pyproject.toml"


@pytest.fixture
def pointer(root):
    path = root / "data.dvc"
    path.write_text("outs:\n- {path: data/s, size: 6, nfiles: 2, md5: x.dir, hash: md5}\n")
    return path


def test_dvc_and_the_folder(root, pointer):
    assert dvc_findings(root, [root / "none.dvc"]) == []
    (found,) = dvc_findings(root, [pointer])
    assert found.severity == "note"
    assert "unispace pull" in found.remedy
    (root / "data" / "s").mkdir(parents=True)
    for name in "ab":
        (root / "data" / "s" / name).write_text("abc")
    assert dvc_findings(root, [pointer])[0].severity == "ok"
    (root / "data" / "s" / "b").write_text("abcd")
    (found,) = dvc_findings(root, [pointer])
    assert found.severity == "warning"
    assert "has 2 files and 7 bytes, data.dvc says 2 and 6" in found.message
    assert "unispace provenance verify" in found.remedy


def test_outputs_without_a_record(root):
    job = Job.model_validate_json(
        json.dumps(
            {
                "rule": "r", "outputs": {"data/s/a": {"bytes": 1, "sha256": "0" * 64}}, "inputs": [],
                "params": [], "code": None, "shellcmd": None, "software_stack_hash": None,
                "container_img_url": None, "record_format_version": 6,
            }
        )
    )  # fmt: skip
    assert provenance_findings(root, [job])[0].severity == "ok"
    (root / "data" / "s").mkdir(parents=True)
    (root / "data" / "s" / "a").write_text("a")
    (found,) = provenance_findings(root, [job])
    assert (found.severity, found.remedy) == ("note", "unispace provenance restore")
    write_metadata(root, "data/s/a", {"rule": "r"})
    assert provenance_findings(root, [job])[0].severity == "ok"


def test_keys_of_a_remote_that_are_in_git_are_named_and_not_shown(root):
    assert [f.severity for f in secret_findings(root)] == ["ok"]
    (root / ".dvc").mkdir()
    config = root / ".dvc" / "config"
    config.write_text(
        "[core]\n    remote = store\n['remote \"store\"']\n    url = s3://bucket/store\n"
        "    access_key_id = AK\n    profile = mine\n"
    )
    assert [f.severity for f in secret_findings(root)] == ["ok"]
    config.write_text(
        config.read_text() + "    secret_access_key = hunter22\n"
        "['remote \"web\"']\n    url = https://ann:hunter23@h/dav\n    password = hunter24\n"
    )
    found = secret_findings(root)
    assert [f.severity for f in found] == ["error"] * 3
    said = "\n".join(f"{f.message} {f.remedy}" for f in found)
    assert "`secret_access_key` of store" in said
    assert "`url` of web" in said
    assert "dvc remote modify --local web password" in said
    assert "hunter" not in said
