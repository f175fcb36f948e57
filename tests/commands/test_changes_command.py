"""From the embeddings of two models to what changed between them, as the rules call the commands."""

import argparse
import json

import numpy as np
import pandas as pd
import pytest

from unispace.commands import (
    compare_humans,
    evaluate_changes,
    evaluate_classification,
    evaluate_identification,
    evaluate_verification,
)
from unispace.config.datasets import Dataset
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, write_embeddings
from unispace.records.humans import COMPARISON_SCHEMA
from unispace.records.results import SAMPLES_SCHEMA, SCHEMA
from unispace.records.tables import read_table, write_table

BASE, TUNED = "b/base/seed0", "b/imic-a/seed0"
NOISE = {BASE: 1.5, TUNED: 0.7}
COMMANDS = {
    "verification": evaluate_verification,
    "identification": evaluate_identification,
    "classification": evaluate_classification,
}
EVALUATION = {
    "resamples": 100,
    "fmr": [0.1],
    "ranks": [1],
    "gallery": {"styles": "objects"},
}


def embedded(domain, noise, splits, labels="abcdefgh", each=6):
    """Embeddings of a direction for each label and noise of known strength."""
    rng = np.random.default_rng(5)  # models differ in their noise only
    parts = []
    for split in splits:
        label = np.repeat(list(labels if split != "held_out" else "xyz"), each)
        parts.append(pd.DataFrame({"label": label, "split": split}))
    index = pd.concat(parts, ignore_index=True)
    index["image_id"] = [f"{domain}/{i:04}" for i in range(len(index))]
    index["row"], index["domain"] = np.arange(len(index)), domain
    index["identity"] = index["label"] if domain == "face_hq" else None
    direction = {name: np.eye(12)[i] * 2 for i, name in enumerate("abcdefghxyz")}
    vectors = np.stack([direction[name] for name in index["label"]])
    vectors = vectors + noise * rng.normal(size=vectors.shape)
    return Embeddings(vectors.astype(np.float32), index, {"dataset": domain, "key": str(noise)})


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder with the metrics and samples of both models."""
    root = tmp_path_factory.mktemp("changes")
    for model, noise in NOISE.items():
        here = root / "embeddings" / model
        known = ("train", "val", "test", "held_out")
        write_embeddings(embedded("face_hq", noise, ("test",)), here / "faces")
        write_embeddings(embedded("object", noise, known), here / "objects")
        write_embeddings(embedded("object", noise, ("test",)), here / "styles")
        write_embeddings(embedded("object", noise, ("test",), "xyz"), here / "far")
        for name, command in COMMANDS.items():
            datasets = ["faces"] if name != "classification" else ["objects", "styles", "far"]
            settings = {"study": "s", "model": model, "seed": 1, "datasets": datasets}
            flat = model.replace("/", "+")
            command.run(
                argparse.Namespace(
                    settings=json.dumps({**settings, "evaluation": EVALUATION}),
                    embeddings=here,
                    data=root,
                    metrics=root / f"metrics-{name}-{flat}.parquet",
                    samples=root / f"samples-{name}-{flat}.parquet",
                    curves=root / "curves.parquet",
                )
            )
    return root


def changes(root, pairs=((TUNED, BASE),), out="changes.parquet", measured=None):
    datasets = ["faces", "objects", "styles", "far"]
    domains = {d: "face_hq" if d == "faces" else "object" for d in datasets}
    settings = {"study": "s", "seed": 1, "domains": domains, "evaluation": {"ranks": [1]}}
    settings["changes"] = [[*pair, datasets] for pair in pairs]
    evaluate_changes.run(
        argparse.Namespace(
            settings=json.dumps(settings),
            measured=measured or sorted(root.glob("metrics-*")),
            samples=sorted(root.glob("samples-*")),
            metrics=root / out,
        )
    )
    return read_table(root / out, SCHEMA)


def published(root, model):
    tables = [read_table(path, SCHEMA) for path in sorted(root.glob("metrics-*"))]
    found = pd.concat(tables)
    return found[found["model"] == model].set_index(["dataset", "protocol", "metric"])


def test_each_task_has_its_change_and_a_planted_one_is_found(measured):
    table = changes(measured)
    assert set(table["experiment"]) == {"change"}
    assert set(table["model"]) == {TUNED}
    assert set(table["source"]) == {BASE}
    assert table[["target", "method", "chance"]].isna().all(axis=None)
    cells = set(table[["dataset", "protocol", "metric"]].itertuples(index=False, name=None))
    assert cells == {
        ("faces", "paired", "AUC"),
        ("faces", "paired", "Rank-1"),
        ("objects", "paired", "top-1"),
        ("objects", "paired/held_out", "top-1"),
        ("styles", "paired", "top-1"),
        ("far", "paired", "top-1"),
    }
    assert (table["status"] == "ok").all()
    assert (table["value"] > 0).all()
    # Three classes are too few to exclude 0.
    assert (table.loc[table["dataset"] != "far", "lower"] > 0).all()
    assert not table.duplicated(["model", "source", "dataset", "protocol", "metric"]).any()


def test_a_change_is_the_difference_of_the_published_numbers(measured):
    table = changes(measured)
    tuned, base = published(measured, TUNED), published(measured, BASE)
    names = {
        ("faces", "paired", "AUC"): "all-pairs",
        ("faces", "paired", "Rank-1"): "enrol-one",
        ("objects", "paired", "top-1"): "knn-5",
        ("objects", "paired/held_out", "top-1"): "knn-5-loo/held_out",
        ("styles", "paired", "top-1"): "knn-5",
        ("far", "paired", "top-1"): "knn-5-loo",
    }
    for row in table.to_dict("records"):
        dataset, protocol, metric = row["dataset"], row["protocol"], row["metric"]
        key = (dataset, names[dataset, protocol, metric], metric)
        assert row["value"] == tuned.loc[key, "value"] - base.loc[key, "value"]
        assert (row["n"], row["unit"]) == (tuned.loc[key, "n"], tuned.loc[key, "unit"])


def test_both_directions_mirror_each_other_and_come_from_other_hashes(measured):
    table = changes(measured, ((TUNED, BASE), (BASE, TUNED)), "both.parquet")
    there, back = (table[table["model"] == m].reset_index(drop=True) for m in (TUNED, BASE))
    np.testing.assert_array_equal(there["value"], -back["value"])
    np.testing.assert_allclose(there["lower"], -back["upper"], atol=1e-12)
    assert not set(there["origin"]) & set(back["origin"])
    assert (table["lower"] <= table["value"]).all()


def test_samples_of_all_metrics_are_kept(measured):
    samples = pd.concat([read_table(p, SAMPLES_SCHEMA) for p in measured.glob("samples-*")])
    kept = set(samples["metric"])
    assert {"AUC", "EER", "TMR@FMR=0.1", "Rank-1", "mAP", "top-1", "balanced-accuracy"} <= kept
    assert samples.groupby(["model", "dataset", "protocol", "metric"]).size().eq(100).all()


def test_a_failed_number_makes_a_failed_change(measured, tmp_path):
    paths = []
    for path in sorted(measured.glob("metrics-*")):
        table = read_table(path, SCHEMA)
        hit = (table["model"] == BASE) & (table["metric"] == "AUC")
        table.loc[hit, ["value", "lower", "upper"]] = np.nan
        table.loc[hit, "status"] = "failed: loss diverged at step 3"
        write_table(table, SCHEMA, tmp_path / path.name)
        paths.append(tmp_path / path.name)
    status = changes(measured, out="failed.parquet", measured=paths).set_index("metric")["status"]
    assert status["AUC"] == "failed: reference loss diverged at step 3"
    assert status["Rank-1"] == "ok"


def test_a_number_that_is_not_there_is_missed(measured):
    only = sorted(measured.glob("metrics-verification-*"))
    with pytest.raises(UserError, match="on faces: no Rank-1 by enrol-one among the metrics"):
        changes(measured, out="none.parquet", measured=only)
    without = [p for p in sorted(measured.glob("metrics-*")) if "base" not in p.name]
    with pytest.raises(UserError, match="b/base/seed0 on faces: 0 rows of AUC by all-pairs"):
        changes(measured, out="none.parquet", measured=without)


@pytest.mark.parametrize(
    ("gallery", "message"),
    [
        ({"far": "objects"}, "class 'x' is in split test but not in the train split of objects"),
        ({"objects": "far"}, "evaluation.gallery: far has no train split"),
    ],
)
def test_neighbours_know_only_their_classes(measured, tmp_path, gallery, message):
    settings = {"study": "s", "model": BASE, "seed": 1, "datasets": list(gallery)}
    with pytest.raises(UserError, match=message):
        evaluate_classification.run(
            argparse.Namespace(
                settings=json.dumps({**settings, "evaluation": {"gallery": gallery}}),
                embeddings=measured / "embeddings" / BASE,
                metrics=tmp_path / "m.parquet",
                samples=tmp_path / "s.parquet",
            )
        )


def test_people_are_listed_beside_the_models(measured, tmp_path):
    source = {"kind": "studio", "labels": 8, "images_per_label": 6}
    faces = Dataset.model_validate({"domain": "face_hq", "source": source})
    humans = evaluate_changes.__file__.replace(
        "commands/evaluate_changes.py", "evaluation/human.csv"
    )
    compare_humans.run(
        argparse.Namespace(
            settings=json.dumps(
                {"datasets": {"faces": faces.model_dump(mode="json")}, "split": "test"}
            ),
            results=measured / "metrics-verification-b+base+seed0.parquet",
            humans=humans,
            comparison=tmp_path / "humans.parquet",
        )
    )
    found = read_table(tmp_path / "humans.parquet", COMPARISON_SCHEMA)
    assert found["status"].tolist() == [
        "not comparable: no person was tested on this rendered set",
        "not available: no task is comparable",
        "not available: no task is comparable",
    ]
