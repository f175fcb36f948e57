"""From embeddings to GELO, as the rules call the commands: a planted forgetting is found, and failures are told."""

import argparse
import json

import numpy as np
import pandas as pd
import pytest

from unispace.commands import evaluate_classification, evaluate_tradeoffs, evaluate_verification
from unispace.commands.common import evaluation as io
from unispace.errors import UserError
from unispace.evaluation.gelo import AVERAGE, CHANCE_CORRECTED, DEFINITIONS, DROP, GELO
from unispace.evaluation.tidy import Cell, rows
from unispace.evaluation.zero_shot import zero_shot
from unispace.records.embeddings import Embeddings, write_embeddings
from unispace.records.results import SAMPLES_SCHEMA, SCHEMA
from unispace.records.tables import read_table, write_table

BASE = "b/base/seed0"
SHARES = (0.3, 0.6, 0.9)
MODELS = {BASE: 0.0} | {f"b/noise-{share:g}/seed0".replace(".", ""): share for share in SHARES}
SETS = ("shapes", "colours", "counts")
EVALUATION = {"resamples": 100, "fmr": [0.1], "linear_probe": {"penalties": [1.0], "fixed": 0.316}}
CLASSES, DIMENSION = 6, 12


def embedded(dataset, share):
    """A direction for each class; a share of every vector is noise that is drawn anew for each image."""
    # The same for all models, so that they differ in the share alone.
    rng = np.random.default_rng([5, *dataset.encode()])
    domain = "face_hq" if dataset == "faces" else "object"
    index = pd.concat(
        [
            pd.DataFrame({"label": np.repeat(list("abcdef"), 15), "split": split})
            for split in ("train", "val", "test")
        ],
        ignore_index=True,
    )
    index["image_id"] = [f"{dataset}/{i:04}" for i in range(len(index))]
    index["row"], index["domain"] = np.arange(len(index)), domain
    index["identity"] = index["label"] if domain == "face_hq" else None
    directions = np.linalg.qr(rng.normal(size=(DIMENSION, CLASSES)))[0].T
    code = np.unique(index["label"], return_inverse=True)[1]
    own = directions[code] + 0.15 * rng.normal(size=(len(index), DIMENSION))
    noise = rng.normal(size=own.shape) / np.sqrt(DIMENSION)
    vectors = ((1 - share) * own + share * noise).astype(np.float32)
    return Embeddings(vectors, index, {"dataset": dataset, "key": str(share)}), directions


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder with metrics and samples of all models, by texts, by probes and of faces."""
    root = tmp_path_factory.mktemp("tradeoffs")
    for model, share in MODELS.items():
        here = root / "embeddings" / model
        flat, named = model.replace("/", "+"), []
        for dataset in (*SETS, "faces"):
            embeddings, directions = embedded(dataset, share)
            write_embeddings(embeddings, here / dataset)
            if dataset == "faces":
                continue
            test = embeddings.of_split("test")
            cell = Cell("s", dataset, 1, "0", "classification", "zero-shot:plain", model)
            found = zero_shot(
                test.vectors, np.unique(test.index["label"], return_inverse=True)[1],
                directions, np.arange(CLASSES), 100, io.generator(1, "classification", dataset),
            )  # fmt: skip
            named.append(rows(cell, found))
        io.write_metrics(named, root / f"metrics-text-{flat}.parquet", {})
        io.write_samples(named, root / f"samples-text-{flat}.parquet", {})
        for command, datasets in (
            (evaluate_classification, list(SETS)),
            (evaluate_verification, ["faces"]),
        ):
            name = command.__name__.rpartition(".")[2]
            settings = {"study": "s", "model": model, "seed": 1, "datasets": datasets}
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


GAIN = ["fr", "faces", "verification", "all-pairs", "AUC", True]


def traded(root, *, metrics=None, samples=None, gains=(GAIN,), models=tuple(MODELS), **part):
    settings = {
        "study": "s", "seed": 1, "models": [[m, BASE] for m in models],
        "tradeoffs": {"datasets": list(SETS), **part}, "gains": list(gains),
    }  # fmt: skip
    evaluate_tradeoffs.run(
        argparse.Namespace(
            settings=json.dumps(settings),
            measured=metrics or sorted(root.glob("metrics-*")),
            samples=samples or sorted(root.glob("samples-*")),
            metrics=root / "gelo.parquet",
        )
    )
    return read_table(root / "gelo.parquet", SCHEMA)


@pytest.fixture(scope="module")
def table(measured):
    return traded(measured)


def test_a_planted_forgetting_is_found_and_grows_with_the_noise(table):
    assert set(table["experiment"]) == {"gelo"}
    for protocol in ("zero-shot:plain", "linear-probe", "linear-probe-C=0.316"):
        for metric in DEFINITIONS:
            found = table[(table["protocol"] == protocol) & (table["metric"] == metric)]
            assert list(found["model"]) == list(MODELS)[1:]
            assert set(found["source"]) == {BASE}
            assert set(found["dataset"]) == {"general"}
            kept = [1.0, *found["value"]]
            assert kept == sorted(kept, reverse=True), (protocol, metric)
            assert kept[-1] < 0.7 < kept[1]
            assert ((found["lower"] <= found["value"]) & (found["value"] <= found["upper"])).all()


def test_gelo_is_the_ratio_of_the_published_accuracies(measured, table):
    levels = pd.concat([read_table(p, SCHEMA) for p in sorted(measured.glob("metrics-*"))])
    levels = levels[(levels["metric"] == "top-1") & (levels["protocol"] == "zero-shot:plain")]
    mean = levels.groupby("model")["value"].mean()
    chance = levels.groupby("model")["chance"].mean()
    for model in list(MODELS)[1:]:
        mine = table[(table["model"] == model) & (table["protocol"] == "zero-shot:plain")]
        mine = mine.set_index("metric")["value"]
        assert mine[GELO] == pytest.approx(mean[model] / mean[BASE], abs=1e-12)
        corrected = (mean[model] - chance[model]) / (mean[BASE] - chance[BASE])
        assert mine[CHANCE_CORRECTED] == pytest.approx(corrected, abs=1e-12)
        assert mine[AVERAGE] == pytest.approx(mean[model], abs=1e-12)


def test_drops_are_of_each_set_and_above_zero(table):
    drops = table[table["metric"] == DROP]
    assert len(drops) == 3 * 3 * 3
    assert set(drops["dataset"]) == set(SETS)
    most = drops[drops["model"] == list(MODELS)[-1]]
    assert (most["lower"] > 0).all()


def test_what_was_lost_in_faces_is_a_negative_gain(table):
    gains = table[table["metric"] == "gain in AUC"]
    assert list(gains["dataset"]) == ["faces"] * 3
    assert gains["value"].is_monotonic_decreasing
    assert (gains["upper"] < 0).iloc[-1]


def test_the_base_has_an_average_and_no_gelo_of_itself(table):
    assert set(table[table["model"] == BASE]["metric"]) == {AVERAGE}
    assert table[table["model"] == BASE]["source"].isna().all()


def test_with_fixed_sets_only_images_are_drawn(table):
    fixed = table[table["protocol"].str.endswith("/fixed-sets") & (table["metric"] == GELO)]
    whole = table[(table["protocol"] == "linear-probe") & (table["metric"] == GELO)]
    assert set(fixed["unit"]) == {"class"}
    assert (whole["unit"] == "set").all()
    assert (whole["n"] == 3).all()


def test_the_same_settings_give_the_same_bytes(measured, table):
    before = (measured / "gelo.parquet").read_bytes()
    traded(measured)
    assert (measured / "gelo.parquet").read_bytes() == before


def test_another_accuracy_is_taken_where_it_is_asked_for(measured, table):
    other = traded(measured, metric="balanced-accuracy")
    # As many images of each class: both accuracies are the same number.
    keys = ["model", "protocol", "dataset", "metric"]
    both = other.merge(table, on=keys)
    assert len(both) == len(table)
    assert np.allclose(both["value_x"], both["value_y"])


def failed_on(path, out, dataset, protocol):
    rows = read_table(path, SCHEMA)
    here = (rows["dataset"] == dataset) & (rows["protocol"] == protocol)
    assert here.any()
    rows.loc[here, ["value", "lower", "upper"]] = np.nan
    rows["status"] = np.where(here, "failed: lbfgs did not converge", rows["status"])
    write_table(rows, SCHEMA, out)
    return out


def test_a_failed_cell_is_told_and_not_averaged_away(measured, tmp_path):
    model = list(MODELS)[1]
    name = f"metrics-evaluate_classification-{model.replace('/', '+')}.parquet"
    broken = failed_on(measured / name, tmp_path / name, "colours", "linear-probe")
    paths = [broken if p.name == name else p for p in sorted(measured.glob("metrics-*"))]
    found = traded(measured, metrics=paths)
    found = found[(found["model"] == model) & (found["protocol"] == "linear-probe")]
    why = "failed: the model on colours: lbfgs did not converge"
    general = found[found["dataset"] == "general"]
    assert set(general["status"]) == {why}
    assert len(general) == 5
    assert general["value"].isna().all()
    drops = found.set_index("dataset")["status"]
    assert drops["colours"] == "failed: the model: lbfgs did not converge"
    assert drops["shapes"] == "ok"


def test_a_set_without_a_probe_is_left_out_for_all_models_alike(measured, tmp_path):
    paths = []
    for path in sorted(measured.glob("metrics-*")):
        rows = read_table(path, SCHEMA)
        gone = (rows["dataset"] == "counts") & rows["protocol"].str.startswith("linear-probe")
        write_table(rows[~gone], SCHEMA, tmp_path / path.name)
        paths.append(tmp_path / path.name)
    found = traded(measured, metrics=paths)
    found = found[found["metric"] == GELO].set_index("protocol")["n"]
    assert set(found["linear-probe"]) == {2}
    assert set(found["zero-shot:plain"]) == {3}


def test_a_missing_number_is_named(measured):
    paths = [p for p in sorted(measured.glob("metrics-*")) if "verification" not in p.name]
    with pytest.raises(UserError, match=r"b/noise-03/seed0 on faces: 0 rows of AUC by all-pairs"):
        traded(measured, metrics=paths)
    with pytest.raises(UserError, match=r"0 rows of AUC by folds.*there is AUC by all-pairs"):
        traded(measured, gains=[[*GAIN[:3], "folds", *GAIN[4:]]])
    faces = [p for p in sorted(measured.glob("metrics-*")) if "verification" in p.name]
    with pytest.raises(UserError, match="no top-1 by texts or a linear probe on shapes, colours"):
        traded(measured, metrics=faces)


def test_models_of_other_tables_do_not_matter(measured, table):
    one = traded(measured, models=[BASE, list(MODELS)[2]])
    kept = table[table["model"].isin([BASE, list(MODELS)[2]])].reset_index(drop=True)
    pd.testing.assert_frame_equal(one.drop(columns="origin"), kept.drop(columns="origin"))


def test_samples_are_read_by_schema(measured):
    assert read_table(sorted(measured.glob("samples-*"))[0], SAMPLES_SCHEMA).shape[0] > 0
