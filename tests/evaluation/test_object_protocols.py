"""Protocols of objects: which a data set allows, and what they do."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.config.evaluation import Evaluation
from unispace.evaluation.classification import classify, leave_one_out, nearest_neighbours
from unispace.evaluation.linear_probe import drawn_of_each, fit_probe
from unispace.evaluation.objects import Labelled, Objects, classify_images
from unispace.evaluation.tasks import TaskNumber, task_numbers
from unispace.evaluation.tidy import Cell, samples_of
from unispace.records.results import SAMPLES_SCHEMA, SCHEMA
from unispace.records.tables import read_table, write_table

CELL = Cell(study="s", dataset="d", seed=1, origin="o", model="b/c/seed0")
SETTINGS = Evaluation(resamples=100, linear_probe={"fixed": 0.316})


def seeded():
    return np.random.default_rng(1)


def planted(seed, signal=3.0, each=8, classes="abcdef"):
    rng = np.random.default_rng(seed)
    label = np.repeat(list(classes), each)
    index = np.repeat(np.arange(len(classes)), each)
    return Labelled(signal * np.eye(8)[index] + rng.normal(size=(len(label), 8)), label)


def only(table, protocol, metric="top-1"):
    found = table[(table["protocol"] == protocol) & (table["metric"] == metric)]
    assert len(found) == 1
    return found.iloc[0]


def test_known_classes_have_neighbours_and_probes_and_held_out_ones_have_each_other():
    objects = Objects(planted(0), planted(1), planted(2), planted(3, classes="xyz"))
    table = classify_images(CELL, objects, SETTINGS, seeded)
    protocols = ["knn-5", "linear-probe", "linear-probe-C=0.316", "knn-5-loo/held_out"]
    assert table["protocol"].unique().tolist() == protocols
    assert (table["status"] == "ok").all()
    assert (table[table["metric"] == "top-1"]["value"] > 0.7).all()
    assert only(table, "knn-5-loo/held_out")["n"] == 24
    assert only(table, "knn-5-loo/held_out", "balanced-accuracy")["chance"] == pytest.approx(1 / 3)


def test_a_set_without_known_classes_is_classified_by_itself():
    table = classify_images(CELL, Objects(planted(0)), SETTINGS, seeded)
    assert table["protocol"].unique().tolist() == ["knn-5-loo"]
    table = classify_images(CELL, Objects(planted(0, signal=0.0)), SETTINGS, seeded)
    assert only(table, "knn-5-loo")["value"] < 0.4  # chance is 1/6


def test_no_protocol_changes_with_what_else_is_measured():
    objects = Objects(planted(0), planted(1), planted(2), planted(3, classes="xyz"))
    alone = Evaluation(resamples=100, linear_probe=None)
    table = classify_images(CELL, objects, SETTINGS, seeded)
    fewer = classify_images(CELL, objects, alone, seeded)
    kept = table[table["protocol"].isin(fewer["protocol"])].reset_index(drop=True)
    assert len(fewer) == 4
    columns = ["protocol", "metric", "value", "lower", "upper"]
    pd.testing.assert_frame_equal(kept[columns], fewer[columns])


@pytest.mark.parametrize(
    ("objects", "settings", "protocol", "why"),
    [
        (Objects(planted(0), planted(1)), SETTINGS, "linear-probe", "no val split to choose C on"),
        (
            Objects(planted(0), planted(1), planted(2)),
            Evaluation(resamples=100, linear_probe={"iterations": 1}),
            "linear-probe",
            "did not converge in 1 iterations",
        ),
        (
            Objects(planted(0, classes="a"), planted(1, classes="a"), planted(2, classes="a")),
            SETTINGS,
            "linear-probe",
            "takes at least 2 classes",
        ),
        (
            Objects(planted(0, each=1, classes="abc")),
            SETTINGS,
            "knn-5-loo",
            "5 neighbours among 3 images, which takes at least 6",
        ),
    ],
)
def test_what_cannot_be_measured_keeps_its_rows(objects, settings, protocol, why):
    table = classify_images(CELL, objects, settings, seeded)
    for metric in ("top-1", "balanced-accuracy"):
        row = only(table, protocol, metric)
        assert row["status"].startswith("failed: ")
        assert why in row["status"]
        assert np.isnan(row["value"])


def test_val_may_hold_a_class_that_train_does_not():
    objects = Objects(planted(0, classes="ab"), planted(1, classes="ab"), planted(2, classes="abz"))
    assert only(classify_images(CELL, objects, SETTINGS, seeded), "linear-probe")["status"] == "ok"


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 8))
def test_leaving_one_out_is_voting_among_the_others(seed, k):
    rng = np.random.default_rng(seed)
    vectors, label = rng.normal(size=(9, 4)), rng.integers(0, 3, 9)
    expected = [
        nearest_neighbours(np.delete(vectors, i, 0), np.delete(label, i), vectors[i : i + 1], k)[0]
        for i in range(9)
    ]
    assert leave_one_out(vectors, label, k).tolist() == expected


def test_the_size_of_a_block_changes_no_label():
    rng = np.random.default_rng(0)
    vectors, label = rng.normal(size=(300, 5)), rng.integers(0, 7, 300)
    one, other = leave_one_out(vectors, label, 5, block=64), leave_one_out(vectors, label, 5, 999)
    np.testing.assert_array_equal(one, other)


def test_an_image_does_not_vote_for_itself():
    label = np.arange(20)
    assert not np.any(
        leave_one_out(np.random.default_rng(0).normal(size=(20, 4)), label, 1) == label
    )


@pytest.mark.parametrize(("k", "label"), [(0, np.arange(5)), (5, np.arange(5)), (1, np.arange(4))])
def test_leaving_one_out_takes_others(k, label):
    with pytest.raises(ValueError, match=r"other vectors, got|5 vectors for 4 labels"):
        leave_one_out(np.eye(5), label, k)


def test_samples_are_kept_and_hold_their_metric(tmp_path):
    label = np.repeat(np.arange(6), 4)
    right = np.random.default_rng(0).random(24) < 0.6
    measures = classify(np.where(right, label, -1), label, 100, seeded())
    for measure in measures:
        assert measure.samples.shape == (100,)
        np.testing.assert_allclose(np.quantile(measure.samples, 0.025), measure.lower)
    table = classify_images(CELL, Objects(planted(0)), SETTINGS, seeded)
    path = tmp_path / "samples.parquet"
    write_table(samples_of([table]), SAMPLES_SCHEMA, path)
    found = read_table(path, SAMPLES_SCHEMA)
    assert len(found) == 2 * 100
    first = found[found["metric"] == "top-1"].sort_values("resample")
    np.testing.assert_array_equal(first["value"], only(table, "knn-5-loo")["samples"])
    write_table(table[list(SCHEMA.names)], SCHEMA, tmp_path / "tidy.parquet")
    assert samples_of([table.assign(samples=None)]).empty


@pytest.mark.parametrize(
    ("asked", "found", "further"),
    [
        ("enrol-one", "enrol-one", ""),
        ("enrol-one", "enrol-one-cross-camera", ""),
        ("knn-5", "knn-5-loo", ""),
        ("knn-5", "knn-5-loo/held_out", "held_out"),
        ("knn-5", "knn-50", None),
        ("official", "official-FF", "FF"),
        ("official", "official-FP-part", "FP-part"),
        ("all-pairs", "balanced", None),
    ],
)
def test_the_data_add_to_the_name_of_a_protocol(asked, found, further):
    assert TaskNumber("e", asked, "top-1").further(found) == further


def test_the_numbers_of_a_task():
    usual = Evaluation()
    assert [n.metric for n in task_numbers("person", usual)] == ["AUC", "Rank-1"]
    assert [n.metric for n in task_numbers("object", usual)] == ["top-1"]
    assert task_numbers("pad", usual) == ()
    other = Evaluation(
        verification=("folds", "all-pairs"), identification=("open-set", "paper"), neighbours=3
    )
    assert [n.protocol for n in task_numbers("face_hq", other)] == ["all-pairs", "paper"]
    assert task_numbers("object", other)[0].protocol == "knn-3"
    for without in (Evaluation(ranks=(5,)), Evaluation(identification=("open-set",))):
        assert [n.metric for n in task_numbers("face_lq", without)] == ["AUC"]


def test_a_few_images_of_each_class_are_drawn_several_times():
    objects = Objects(planted(0, signal=1.5), planted(1, signal=1.5, each=20), planted(2))
    few = Evaluation(
        resamples=100, linear_probe={"fixed": 1.0, "images_per_class": 3, "seeds": [0, 1, 2, 3]}
    )
    table = classify_images(CELL, objects, few, seeded)
    kinds = ["linear-probe", "linear-probe-C=1"]
    protocols = [*kinds, *(f"{kind}/3-per-class" for kind in kinds)]
    assert [p for p in table["protocol"].unique() if p.startswith("linear")] == protocols
    # Each draw by hand: the rows, the fit, the mean and the deviation.
    _, codes = np.unique(objects.train.label, return_inverse=True)
    _, true = np.unique(objects.test.label, return_inverse=True)
    shares = []
    for seed in range(4):
        rows = drawn_of_each(codes, 3, np.random.default_rng(seed))
        fitted = fit_probe(objects.train.vectors[rows], codes[rows], 1.0)
        shares.append(np.mean(fitted.predict(objects.test.vectors) == true))
    found = only(table, "linear-probe-C=1/3-per-class")
    assert found["value"] == pytest.approx(np.mean(shares))
    assert found["lower"] < found["value"] < found["upper"]
    spread = only(table, "linear-probe-C=1/3-per-class", "top-1-SD")
    assert spread["value"] == pytest.approx(np.std(shares, ddof=1))
    assert (spread["n"], spread["unit"]) == (4, "draw")
    assert spread["lower"] < spread["value"] < spread["upper"]
    # Twenty images of a class know more of it than three.
    assert only(table, "linear-probe-C=1")["value"] > found["value"]
    samples = samples_of([table])
    of_draws = samples[samples["protocol"] == "linear-probe-C=1/3-per-class"]
    assert set(of_draws["metric"]) == {"top-1", "balanced-accuracy"}


def test_draws_take_as_many_of_each_class_as_there_are():
    label = np.array([3, 1, 1, 3, 1, 2, 3, 1])
    for count, want in ((1, [1, 1, 1]), (2, [2, 1, 2]), (9, [4, 1, 3])):
        rows = drawn_of_each(label, count, np.random.default_rng(0))
        assert np.bincount(label[rows], minlength=4)[1:].tolist() == want
        assert (np.diff(rows) > 0).all()
    drawn = {tuple(drawn_of_each(label, 1, np.random.default_rng(s))) for s in range(200)}
    assert len(drawn) == 4 * 1 * 3  # every choice comes


def test_draws_without_spread_and_failed_draws_say_so():
    objects = Objects(planted(0, signal=60.0), planted(1, signal=60.0), planted(2, signal=60.0))
    few = Evaluation(resamples=100, linear_probe={"images_per_class": 4})
    table = classify_images(CELL, objects, few, seeded)
    found = only(table, "linear-probe/4-per-class")
    assert found["value"] == 1
    assert found["lower"] < 1  # Wilson, not a percentile of ones
    spread = only(table, "linear-probe/4-per-class", "top-1-SD")
    assert "all draws have the same value" in spread["status"]
    stopped = Evaluation(resamples=100, linear_probe={"images_per_class": 4, "iterations": 1})
    table = classify_images(CELL, objects, stopped, seeded)
    why = only(table, "linear-probe/4-per-class")["status"]
    assert "seed 0: the linear probe with C = 1 did not converge in 1 iterations" in why
    with pytest.raises(ValueError, match="takes at least 2"):
        Evaluation(linear_probe={"images_per_class": 4, "seeds": [1]})
