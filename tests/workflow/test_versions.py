"""Versions of the data in throw-away clones: publish, push, clone, pull, and what Snakemake then does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
import pytest
import requests

from unispace.records.files import sha256_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TINY = "workflow/studies/tiny.yaml"
NAMES = ("things", "objects", "faces", "faces_lq", "bodies", "shapes", "attacks", "morphs")
IMAGES = "data/tiny/faces/images.npy"
# DVC reads a machine's own configuration too; tests see that of the project only.
ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Server:
    """An S3 server on loopback that checks who asks."""

    address: str
    key: str
    secret: str
    log: Path

    def requests(self) -> int:
        """How many requests for files it has answered."""
        return len(re.findall(r'"[A-Z]+ /unispace\S* HTTP', self.log.read_text()))

    def keys(self, secret: str | None = None) -> dict[str, str]:
        """The environment that lets DVC in; with another secret the one that does not."""
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": secret or self.secret}


def call(folder: Path, *arguments: str, fails: bool = False, **variables: str) -> str:
    """Run a program in a clone with the clone's own package; its output and errors."""
    home = folder.parent / "home"
    own = {
        "PYTHONPATH": str(folder / "workflow"),
        "DVC_GLOBAL_CONFIG_DIR": str(home),
        "DVC_SYSTEM_CONFIG_DIR": str(home),
        "DVC_SITE_CACHE_DIR": str(home / "site"),
        # Not there: nobody's keys.
        "AWS_CONFIG_FILE": str(home / "aws"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws"),
    }
    done = subprocess.run(
        arguments,
        cwd=folder,
        env={**os.environ, **ENVIRONMENT, **own, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    said = done.stdout + done.stderr
    assert (done.returncode != 0) == fails, said
    assert "Traceback" not in said
    return said


def unispace(project, *arguments: str, fails: bool = False, **variables: str) -> str:
    command = (sys.executable, "-m", "unispace", *arguments)
    return call(project.folder, *command, fails=fails, **variables)


def dvc(project, *arguments: str, fails: bool = False, **variables: str) -> str:
    command = (sys.executable, "-m", "dvc", *arguments)
    return call(project.folder, *command, fails=fails, **variables)


def git(project, *arguments: str) -> str:
    return call(project.folder, "git", *arguments)


def commit(project, *files: str) -> None:
    git(project, "add", *files)
    git(project, "commit", "--quiet", "--message", "x")


def prepare(project) -> str:
    done = project.snakemake("data", "--cores", "2", "--configfile", TINY)
    assert done.returncode == 0, done.stderr
    return done.stderr


def pending(project) -> list[str]:
    """Jobs that the data of the study still needs."""
    return [job for job in project.jobs("data") if job != "data"]


@pytest.fixture(scope="module")
def published(new_project, tmp_path_factory):
    """A repository with the tiny study's data published. Do not change it: take `clone`."""
    project = new_project(tmp_path_factory.mktemp("published") / "project")
    for name in (".gitignore", ".dvcignore"):
        shutil.copy2(ROOT / name, project.folder / name)
    (project.folder / ".dvc").mkdir()
    for name in ("config", ".gitignore"):
        shutil.copy2(ROOT / ".dvc" / name, project.folder / ".dvc" / name)
    prepare(project)
    git(project, "init", "--quiet", "--initial-branch", "main")
    said = unispace(project, "publish", TINY)
    assert "git add data-tiny.dvc provenance-tiny.jsonl" in said
    commit(project, "--all")
    return project


@pytest.fixture(scope="module")
def store(published) -> Path:
    """A folder that the published data was pushed to."""
    folder = published.folder.parent / "store"
    dvc(published, "remote", "add", "--local", "folder", str(folder))
    dvc(published, "push", "--remote", "folder")
    return folder


@pytest.fixture
def clone(published, tmp_path: Path):
    """A clone in which nothing was pulled or run."""
    target = tmp_path / "clone"
    call(tmp_path, "git", "clone", "--quiet", str(published.folder), str(target))
    return replace(published, folder=target)


@pytest.fixture(scope="module")
def pulled_once(published, store: Path):
    """A clone with the published data. Do not change it: take `pulled`."""
    folder = published.folder.parent / "pulled"
    call(folder.parent, "git", "clone", "--quiet", str(published.folder), str(folder))
    project = replace(published, folder=folder)
    dvc(project, "remote", "add", "--local", "--default", "folder", str(store))
    unispace(project, "pull", TINY)
    return project


@pytest.fixture
def pulled(pulled_once, tmp_path: Path):
    """A clone with the published data that a test may change."""
    shutil.copytree(pulled_once.folder, tmp_path / "clone", symlinks=True)
    return replace(pulled_once, folder=tmp_path / "clone")


@pytest.fixture(scope="module")
def s3(published, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An S3 server, a process of its own on loopback, with an empty bucket `unispace` that one user may use."""
    log = tmp_path_factory.mktemp("s3") / "log"
    command = [sys.executable, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with log.open("w") as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=stream)
    try:
        address = address_of(server, log)
        anybody = {
            "endpoint_url": address,
            "aws_access_key_id": "anybody",
            "aws_secret_access_key": "anybody",
            "region_name": ENVIRONMENT["AWS_DEFAULT_REGION"],
        }
        boto3.client("s3", **anybody).create_bucket(Bucket="unispace")
        users = boto3.client("iam", **anybody)
        users.create_user(UserName="ann")
        allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        users.put_user_policy(UserName="ann", PolicyName="all", PolicyDocument=policy)
        key = users.create_access_key(UserName="ann")["AccessKey"]
        # From now on it checks keys and signatures.
        asked = requests.post(f"{address}/moto-api/reset-auth", data="0", timeout=20)
        asked.raise_for_status()
        yield Server(address, key["AccessKeyId"], key["SecretAccessKey"], log)
    finally:
        server.terminate()
        server.wait(timeout=20)


def address_of(server: subprocess.Popen[bytes], log: Path) -> str:
    """Where a server that chose its own port listens; it says so when it does."""
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        if found:
            requests.get(f"{found.group()}/moto-api/", timeout=20).raise_for_status()
            return found.group()
        time.sleep(0.1)
    pytest.fail(f"the S3 server does not answer: {log.read_text()}")


def test_without_dvc_a_clone_renders_the_published_bytes_itself(clone):
    assert sorted(pending(clone)) == sorted(
        ["prepare_pretraining_data things", *(f"prepare_data {n}" for n in NAMES[1:])]
    )
    assert "nothing to compare yet" in unispace(clone, "provenance", "verify", TINY, fails=True)
    prepare(clone)
    said = unispace(clone, "provenance", "verify", TINY)
    assert "data/tiny: all 40 files have the published bytes" in said
    # DVC comes to the same verdict by its own checksums: it misses its cache, and no byte.
    status = json.loads(dvc(clone, "data", "status", "--json"))
    assert "modified" not in status.get("uncommitted", {})
    assert status["not_in_cache"] == ["data/tiny/"]


def test_after_a_pull_from_a_folder_there_is_nothing_to_prepare(pulled):
    assert pending(pulled) == []
    assert "Nothing to be done" in prepare(pulled)
    assert "all 40 files" in unispace(pulled, "provenance", "verify", TINY)
    assert "up to date" in dvc(pulled, "status")
    assert git(pulled, "status", "--porcelain") == ""


def with_s3(project, s3: Server) -> None:
    dvc(project, "remote", "add", "--local", "--default", "--force", "s3", "s3://unispace/store")
    dvc(project, "remote", "modify", "--local", "s3", "endpointurl", s3.address)


def test_after_a_pull_from_s3_there_is_nothing_to_prepare(published, clone, s3):
    for project in (published, clone):
        with_s3(project, s3)
    keys = s3.keys()
    assert re.search(r"^[34]\d files pushed", dvc(published, "push", "--remote", "s3", **keys))
    # Each file is sent once, and asked for at most twice, with a few requests around that.
    assert s3.requests() < 3 * 40
    before = s3.requests()
    assert "40 files have the published bytes" in unispace(clone, "pull", TINY, **keys)
    assert s3.requests() - before < 3 * 40
    assert pending(clone) == []
    assert "up to date" in dvc(clone, "status", **keys)
    # What lets the user in was in the environment, and is nowhere else.
    for path in clone.folder.rglob("*"):
        if path.is_file():
            assert s3.secret.encode() not in path.read_bytes(), path


def test_a_wrong_secret_is_said_and_brings_nothing(clone, s3):
    with_s3(clone, s3)
    before = s3.requests()
    said = unispace(clone, "pull", TINY, fails=True, **s3.keys("wrong"))
    assert re.search(r"ERROR: .*(signature|Forbidden|Access Denied)", said), said
    assert "data-tiny.dvc could not be pulled: DVC says why above" in said
    assert "docs/versions.md" in said
    assert s3.requests() - before < 3 * 40
    assert not (clone.folder / "data").exists()


def test_after_a_plain_dvc_pull_snakemake_learns_by_itself_what_the_files_were_made_from(
    clone, store
):
    dvc(clone, "remote", "add", "--local", "--default", "folder", str(store))
    dvc(clone, "pull")
    clone.change(TINY, "degrade: {} }", "degrade: { severity: [0.3, 0.8] } }")
    # Without the record the pulled files would be taken as they are: they are newer than the code.
    assert pending(clone) == ["prepare_data faces_lq"]
    clone.change(TINY, "degrade: { severity: [0.3, 0.8] } }", "degrade: {} }")
    assert pending(clone) == []


def test_a_clone_without_a_remote_is_told_where_to_read(clone):
    said = unispace(clone, "pull", TINY, fails=True)
    assert "data-tiny.dvc could not be pulled" in said
    assert "docs/versions.md" in said


def test_a_study_that_was_not_published_is_named(clone):
    said = unispace(clone, "pull", fails=True)
    assert "study studio: not published here, there is no data.dvc" in said


def test_the_record_holds_no_path_of_this_machine_and_is_the_same_when_made_again(pulled):
    path = pulled.folder / "provenance-tiny.jsonl"
    before = path.read_bytes()
    assert str(ROOT).encode() not in before
    assert b"/tmp" not in before
    assert str(Path.home()).encode() not in before
    unispace(pulled, "provenance", "export", TINY)
    assert path.read_bytes() == before
    unispace(pulled, "publish", TINY)
    assert git(pulled, "status", "--porcelain") == ""


def test_a_change_makes_again_what_it_concerns_and_nothing_else(pulled):
    pulled.change(TINY, "degrade: {} }", "degrade: { severity: [0.3, 0.8] } }")
    assert pending(pulled) == ["prepare_data faces_lq"]
    pulled.change("workflow/unispace/data/studio/faces_hair.py", '"""', '"""Changed. ')
    assert len(pending(pulled)) == len(NAMES)


def test_touched_files_make_nothing_again(pulled):
    for name in (IMAGES, "workflow/unispace/data/degrade.py", TINY):
        os.utime(pulled.folder / name)
    text = (pulled.folder / TINY).read_text()
    (pulled.folder / TINY).write_text(text.replace("\n\n", "\n\n\n") + "\n")
    assert pending(pulled) == []


def test_a_file_that_came_damaged_is_named_and_made_again(clone, store, tmp_path):
    damaged = tmp_path / "store"
    shutil.copytree(store, damaged)
    largest = max((p for p in damaged.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[-1] ^= 1
    largest.chmod(0o644)
    largest.write_bytes(content)
    dvc(clone, "remote", "add", "--local", "--default", "folder", str(damaged))
    said = unispace(clone, "pull", TINY, fails=True)
    assert "35 files have the published bytes" in said
    (name,) = re.findall(r"nor what a run here.*\n +data/tiny/(\w+)/images\.npy", said)
    # DVC trusts what lies in a folder and notices nothing.
    assert "up to date" in dvc(clone, "status")
    assert f"data/tiny/{name}/images.npy" in unispace(
        clone, "provenance", "verify", TINY, fails=True
    )
    assert [job.split()[1] for job in pending(clone)] == [name]
    prepare(clone)
    unispace(clone, "provenance", "verify", TINY)
    assert pending(clone) == []


def test_a_remote_that_verifies_refuses_damaged_bytes(clone, store, tmp_path):
    damaged = tmp_path / "store"
    shutil.copytree(store, damaged)
    largest = max((p for p in damaged.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    largest.chmod(0o644)
    largest.write_bytes(b"x" * largest.stat().st_size)
    dvc(clone, "remote", "add", "--local", "--default", "folder", str(damaged))
    dvc(clone, "remote", "modify", "--local", "folder", "verify", "true")
    assert "could not be pulled" in unispace(clone, "pull", TINY, fails=True)


def test_a_file_that_was_written_to_since_is_named_by_verify_and_restore(pulled):
    with (pulled.folder / IMAGES).open("ab") as stream:
        stream.write(b"x")
    said = unispace(pulled, "provenance", "verify", TINY, fails=True)
    assert re.search(rf"other bytes than published:\n +{IMAGES}\n", said)
    assert IMAGES in unispace(pulled, "provenance", "restore", TINY, fails=True)
    assert pending(pulled) == ["prepare_data faces"]


def test_data_of_a_run_here_stays_and_is_judged_by_that_run(pulled):
    pulled.change(TINY, "degrade: {} }", "degrade: { severity: [0.3, 0.8] } }")
    prepare(pulled)
    said = unispace(pulled, "provenance", "restore", TINY)
    assert re.search(r"made by a run here .*\n(.*\n)* +data/tiny/faces_lq/images.npy", said)
    assert "data/tiny/faces_lq/images.npy" in unispace(
        pulled, "provenance", "verify", TINY, fails=True
    )
    assert pending(pulled) == []


def test_after_a_change_of_branch_both_versions_are_there_without_a_job(pulled):
    first = sha256_of(pulled.folder / "data/tiny/faces_lq/images.npy")
    git(pulled, "checkout", "--quiet", "-b", "other")
    pulled.change(TINY, "degrade: {} }", "degrade: { severity: [0.3, 0.8] } }")
    prepare(pulled)
    unispace(pulled, "publish", TINY)
    assert " M data-tiny.dvc" in git(pulled, "status", "--porcelain")
    commit(pulled, "--all")
    second = sha256_of(pulled.folder / "data/tiny/faces_lq/images.npy")
    assert first != second
    for branch, checksum in (("main", first), ("other", second)):
        git(pulled, "checkout", "--quiet", branch)
        dvc(pulled, "checkout")
        unispace(pulled, "provenance", "restore", TINY)
        assert sha256_of(pulled.folder / "data/tiny/faces_lq/images.npy") == checksum
        assert pending(pulled) == []


def test_what_the_study_no_longer_makes_is_not_published(pulled):
    text = (pulled.folder / TINY).read_text()
    renamed = text.replace("  things:\n", "  stuff:\n").replace("dataset: things", "dataset: stuff")
    (pulled.folder / TINY).write_text(renamed)
    said = unispace(pulled, "publish", TINY, fails=True)
    assert "data/tiny: not part of the study as it is now" in said
    assert "data/tiny/things/images.npy" in said


def test_a_file_that_nothing_made_is_not_published(pulled):
    (pulled.folder / "data/tiny/faces/notes.txt").write_text("mine")
    said = unispace(pulled, "publish", TINY, fails=True)
    assert "not made by Snakemake here" in said
    assert "data/tiny/faces/notes.txt" in said
    said = unispace(pulled, "provenance", "verify", TINY, fails=True)
    assert re.search(r"here, and not published:\n +data/tiny/faces/notes.txt", said)


def test_unfinished_work_is_not_published(pulled):
    (pulled.folder / "data/tiny/faces/.images.npy.x.part").write_bytes(b"half")
    unispace(pulled, "publish", TINY)
    assert git(pulled, "status", "--porcelain") == ""


def test_data_published_without_its_record_is_noticed(pulled):
    pulled.change(TINY, "images_per_label: 6, size: 32 }", "images_per_label: 7, size: 32 }")
    prepare(pulled)
    unispace(pulled, "publish", TINY)
    git(pulled, "reset", "--quiet")
    git(pulled, "checkout", "data-tiny.dvc")
    said = unispace(pulled, "provenance", "verify", TINY, fails=True)
    assert "data-tiny.dvc and provenance-tiny.jsonl are not of one publication" in said
