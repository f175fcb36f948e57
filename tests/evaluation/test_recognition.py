"""Recognition as tidy rows: planted identities are found, and a failed cell keeps its row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from unispace.config.evaluation import Evaluation
from unispace.evaluation.recognition import Images, identify_images, verify_images
from unispace.evaluation.tidy import Cell, rows
from unispace.records.results import CURVE_SCHEMA, SCHEMA
from unispace.records.tables import read_table, write_table

SETTINGS = Evaluation(fmr=(0.1, 0.01), ranks=(1, 5), resamples=100)
CELL = Cell(study="s", dataset="d", seed=1, origin="o", model="b/c/seed0")


def planted(signal: float, people: int = 20, images: int = 5, cameras: bool = False) -> Images:
    """Vectors of an identity direction of known strength and noise."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(people), images)
    centre = rng.normal(size=(people, 32))[person]
    vectors = (signal * centre + rng.normal(size=centre.shape)).astype(np.float32)
    names = [f"p{i:02}" for i in person]
    ids = [f"{n}/{k}" for n, k in zip(names, np.tile(np.arange(images), people), strict=True)]
    camera = ["ab"[i % 2] for i in range(len(person))] if cameras else None
    return Images(vectors, vectors, names, ids, camera)


def value(table: pd.DataFrame, metric: str) -> float:
    return float(table.loc[table["metric"] == metric, "value"].iloc[0])


def test_a_strong_identity_signal_is_recognised_and_none_is_chance():
    rng = np.random.default_rng(1)
    strong, _ = verify_images(CELL, planted(10.0), SETTINGS, rng)
    assert value(strong, "AUC") > 0.999
    none, _ = verify_images(CELL, planted(0.0), SETTINGS, rng)
    row = none[none["metric"] == "AUC"].iloc[0]
    assert row["lower"] < 0.5 < row["upper"]
    found, _ = identify_images(CELL, planted(10.0), SETTINGS, rng)
    assert value(found, "Rank-1") == 1.0
    lost, _ = identify_images(CELL, planted(0.0), SETTINGS, rng)
    assert value(lost, "Rank-1") < 0.2  # chance is 1 in 20


def test_protocols_are_named_by_what_they_do():
    rng = np.random.default_rng(1)
    assert set(verify_images(CELL, planted(1), SETTINGS, rng)[0]["protocol"]) == {"all-pairs"}
    one, _ = identify_images(CELL, planted(1), SETTINGS, rng)
    assert set(one["protocol"]) == {"enrol-one"}
    cross, _ = identify_images(CELL, planted(1, cameras=True), SETTINGS, rng)
    assert set(cross["protocol"]) == {"enrol-one-cross-camera"}
    # Of 5 images, alternating between 2 cameras, 2 or 3 are from the other camera.
    assert cross["n"].iloc[0] < one["n"].iloc[0] == 20 * 4


def test_the_order_of_images_changes_nothing():
    images = planted(1.0)
    order = np.random.default_rng(3).permutation(len(images.identity))
    vectors = images.probe[order]
    mixed = Images(
        vectors,
        vectors,
        [images.identity[i] for i in order],
        [images.image_id[i] for i in order],
    )
    for evaluate in (verify_images, identify_images):
        first, _ = evaluate(CELL, images, SETTINGS, np.random.default_rng(1))
        second, _ = evaluate(CELL, mixed, SETTINGS, np.random.default_rng(1))
        pd.testing.assert_frame_equal(first, second, rtol=1e-6)


def test_a_point_that_the_data_cannot_support_keeps_its_row():
    table, _ = verify_images(
        CELL, planted(1.0), Evaluation(fmr=(1e-6,), resamples=100), np.random.default_rng(1)
    )
    row = table[table["metric"] == "TMR@FMR=1e-06"].iloc[0]
    assert row["status"].startswith("failed: FMR 1e-06 needs at least 10,000,000 impostor")
    assert np.isnan(row["value"])


@pytest.mark.parametrize("evaluate", [verify_images, identify_images])
def test_identities_with_one_image_each_fail_with_a_reason(evaluate):
    table, curve = evaluate(CELL, planted(1.0, images=1), SETTINGS, np.random.default_rng(1))
    assert len(table) in (3, 4)
    assert table["status"].str.startswith("failed: ").all()
    assert curve.empty


def test_rows_and_curves_survive_the_disk(tmp_path):
    table, curve = identify_images(CELL, planted(1.0), SETTINGS, np.random.default_rng(1))
    write_table(table, SCHEMA, tmp_path / "rows.parquet")
    write_table(curve, CURVE_SCHEMA, tmp_path / "curve.parquet")
    assert list(read_table(tmp_path / "rows.parquet", SCHEMA)["metric"]) == list(table["metric"])
    assert len(read_table(tmp_path / "curve.parquet", CURVE_SCHEMA)) == 20


def test_no_measures_give_no_rows():
    assert list(rows(CELL, []).columns) == list(SCHEMA.names)
