"""A training that diverges takes its own cells with it and nothing else."""

from __future__ import annotations

import json

import pandas as pd
import pytest

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


@pytest.fixture
def broken(fresh):
    """A copy of the project whose tiny study has a curriculum that cannot work, and maps from it."""
    fresh.change(STUDY, "curricula:\n", CURRICULUM)
    fresh.change(STUDY, "  models: [micro/expert-face_hq/seed0,", f"  models: [{BROKEN},")
    return fresh


def test_a_diverging_model_fails_alone(broken):
    done = broken.snakemake("--cores", "2", "--configfile", STUDY)
    assert done.returncode == 0, done.stderr[-3000:]

    card = json.loads((broken.folder / f"checkpoints/tiny/{BROKEN}/model.json").read_text())
    assert "of `faces` became" in card["failed"]
    assert "at step 1 with learning rate 1;" in card["failed"]

    results = pd.read_parquet(broken.folder / "results/tiny/results.parquet")
    ends = results[["model", "source", "target"]]
    own = (ends == BROKEN).any(axis=1)
    assert {*results.loc[own, "experiment"]} >= {"verification", "identification", "classification"}
    assert {*results.loc[own, "dataset"]} == {"objects", "faces", "faces_lq", "bodies"}
    assert results.loc[own, ["value", "lower", "upper"]].isna().all(axis=None)
    assert results.loc[own, "status"].str.match("failed: .*at step 1 with learning rate 1;").all()
    mapped = results["method"].notna()
    assert mapped.any()
    assert (own | ~mapped).all()

    # What the others lack, they lack for reasons of their own.
    others = results[~own]
    assert (others["status"] == "ok").sum() > 50
    assert not others["status"].str.contains("learning rate").any()
    curves = pd.read_parquet(broken.folder / "results/tiny/curves.parquet")
    assert not (curves[["model", "source", "target"]] == BROKEN).any(axis=None)
    assert len(curves)
    views = pd.read_parquet(broken.folder / "results/tiny/analysis/views.parquet")
    assert BROKEN not in set(views["model"])
    assert "micro/base/seed0" in set(views["model"])

    page = (broken.folder / "results/tiny/report/index.html").read_text("utf-8")
    assert f"<code>{BROKEN}</code> failed in training:" in page
