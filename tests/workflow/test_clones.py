"""A whole study in throw-away clones: what a pull brings, nothing makes again."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from killing import files_of

from unispace.records.files import sha256_of

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

ROOT = Path(__file__).resolve().parents[2]
TINY = "workflow/studies/tiny.yaml"
MODEL = "checkpoints/tiny/micro/imic-a/seed0/model.safetensors"
WITHOUT_NETWORKS = {"train_model", "pretrain_backbone", "prepare_data", "prepare_pretraining_data"}
IDENTITY = {
    f"GIT_{who}_{what}": "a@example.org"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


def call(project, *arguments: str, fails: bool = False) -> str:
    """Run a program in a clone with the clone's own package, and without this machine's configuration."""
    home = project.folder.parent / "home"
    own = {
        "PYTHONPATH": str(project.folder / "workflow"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "DVC_GLOBAL_CONFIG_DIR": str(home),
        "DVC_SYSTEM_CONFIG_DIR": str(home),
        "DVC_SITE_CACHE_DIR": str(home / "site"),
    }
    done = subprocess.run(
        arguments,
        cwd=project.folder,
        env={**os.environ, **IDENTITY, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert (done.returncode != 0) == fails, said
    return said


def unispace(project, *arguments: str, fails: bool = False) -> str:
    return call(project, sys.executable, "-m", "unispace", *arguments, fails=fails)


def dvc(project, *arguments: str) -> str:
    return call(project, sys.executable, "-m", "dvc", *arguments)


def rules(project, *targets: str) -> set[str]:
    return {job.split()[0] for job in project.jobs(*targets)} - {"figures", "data"}


@pytest.fixture(scope="module")
def published(finished, tmp_path_factory):
    """A repository with all of the tiny study published and pushed. Do not change it: take `pulled`."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(finished.folder, folder / "project", symlinks=True)
    project = replace(finished, folder=folder / "project")
    for name in (".gitignore", ".dvcignore"):
        shutil.copy2(ROOT / name, project.folder / name)
    (project.folder / ".dvc").mkdir()
    for name in ("config", ".gitignore"):
        shutil.copy2(ROOT / ".dvc" / name, project.folder / ".dvc" / name)
    call(project, "git", "init", "--quiet", "--initial-branch", "main")
    said = unispace(project, "publish", TINY, "--only", "data", "checkpoints", "results")
    assert "git add --force data-tiny.dvc" in said
    assert "results/headline-tiny.json results/headline-tiny.csv provenance-tiny.jsonl" in said
    (project.folder / "run.log").unlink()
    call(project, "git", "add", "--all")
    call(project, "git", "commit", "--quiet", "--message", "x")
    dvc(project, "remote", "add", "--local", "--default", "store", str(folder / "store"))
    dvc(project, "push")
    return project


def clone_of(published, folder: Path):
    call(published, "git", "clone", "--quiet", str(published.folder), str(folder))
    clone = replace(published, folder=folder)
    store = published.folder.parent / "store"
    dvc(clone, "remote", "add", "--local", "--default", "store", str(store))
    return clone


@pytest.fixture(scope="module")
def pulled_once(published):
    """A clone with all that was published. Do not change it: take `pulled`."""
    clone = clone_of(published, published.folder.parent / "clone")
    dvc(clone, "pull")
    return clone


@pytest.fixture
def pulled(pulled_once, tmp_path):
    """A clone, moved to another folder, that a test may change."""
    shutil.copytree(pulled_once.folder, tmp_path / "moved", symlinks=True)
    return replace(pulled_once, folder=tmp_path / "moved")


def test_after_clone_and_pull_there_is_nothing_to_do_also_in_another_place(pulled_once, pulled):
    for project in (pulled_once, pulled):
        done = project.snakemake("--cores", "1", "--configfile", TINY)
        assert done.returncode == 0, done.stderr
        assert "Nothing to be done" in done.stderr
    assert call(pulled, "git", "status", "--porcelain") == ""


def test_without_snakemakes_own_record_the_one_in_git_decides(pulled):
    shutil.rmtree(pulled.folder / ".snakemake", ignore_errors=True)
    assert pulled.jobs() == []
    shutil.rmtree(pulled.folder / ".snakemake")
    pulled.change(TINY, "title: Unispace tiny study", "title: Another title")
    assert pulled.jobs() == ["render_report"]


def test_one_parameter_runs_its_jobs_and_no_others(pulled, rerun):
    for project in (pulled, rerun):
        project.change(TINY, "imic-a:\n    steps: 4", "imic-a:\n    steps: 5")
    # Which these are, tests/workflow/test_reruns.py says; a clone knows as well as the project that ran.
    assert pulled.jobs() == rerun.jobs()
    assert "train_model micro imic-a 0" in pulled.jobs()


