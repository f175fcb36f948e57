"""docs/own-embeddings.md, carried out word for word; what reruns; and beside models of the study."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from unispace.alignment.storage import load_maps

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "own-embeddings.md").read_text("utf-8")
STUDY = "workflow/studies/own-embeddings.yaml"


def block(language):
    """The first block of the page in this language."""
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def done(new_project, tmp_path_factory):
    """A project in which everything was done that the page says. Do not change it: take `changed`."""
    project = new_project(tmp_path_factory.mktemp("own") / "project")
    subprocess.run([sys.executable, "-c", block("python")], cwd=project.folder, check=True)
    ran = project.snakemake(*block("sh").split()[1:])
    assert ran.returncode == 0, ran.stderr
    return project


@pytest.fixture
def changed(done, tmp_path):
    """A copy that a test may change."""
    shutil.copytree(done.folder, tmp_path / "project", symlinks=True)
    return type(done)(tmp_path / "project")


def test_the_page_shows_the_study_that_is_there():
    assert yaml.safe_load(block("yaml")) == yaml.safe_load((ROOT / STUDY).read_text("utf-8"))


def test_procrustes_finds_the_planted_rotation(done):
    folder = done.folder / "results/own-embeddings"
    rotation = np.load(done.folder / "data/own/rotation.npy")
    for pair, truth in (("first second", rotation), ("second first", rotation.T)):
        name = "--".join(f"{end}+own+seed0" for end in pair.split())
        found = load_maps(folder / f"maps/faces/{name}.safetensors")["procrustes"]
        np.testing.assert_allclose(found.matrix, truth, atol=1e-4)
    results = pd.read_parquet(folder / "results.parquet")
    here = (results["experiment"] == "verification") & (results["metric"] == "AUC")
    auc = results[here & results["method"].notna()].set_index("method")
    assert (auc.loc["procrustes", "lower"] > 0.9).all()
    assert (auc.loc["baseline", "upper"] < 0.6).all()
    # Balanced pairs are too few for the finest operating points, and two models for a structure.
    strict = results["experiment"].isin(["verification", "identification"])
    strict &= results["protocol"] != "balanced"
    assert set(results[strict]["status"]) == {"ok"}


def test_the_page_says_what_was_given_and_that_there_are_no_images(done):
    folder = done.folder / "results/own-embeddings"
    html = (folder / "report/index.html").read_text("utf-8")
    for said in (
        "The embeddings of 2 models, made elsewhere, tested on 1 data set",
        "faces has no images here, only a list of them",
        "the first, rotated",
        "There are no images to be looked at.",
        "Nothing was trained here.",
    ):
        assert said in html
    assert "sheet_faces" not in html
    assert not (done.folder / "data/own-embeddings/faces/images.npy").exists()
    assert not (done.folder / "checkpoints").exists()


def test_a_second_run_has_nothing_to_do(done):
    assert done.jobs(study=STUDY) == []


def test_a_changed_array_reruns_its_import_and_what_is_made_of_it(changed):
    file = changed.folder / "data/own/second.npy"
    vectors = np.load(file)
    vectors[3] = -vectors[3]
    np.save(file, vectors)
    jobs = set(changed.jobs(study=STUDY))
    assert {job for job in jobs if job.startswith(("import", "prepare", "evaluate", "fit"))} == {
        "import_embeddings second faces",
        "evaluate_verification second own 0",
        "evaluate_identification second own 0",
        "fit_maps faces",
        "evaluate_maps faces first+own+seed0",
        "evaluate_maps faces second+own+seed0",
        "evaluate_maps_paper faces",
        "evaluate_families faces",
        "evaluate_claims",
    }
    assert "render_report" in jobs
    assert "audit_data" not in jobs


def test_a_copy_of_the_files_elsewhere_reruns_nothing(changed, tmp_path):
    shutil.copytree(changed.folder / "data/own", tmp_path / "all/data/own")
    ran = changed.snakemake(
        "--dry-run", "--cores", "1", "--configfile", STUDY, UNISPACE_DATA=str(tmp_path / "all")
    )
    assert "Nothing to be done" in ran.stderr


def test_vectors_in_another_file_of_the_same_content_are_not_imported_again(changed):
    shutil.copy(changed.folder / "data/own/first.npy", changed.folder / "moved.npy")
    changed.change(STUDY, "vectors: data/own/first.npy", "vectors: moved.npy")
    # The page shows the settings, and so the path.
    assert changed.jobs(study=STUDY) == ["render_report"]


def test_a_broken_array_stops_the_run_before_its_first_job(changed):
    vectors = np.load(changed.folder / "data/own/first.npy")
    vectors[41, 2] = np.nan
    np.save(changed.folder / "data/own/first.npy", vectors)
    ran = changed.snakemake("--cores", "1", "--configfile", STUDY)
    assert ran.returncode != 0
    assert "1 of 1000 rows hold NaN or infinity, the first is row 41 (image 'person008/1.jpg')" in ran.stderr  # fmt: skip
    assert "Traceback" not in ran.stderr
    assert "import_embeddings" not in ran.stderr


BESIDE = """
study: beside
datasets:
  faces:
    domain: face_hq
    source: { kind: studio, labels: 24, images_per_label: 4, size: 32 }
    splits: { train: 0.4, val: 0 }
