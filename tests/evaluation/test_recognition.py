"""Recognition as tidy rows: planted identities are found, and a failed cell keeps its row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from unispace.config.evaluation import Evaluation
from unispace.evaluation import verification
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


def seeded() -> np.random.Generator:
    return np.random.default_rng(1)


def value(table: pd.DataFrame, metric: str) -> float:
    return float(table.loc[table["metric"] == metric, "value"].iloc[0])


def test_a_strong_identity_signal_is_recognised_and_none_is_chance():
    strong, _ = verify_images(CELL, planted(10.0), SETTINGS, seeded)
    assert value(strong, "AUC") > 0.999
    none, _ = verify_images(CELL, planted(0.0), SETTINGS, seeded)
    row = none[none["metric"] == "AUC"].iloc[0]
    assert row["lower"] < 0.5 < row["upper"]
    found, _ = identify_images(CELL, planted(10.0), SETTINGS, seeded)
    assert value(found, "Rank-1") == 1.0
    lost, _ = identify_images(CELL, planted(0.0), SETTINGS, seeded)
    assert value(lost, "Rank-1") < 0.2  # chance is 1 in 20


def test_protocols_are_named_by_what_they_do():
    assert set(verify_images(CELL, planted(1), SETTINGS, seeded)[0]["protocol"]) == {"all-pairs"}
    one, _ = identify_images(CELL, planted(1), SETTINGS, seeded)
    assert set(one["protocol"]) == {"enrol-one"}
    cross, _ = identify_images(CELL, planted(1, cameras=True), SETTINGS, seeded)
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
        first, _ = evaluate(CELL, images, SETTINGS, seeded)
        second, _ = evaluate(CELL, mixed, SETTINGS, seeded)
        pd.testing.assert_frame_equal(first, second, rtol=1e-6)


def test_pairs_that_are_too_many_to_be_held_have_the_same_rows(monkeypatch):
    for signal in (1.0, 10.0):
        held, _ = verify_images(CELL, planted(signal, people=60), SETTINGS, seeded)
        with monkeypatch.context() as patch:
            patch.setattr(verification, "PAIRS_HELD", 0)
            passing, curve = verify_images(CELL, planted(signal, people=60), SETTINGS, seeded)
            lone, _ = verify_images(CELL, planted(signal, images=1), SETTINGS, seeded)
        about = ["metric", "n", "unit", "chance", "status", "protocol"]
        pd.testing.assert_frame_equal(passing[about], held[about])
        np.testing.assert_allclose(passing["value"], held["value"], atol=1e-14)
        for end in ("lower", "upper"):
            np.testing.assert_allclose(passing[end], held[end], atol=2 / 512)
        assert curve["y"].is_monotonic_increasing
        assert lone["status"].str.startswith("failed: a ROC needs genuine pairs").all()


def test_a_point_that_the_data_cannot_support_keeps_its_row():
    table, _ = verify_images(CELL, planted(1.0), Evaluation(fmr=(1e-6,), resamples=100), seeded)
    row = table[table["metric"] == "TMR@FMR=1e-06"].iloc[0]
    assert row["status"].startswith("failed: FMR 1e-06 needs at least 10,000,000 impostor")
    assert np.isnan(row["value"])


@pytest.mark.parametrize("evaluate", [verify_images, identify_images])
def test_identities_with_one_image_each_fail_with_a_reason(evaluate):
    table, curve = evaluate(CELL, planted(1.0, images=1), SETTINGS, seeded)
    assert len(table) in (3, 4)
    assert table["status"].str.startswith("failed: ").all()
    assert curve.empty


def test_rows_and_curves_survive_the_disk(tmp_path):
    table, curve = identify_images(CELL, planted(1.0), SETTINGS, seeded)
    write_table(table, SCHEMA, tmp_path / "rows.parquet")
    write_table(curve, CURVE_SCHEMA, tmp_path / "curve.parquet")
    assert list(read_table(tmp_path / "rows.parquet", SCHEMA)["metric"]) == list(table["metric"])
    assert len(read_table(tmp_path / "curve.parquet", CURVE_SCHEMA)) == 20


def test_no_measures_give_no_rows():
    assert list(rows(CELL, []).columns) == [*SCHEMA.names, "samples"]


# Further protocols

EVERY = Evaluation(
    fmr=(0.1,),
    ranks=(1, 5),
    resamples=100,
    verification=("all-pairs", "balanced", "folds"),
    folds=4,
    identification=("enrol-one", "self-excluded", "self-in-gallery", "paper", "open-set"),
    fpir=(0.2,),
)


def by_protocol(table: pd.DataFrame, metric: str) -> dict[str, float]:
    rows = table[table["metric"] == metric]
    assert rows["protocol"].is_unique
    return dict(zip(rows["protocol"], rows["value"], strict=True))


def test_every_protocol_has_its_rows_and_its_curve():
    pairs, rocs = verify_images(CELL, planted(1.0), EVERY, seeded)
    assert set(pairs["protocol"]) == set(rocs["protocol"]) == set(EVERY.verification)
    assert set(by_protocol(pairs, "accuracy")) == {"folds"}
    # 20 identities of 5 images: 200 genuine pairs, and as many impostor pairs.
    assert pairs.set_index(["protocol", "metric"]).loc[("balanced", "AUC"), "n"] == 400
    found, curves = identify_images(CELL, planted(1.0), EVERY, seeded)
    assert set(found["protocol"]) == set(curves["protocol"]) == set(EVERY.identification)
    told = found.groupby("experiment")["protocol"].unique()
    assert told["open-set"].tolist() == ["open-set"]
    assert set(curves.loc[curves["protocol"] == "open-set", "experiment"]) == {"open-set"}
    assert not found["chance"].isna().any()
    assert set(pairs.loc[pairs["chance"].isna(), "metric"]) == {"accuracy-SE"}


def test_a_protocol_gives_the_same_numbers_whatever_others_there_are():
    for evaluate, key in ((verify_images, "verification"), (identify_images, "identification")):
        together, _ = evaluate(CELL, planted(1.0), EVERY, seeded)
        for protocol in getattr(EVERY, key):
            alone = EVERY.model_copy(update={key: (protocol,)})
            expected = together[together["protocol"] == protocol].reset_index(drop=True)
            pd.testing.assert_frame_equal(evaluate(CELL, planted(1.0), alone, seeded)[0], expected)


def test_the_order_of_images_changes_no_protocol():
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
        first, _ = evaluate(CELL, images, EVERY, seeded)
        second, _ = evaluate(CELL, mixed, EVERY, seeded)
        pd.testing.assert_frame_equal(first, second, rtol=1e-5)


def test_a_balanced_sample_agrees_with_all_pairs():
    settings = EVERY.model_copy(update={"verification": ("all-pairs", "balanced")})
    table, _ = verify_images(CELL, planted(0.5, people=60), settings, seeded)
    auc = by_protocol(table, "AUC")
    assert auc["balanced"] == pytest.approx(auc["all-pairs"], abs=0.03)
    assert auc["balanced"] != auc["all-pairs"]


def test_the_own_image_in_the_gallery_hides_that_two_models_share_no_identity():
    # Both models see the image and nothing of the person: the flaw of the published protocol.
    rng = np.random.default_rng(0)
    image = rng.normal(size=(300, 32))
    one, other = (image + 0.1 * rng.normal(size=image.shape) for _ in range(2))
    names = [f"p{i // 5}" for i in range(300)]
    images = Images(one, other, names, [f"{n}/{i}" for i, n in enumerate(names)])
    table, _ = identify_images(CELL, images, EVERY, seeded)
    found = by_protocol(table, "Rank-1")
    assert found["paper"] == found["self-in-gallery"] == 1.0
    for honest in ("self-excluded", "enrol-one"):
        row = table[(table["protocol"] == honest) & (table["metric"] == "Rank-1")].iloc[0]
        assert row["value"] < 0.08
        assert row["chance"] < 0.02
    precision = by_protocol(table, "mAP")
    # Cut at rank 50 and divided by the hits before it: even larger.
    assert precision["paper"] > precision["self-in-gallery"] + 0.1


def test_queries_search_the_gallery_of_other_cameras():
    images = planted(10.0, cameras=True)
    role = ["query" if i % 5 == 0 else "gallery" for i in range(100)]
    images = Images(
        images.probe, images.target, images.identity, images.image_id, images.camera, role
    )
    settings = EVERY.model_copy(update={"identification": ("query-gallery", "paper")})
    table, _ = identify_images(CELL, images, settings, seeded)
    assert by_protocol(table, "Rank-1") == {"query-gallery-cross-camera": 1.0, "paper": 1.0}
    assert table.loc[table["protocol"] != "paper", "n"].tolist() == [20, 20, 20]
    # Without roles the protocol does not apply, and the others stay.
    table, _ = identify_images(CELL, planted(1.0), settings, seeded)
    assert set(table["protocol"]) == {"paper"}


def official(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["list", "first", "second", "genuine", "fold"])


def pairs_within(images: Images, name: str, folds: int) -> pd.DataFrame:
    """A genuine and an impostor pair of every identity but the last, in the fold of its number."""
    rows = []
    for person in range(19):
        own, other = images.image_id[5 * person], images.image_id[5 * person + 5]
        second = images.image_id[5 * person + 1]
        fold = person % folds + 1 if folds else 0
        rows += [(name, own, second, True, fold), (name, own, other, False, fold)]
    return official(*rows)


def test_official_lists_stand_side_by_side_and_a_part_of_one_says_so(caplog):
    images = planted(10.0)
    lists = [pairs_within(images, "FF", 3), pairs_within(images, "dev", 0)]
    lists.append(official(("XX", "p00/0", "p00/1", True, 1), ("XX", "p00/0", "gone", False, 1)))
    settings = EVERY.model_copy(update={"verification": ("official",)})
    listed = Images(
        images.probe, images.target, images.identity, images.image_id, official=pd.concat(lists)
    )
    table, _ = verify_images(CELL, listed, settings, seeded)
    assert by_protocol(table, "AUC").keys() == {
        "official-FF",
        "official-dev",
        "official-XX-part",
    }
    assert by_protocol(table, "accuracy")["official-FF"] == 1.0
    assert "official-dev" not in by_protocol(table, "accuracy")  # it has no folds
    part = table[table["protocol"] == "official-XX-part"]
    assert part["status"].str.startswith("failed: a ROC needs impostor pairs").iloc[0]
    assert "official-XX-part: 1 of its 2 pairs are of images that are tested" in caplog.text
    assert part["chance"].tolist()[:3] == [0.5, 0.5, 0.1]


def test_a_data_set_without_official_pairs_has_no_official_rows():
    settings = EVERY.model_copy(update={"verification": ("official",)})
    table, curve = verify_images(CELL, planted(1.0), settings, seeded)
    assert table.empty
    assert curve.empty


def test_an_open_set_of_single_images_fails_with_a_reason():
    settings = EVERY.model_copy(update={"identification": ("open-set",)})
    table, curve = identify_images(CELL, planted(1.0, images=1), settings, seeded)
    assert table["metric"].tolist() == ["DIR@FPIR=0.2", "FNIR@FPIR=0.2"]
    assert (table["status"] == "failed: no known identity has a second image to search with").all()
    assert curve.empty