def test_white_space_and_touched_files_run_nothing(pulled):
    text = (pulled.folder / TINY).read_text()
    (pulled.folder / TINY).write_text(text.replace("\n\n", "\n\n\n") + "\n")
    for name in (MODEL, "workflow/unispace/curricula/training.py", "data/tiny/faces/images.npy"):
        os.utime(pulled.folder / name)
    assert pulled.jobs() == []


def test_a_damaged_checkpoint_is_named_and_made_anew_or_pulled(pulled, published):
    path = pulled.folder / MODEL
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()
    path.write_bytes(content)
    said = unispace(pulled, "provenance", "verify", TINY, fails=True)
    assert MODEL in said
    assert MODEL in unispace(pulled, "provenance", "restore", TINY, fails=True)
    assert "train_model micro imic-a 0" in pulled.jobs()
    dvc(pulled, "checkout", "--force")
    unispace(pulled, "provenance", "restore", TINY)
    assert pulled.jobs() == []
    assert sha256_of(path) == sha256_of(published.folder / MODEL)


def test_a_damaged_checkpoint_is_never_embedded(pulled):
    path = pulled.folder / MODEL
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()
    path.write_bytes(content)
    target = "results/tiny/embeddings/micro/imic-a/seed0/faces/vectors.npy"
    # Asked for by name and by force, with the damage unnoticed: the card tells.
    done = pulled.snakemake(
        "--cores",
        "1",
        "--configfile",
        TINY,
        "--allowed-rules",
        "extract_embeddings",
        "--force",
        target,
    )
    assert done.returncode == 1, done.stderr
    (log,) = (pulled.folder / "logs/tiny/extract_embeddings/micro/imic-a").glob("*.log")
    assert "is not the card of" in log.read_text()


def test_figures_are_drawn_in_a_clone_without_a_network(published, tmp_path):
    clone = clone_of(published, tmp_path / "clone")
    dvc(clone, "pull")
    figures = clone.folder / "results/tiny/report/figures"
    before = {name: d for name, d in files_of(clone.folder).items() if "report/figures" in name}
    assert len(before) > 60
    shutil.rmtree(figures)
    found = rules(clone, "figures")
    assert found == {"draw_figure", "draw_contact_sheet"}
    done = clone.snakemake("figures", "--cores", "2", "--configfile", TINY)
    assert done.returncode == 0, done.stderr
    after = files_of(clone.folder)
    assert {name: after[name] for name in before} == before


def test_checkpoints_alone_are_enough_for_figures_without_training(published, tmp_path):
    clone = clone_of(published, tmp_path / "clone")
    dvc(clone, "pull", "data-tiny.dvc", "checkpoints-tiny.dvc")
    found = rules(clone, "figures")
    assert "extract_embeddings" in found
    assert not found & WITHOUT_NETWORKS


def test_collecting_garbage_keeps_what_the_workspace_needs(published, tmp_path):
    clone = clone_of(published, tmp_path / "clone")
    dvc(clone, "pull")
    before = files_of(clone.folder)
    clone.change(TINY, "degrade: {} }", "degrade: { severity: [0.3, 0.8] } }")
    dvc(clone, "gc", "--workspace", "--force")
    for kind in ("data", "checkpoints", "results"):
        shutil.rmtree(clone.folder / kind / "tiny")
    dvc(clone, "checkout")
    # The shelf of embeddings is no part of a study, and never published.
    assert files_of(clone.folder) == {n: d for n, d in before.items() if ".embeddings" not in n}


def test_two_studies_that_share_an_archive_fetch_it_once(fresh, tmp_path):
    packed = tmp_path / "persons.tar"
    with tarfile.open(packed, "w") as archive:
        info = tarfile.TarInfo("manifest.csv")
        archive.addfile(info, io.BytesIO())
    old = "{ kind: studio, labels: 24, images_per_label: 4, size: 32 }"
    new = f"{{ kind: archive, path: persons.tar, sha256: '{sha256_of(packed)}' }}"
    fresh.change(TINY, old, new)
    other = "workflow/studies/other.yaml"
    text = (fresh.folder / TINY).read_text()
    (fresh.folder / other).write_text(text.replace("study: tiny", "study: other"))
    fetched = "data/raw/persons.tar"
    done = fresh.snakemake(
        fetched, "--cores", "1", "--configfile", TINY, UNISPACE_DATA=str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    assert "start  fetch_archive" in done.stderr
    for study, name in ((TINY, "tiny"), (other, "other")):
        jobs = fresh.jobs(f"data/{name}/faces/manifest.parquet", study=study)
        assert jobs == ["prepare_data faces"]
