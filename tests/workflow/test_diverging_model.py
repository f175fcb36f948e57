"""A training that diverges takes its own cells with it and nothing else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from unispace.records.results import SCHEMA

pytestmark = pytest.mark.slow

STUDY = "workflow/studies/tiny.yaml"
BROKEN = "micro/broken/seed0"
# No image reaches the float range; a scale that does makes the first gradient overflow.
CURRICULUM = """curricula:
  broken:
    steps: 4
    learning_rate: 1.0
    warmup: 0.0
    train_on: { faces: { batch_size: 8, head: { loss: softmax, scale: 1.0e+38 } } }
"""


@pytest.fixture(scope="module")
def broken(finished, tmp_path_factory):
    """The finished tiny study with one more curriculum, which cannot work, and with maps from it."""
    folder = tmp_path_factory.mktemp("broken") / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    project = replace(finished, folder=folder)
    project.change(STUDY, "\ncurricula:\n", f"\n{CURRICULUM}")
    project.change(STUDY, "sequential, imic-a]", "sequential, imic-a, broken]")
    project.change(STUDY, "face: [micro/expert-face_hq/seed0]", f"face: [{BROKEN}]")
    done = project.snakemake("--cores", "2", "--configfile", STUDY)
    assert done.returncode == 0, done.stderr[-3000:]
    return project


@pytest.fixture(scope="module")
def results(broken):
    return pd.read_parquet(broken.folder / "results/tiny/results.parquet")


def of_it(table):
    return (table[["model", "source", "target"]] == BROKEN).any(axis=1)


def test_its_card_says_what_happened(broken):
    card = json.loads((broken.folder / f"checkpoints/tiny/{BROKEN}/model.json").read_text())
    assert "of `faces` became" in card["failed"]
    assert "at step 1 with learning rate 1;" in card["failed"]


def test_every_cell_of_it_is_there_and_failed(results):
    own = results[of_it(results)]
    assert {*own["experiment"]} >= {
        *("verification", "identification", "classification", "change"),
        *("paper", "similarity", "centroids", "geometry", "efficiency", "security"),
    }
    assert {*own["dataset"]} >= {"objects", "faces", "faces_lq", "bodies"}
    assert own[["value", "lower", "upper"]].isna().all(axis=None)
    assert own["status"].str.match("failed: .*at step 1 with learning rate 1;").all()


def test_maps_and_their_families_fail_with_it(results):
    """One of the two mapped models is lost: what is left is what the other is by itself."""
    levels = results[results["experiment"].isin(["verification", "identification"])]
    mapped = levels[levels["method"].notna() & ~of_it(levels)]
    assert {*mapped["method"]} == {"same-model"}
    assert (mapped["status"] == "ok").any()
    means = results[results["experiment"].isin(["families", "families-paper"])]
    lost = means[(means["source"] == "face") | (means["target"] == "face")]
    assert len(lost)
    assert lost["value"].isna().all()
    assert lost["status"].str.contains("at step 1 with learning rate 1;").all()


def test_the_cells_of_others_are_what_they_were(finished, results):
    before = pd.read_parquet(finished.folder / "results/tiny/results.parquet")
    # Of maps nothing is left but ceilings; see above.
    alone = ["verification", "identification", "classification", "change", "separability"]

    def of_others(table):
        here = table["experiment"].isin(alone) & table["method"].isna() & ~of_it(table)
        return table[here].reset_index(drop=True)

    others, before = of_others(results), of_others(before)
    assert (others["status"] == "ok").sum() > 50
    # A change comes from a job over all models of its backbone, and so does its origin.
    same = [name for name in SCHEMA.names if name != "origin"]
    pd.testing.assert_frame_equal(others[same], before[same])


def test_no_curve_and_no_view_shows_it(broken):
    curves = pd.read_parquet(broken.folder / "results/tiny/curves.parquet")
    assert len(curves)
    assert not of_it(curves).any()
    views = pd.read_parquet(broken.folder / "results/tiny/analysis/views.parquet")
    assert BROKEN not in set(views["model"])
    assert "micro/base/seed0" in set(views["model"])


def test_the_page_says_that_it_failed(broken):
    page = (broken.folder / "results/tiny/report/index.html").read_text("utf-8")
    assert f"<code>{BROKEN}</code> failed in training:" in page
