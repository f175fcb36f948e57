"""The commands of the analysis, from images and embeddings to tables that can be read again."""

import argparse
import json

import numpy as np
import pandas as pd
import pytest

from unispace.commands import (
    evaluate_separability,
    evaluate_statistics,
    evaluate_transfer,
    measure_images,
)
from unispace.errors import UserError
from unispace.records.embeddings import Embeddings, write_embeddings
from unispace.records.images import write_raw
from unispace.records.manifest import write_manifest
from unispace.records.results import (
    PCA_NUMBERS_SCHEMA,
    PCA_SCHEMA,
    SCHEMA,
    STATISTICS_SCHEMA,
)
from unispace.records.tables import read_table, write_table

DATASETS = {"objects": "object", "faces": "face_hq"}
EVALUATION = {"split": "test", "resamples": 100, "neighbours": 3}


def call(command, **values):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    words = [str(part) for name, value in values.items() for part in (f"--{name}", value)]
    command.run(parser.parse_args(words))


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """Bright objects and dark faces, with embeddings in which they lie apart, and their statistics."""
    folder, rng = tmp_path_factory.mktemp("analysis"), np.random.default_rng(0)
    for place, (dataset, domain) in enumerate(DATASETS.items()):
        labels, each = 24, 6
        manifest = pd.DataFrame(
            {
                "image_id": [f"{dataset}/{i}" for i in range(labels * each)],
                "label": np.repeat([f"{dataset}-{i}" for i in range(labels)], each),
                "split": ["train", "test"] * (labels * each // 2),
            }
        )
        manifest["row"] = np.arange(len(manifest))
        manifest = manifest.assign(domain=domain, source="here")
        manifest["identity"] = manifest["label"] if domain != "object" else None
        write_manifest(
            manifest.astype({"identity": object}), folder / "data" / dataset / "manifest.parquet"
        )
        pixels = rng.integers(60 * place, 120 + 60 * place, (len(manifest), 16, 16, 3)).astype(
            np.uint8
        )
        write_raw([pixels], len(pixels), 16, folder / "data" / dataset / "images.npy")
        means = rng.normal(size=(labels, 8)) + 6 * np.eye(8)[place]
        vectors = np.repeat(means, each, axis=0) + 0.3 * rng.normal(size=(len(manifest), 8))
        write_embeddings(
            Embeddings(
                vectors.astype(np.float32),
                manifest.drop(columns="source").astype({"identity": object}),
                {"key": dataset, "dataset": dataset},
            ),
            folder / "embeddings" / dataset,
        )
        call(
            measure_images,
            settings=json.dumps({"split": "test", "size": 16}),
            data=folder / "data" / dataset,
            table=folder / "statistics" / f"{dataset}.parquet",
        )
    return folder


def settings(**more):
    about = {"study": "s", "seed": 1, "datasets": list(DATASETS), "evaluation": EVALUATION}
    return json.dumps({**about, "separability": {"shuffles": 2}, **more})


def test_statistics_are_of_the_tested_images_alone(disk):
    table = read_table(disk / "statistics" / "faces.parquet", STATISTICS_SCHEMA)
    assert len(table) == 24 * 3
    assert table["red_mean"].between(60 / 255, 180 / 255).all()


def test_separability_of_a_model_and_of_statistics_are_tidy_rows(disk):
    common = {"statistics": disk / "statistics"}
    call(
        evaluate_separability, settings=settings(model="b/c/seed0"),
        embeddings=disk / "embeddings", metrics=disk / "model.parquet", **common,
    )  # fmt: skip
    rows = read_table(disk / "model.parquet", SCHEMA)
    assert set(rows["protocol"]) == {"linear", "linear/matched", "linear/shuffled"}
    assert (rows["dataset"] == "objects+faces").all()
    linear = rows[rows["protocol"] == "linear"].set_index("metric")
    assert linear.loc["accuracy", "value"] == 1
    assert linear.loc["AUC object|face_hq", "value"] == 1
    assert linear.loc["face_hq taken for object", "value"] == 0
    call(
        evaluate_statistics, settings=settings(), data=disk / "data",
        metrics=disk / "statistics.parquet", **common,
    )  # fmt: skip
    rows = read_table(disk / "statistics.parquet", SCHEMA)
    assert rows["model"].isna().all()
    alone = rows[rows["protocol"] == "statistics"].set_index("metric")
    assert alone.loc["accuracy", "value"] > 0.95


def test_an_image_without_statistics_is_told(disk, tmp_path):
    for dataset in DATASETS:
        table = read_table(disk / "statistics" / f"{dataset}.parquet", STATISTICS_SCHEMA)
        write_table(table.iloc[1:], STATISTICS_SCHEMA, tmp_path / f"{dataset}.parquet")
    with pytest.raises(UserError, match=r"no statistics of image 'objects/1'"):
        call(
            evaluate_separability, settings=settings(model="b/c/seed0"), statistics=tmp_path,
            embeddings=disk / "embeddings", metrics=tmp_path / "out.parquet",
        )  # fmt: skip


def test_transfer_writes_curves_and_numbers_and_the_same_bytes_again(disk, tmp_path):
    chosen = {
        "model": "b/c/seed0",
        "seed": 1,
        "tasks": {"objects": "class", "faces": "identity"},
        "evaluation": EVALUATION,
        "transfer": {"components": [1, 2, 4], "removed": [1], "random_subspaces": 1},
    }
    for part in ("one", "two"):
        call(
            evaluate_transfer, settings=json.dumps(chosen), embeddings=disk / "embeddings",
            curves=tmp_path / part / "curves.parquet", numbers=tmp_path / part / "numbers.parquet",
        )  # fmt: skip
    for name, schema in (("curves", PCA_SCHEMA), ("numbers", PCA_NUMBERS_SCHEMA)):
        table = read_table(tmp_path / "one" / f"{name}.parquet", schema)
        assert set(table["target"]) == {"objects", "faces"}
        assert (table["model"] == "b/c/seed0").all()
        assert (tmp_path / "one" / f"{name}.parquet").read_bytes() == (
            tmp_path / "two" / f"{name}.parquet"
        ).read_bytes()