backbones:
  pixels:
    architecture: pixels
    options: { grid: 8, dimension: 16 }
    preprocessing: { size: 32 }
    weights: { kind: random }
curricula:
  base: {}
embeddings:
  elsewhere:
    card: { checkpoint: planted }
    datasets:
      faces: { vectors: e.npy, index: e.csv }
maps:
  models: [pixels/base/seed0, elsewhere/own/seed0]
  datasets: [faces]
  fit_share: 0.5
evaluation: { datasets: [faces], resamples: 100, fmr: [0.1] }
audit: { model: elsewhere/own/seed0 }
report: { sheet_labels: 3, sheet_images: 4, view_images: 20 }
"""


def test_they_stand_beside_a_model_of_the_study(fresh):
    """The same images, embedded here and elsewhere, the latter a rotation of the former."""
    (fresh.folder / "beside.yaml").write_text(BESIDE)
    alone = yaml.safe_load(BESIDE)
    del alone["embeddings"], alone["maps"], alone["audit"]
    (fresh.folder / "alone.yaml").write_text(yaml.safe_dump(alone))
    embedded = "results/beside/embeddings/pixels/base/seed0/faces"
    ran = fresh.snakemake(f"{embedded}/vectors.npy", "--cores", "2", "--configfile", "alone.yaml")
    assert ran.returncode == 0, ran.stderr
    vectors = np.load(fresh.folder / embedded / "vectors.npy")
    index = pd.read_parquet(fresh.folder / embedded / "index.parquet")
    rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((16, 16)))
    np.save(fresh.folder / "e.npy", 2 * vectors[::-1] @ rotation)
    index.iloc[::-1][["image_id"]].to_csv(fresh.folder / "e.csv", index=False)
    ran = fresh.snakemake("--cores", "2", "--configfile", "beside.yaml")
    # The audit by a model asks for all splits, and only tested images were embedded.
    assert ran.returncode != 0
    assert "e.csv lacks" in ran.stderr
    fresh.change("beside.yaml", "audit: { model: elsewhere/own/seed0 }", "")
    ran = fresh.snakemake("--cores", "2", "--configfile", "beside.yaml")
    assert ran.returncode == 0, ran.stderr
    results = pd.read_parquet(fresh.folder / "results/beside/results.parquet")
    single = results[results["model"].notna() & results["metric"].eq("AUC")].set_index("model")
    here, there = (single.loc[m, "value"] for m in ("pixels/base/seed0", "elsewhere/own/seed0"))
    assert here == pytest.approx(there, abs=1e-6)
    html = (fresh.folder / "results/beside/report/index.html").read_text("utf-8")
    assert "1 model of 1 backbone and the embeddings of 1 other model, made elsewhere" in html
    assert "sheet_faces" in html


SPACES = """
study: spaces
datasets:
  things:
    domain: object
    source: { kind: index, path: things.csv }
    splits: { by: manifest }
  faces:
    domain: face_hq
    source: { kind: index, path: faces.csv }
    splits: { train: 0.5, val: 0 }
embeddings:
  elsewhere:
    card: { checkpoint: planted }
    datasets:
      things: { vectors: things.npy }
      faces: { vectors: faces.npy }
analysis:
  datasets: [things, faces]
evaluation: { datasets: [things, faces], resamples: 100, fmr: [0.1], verification: [all-pairs, folds] }
audit: { model: elsewhere/own/seed0 }
report: { view_images: 20 }
"""


def test_their_spaces_are_analysed_without_images(fresh):
    """Two domains that are planted apart, and identities of which some have one image."""
    rng = np.random.default_rng(0)
    for name, column, shift in (("things", "label", 4.0), ("faces", "identity", -4.0)):
        groups = np.repeat(np.arange(24), 6)
        labels = [f"{name}{group}" for group in groups]
        if name == "faces":
            labels[-6:] = [f"alone{i}" for i in range(6)]
        table = pd.DataFrame({"image_id": range(144), column: labels})
        table["split"] = np.where(np.arange(144) % 2, "train", "test")
        table.to_csv(fresh.folder / f"{name}.csv", index=False)
        vectors = rng.standard_normal((24, 8))[groups] + 0.5 * rng.standard_normal((144, 8))
        vectors[:, 0] += shift
        np.save(fresh.folder / f"{name}.npy", vectors.astype(np.float16))
    (fresh.folder / "spaces.yaml").write_text(SPACES)
    ran = fresh.snakemake("--cores", "2", "--configfile", "spaces.yaml")
    assert ran.returncode == 0, ran.stderr
    results = pd.read_parquet(fresh.folder / "results/spaces/results.parquet")
    apart = results[results["experiment"] == "separability"]
    assert set(apart["protocol"]) == {"linear", "linear/shuffled"}
    accuracy = apart[(apart["metric"] == "accuracy") & (apart["protocol"] == "linear")]
    assert accuracy["value"].item() > 0.95
    audit = pd.read_parquet(fresh.folder / "results/spaces/audit.parquet")
    single = audit[(audit["subject"] == "single") & (audit["dataset"] == "faces")]
    assert single["count"].item() == 6
    # What takes pictures is not counted as 0 where there are none.
    assert not set(audit["check"]) & {"width", "height", "exact-duplicates", "near-duplicates"}
    html = (fresh.folder / "results/spaces/report/index.html").read_text("utf-8")
    assert "things, faces have no images here, only a list of them" in html
