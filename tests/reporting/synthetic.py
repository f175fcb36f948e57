"""A study on disk as its pipeline would leave it, with numbers drawn at random."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
from synthetic_curves import curve_tables
from synthetic_disk import HUMANS, SPLITS, Disk
from synthetic_maps import map_rows
from synthetic_numbers import DIVERGED, changes, is_wide, measures, separability, skill_of
from synthetic_page import call
from synthetic_shown import shown_tables
from synthetic_structure import structure_tables

from unispace.analysis.transfer import Verification
from unispace.analysis.transfer_table import Plan, transfer_tables
from unispace.commands import audit_data
from unispace.config.analysis import analysed_datasets
from unispace.config.parse import parse_study
from unispace.evaluation.human import compare
from unispace.records.files import write_json
from unispace.records.humans import COMPARISON_SCHEMA, read_humans
from unispace.records.images import write_raw
from unispace.records.left_out import LeftOut, write_left_out
from unispace.records.manifest import write_manifest
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.results import (
    ASYMMETRY_SCHEMA,
    CURVE_SCHEMA,
    EFFICIENCY_SCHEMA,
    GEOMETRY_SCHEMA,
    LEAKS_SCHEMA,
    LINKAGE_SCHEMA,
    MAP_VIEW_SCHEMA,
    PCA_NUMBERS_SCHEMA,
    PCA_SCHEMA,
    RETRIEVAL_SCHEMA,
    SCHEMA,
    VIEW_SCHEMA,
)
from unispace.records.tables import write_table


def build(folder: Path, config: dict, seed: int = 0) -> Disk:
    """Write a study's data, cards, histories and tables."""
    disk = Disk(folder, parse_study(config))
    rng = np.random.default_rng(seed)
    for name in disk.study.datasets:
        _dataset(disk, name, rng)
    for number, model in enumerate(disk.histories()):
        _model(disk, model, number, rng)
    rows, curves = [], []
    for strength, model in enumerate(disk.study.models()):
        about = {"model": model, **dict.fromkeys(("source", "target", "method", "fitted_on"))}
        for dataset in disk.study.evaluation.datasets:
            measures(
                disk, dataset, about, skill_of(disk, model, dataset, strength), rng, rows, curves
            )
    if is_wide(disk.study):
        changes(disk, rows, rng)
    mapped = map_rows(disk.study, rng, {DIVERGED: "the loss was nan"})
    rows += mapped[0]
    curves += mapped[1]
    separability(disk, rng, rows)
    _pca(disk, rng)
    results = pd.DataFrame(rows).astype({"seed": "Int64"})
    if disk.study.map_pairs() and disk.study.maps.published():
        # Numbers of its own, so that the others stay what they are.
        told = structure_tables(disk.study, pd.DataFrame(mapped[0]), np.random.default_rng(7))
        results = pd.concat([results, *told.rows], ignore_index=True)[SCHEMA.names]
        for name, schema in (
            ("linkage", LINKAGE_SCHEMA), ("asymmetry", ASYMMETRY_SCHEMA), ("geometry", GEOMETRY_SCHEMA),
        ):  # fmt: skip
            write_table(told.tables[name], schema, folder / f"{name}.parquet")
    write_table(results, SCHEMA, disk.results)
    split = disk.study.evaluation.split
    people = compare(results, read_humans(HUMANS), disk.study.datasets, split)
    write_table(people, COMPARISON_SCHEMA, disk.people)
    empty = CURVE_SCHEMA.empty_table().to_pandas()
    write_table(pd.concat(curves) if curves else empty, CURVE_SCHEMA, disk.curves)
    _views(disk, rng)
    if disk.study.map_pairs() and disk.study.maps.shown_pairs():
        examples, map_views = shown_tables(disk.study, folder / "data", rng)
        write_table(examples, RETRIEVAL_SCHEMA, disk.examples)
        write_table(map_views, MAP_VIEW_SCHEMA, disk.map_views)
    _map_curves(disk, rng)
    _audit(disk)
    return disk


def _map_curves(disk: Disk, rng: np.random.Generator) -> None:
    maps = disk.study.maps
    measured = (maps.measured_efficiency(), maps.measured_security())
    schemas = {"efficiency": EFFICIENCY_SCHEMA, "security": LEAKS_SCHEMA}
    for name, dataset, points in curve_tables(*measured, maps.datasets, rng):
        write_table(points, schemas[name], disk.curve(name, dataset))


def _audit(disk: Disk) -> None:
    study = disk.study
    plan = {
        "datasets": list(study.datasets),
        "families": {name: dataset.family for name, dataset in study.datasets.items()},
        "trained": study.trained_datasets(),
        "tested": study.evaluation.datasets,
        "split": study.evaluation.split,
        "allow": study.audit.allow,
    }
    call(
        audit_data,
        *("--settings", json.dumps(plan), "--data", disk.folder / "data"),
        *("--table", disk.audit, "--summary", disk.folder / "audit.json"),
    )


def _dataset(disk: Disk, name: str, rng: np.random.Generator) -> None:
    settings = disk.study.datasets[name]
    labels, size = 12, 32
    subject = {"object": "object", "person": "body"}.get(settings.domain, "face")
    rows = [
        {
            "image_id": f"{name}/{subject}-{label:03d}/{k:04d}",
            "label": f"{subject}-{label:03d}",
            "split": SPLITS[label % 3] if subject != "object" else SPLITS[k % 3],
        }
        for label in range(labels)
        for k in range(12)
    ]
    manifest = pd.DataFrame(rows)
    manifest["row"] = np.arange(len(manifest))
    manifest["domain"] = settings.domain
    manifest["identity"] = None if subject == "object" else manifest["label"]
    manifest["source"] = f"studio:{name}"
    write_manifest(manifest.astype({"identity": object}), disk.data(name) / "manifest.parquet")
    write_left_out(LeftOut(len(manifest) + 7, ("torn.jpg",)), disk.data(name) / "left_out.json")
    tones = rng.integers(30, 226, (labels, 1, 1, 3))
    ramp = np.linspace(-25, 25, size)[None, :, None, None]
    images = [
        np.clip(tones[i // 12] + ramp[0] + rng.integers(-9, 9, (size, size, 1)), 0, 255)
        for i in range(len(manifest))
    ]
    write_raw(
        [np.stack(images).astype(np.uint8)], len(images), size, disk.data(name) / "images.npy"
    )


def _model(disk: Disk, model: str, number: int, rng: np.random.Generator) -> None:
    folder = disk.checkpoint(model)
    backbone, stage = model.split("/")[:2]
    pretrained = stage == "pretrained"
    weights = disk.study.backbones[backbone].weights
    trained = ["things"] if pretrained else list(disk.study.curricula[stage].train_on)
    history = _history(trained, rng) if trained else HISTORY_SCHEMA.empty_table().to_pandas()
    write_table(history, HISTORY_SCHEMA, folder / "history.parquet")
    card = {
        "provider": "timm 1.0.31",
        "architecture": disk.study.backbones[backbone].architecture,
        "options": {"depth": 4},
        "pooling": "avg",
        "preprocessing": {"size": 64},
        "precision": "float32",
        "dimension": 128,
        "parameters": 853_120,
        "weights_sha256": f"{number:064x}",
        "pretrained_sha256": "f" * 64,
        "licence": "mit",
        "weights": weights.model_dump(mode="json"),
        "backbone": backbone,
        "seed": 1,
    }
    if not pretrained:
        card |= {
            "model": model,
            "curriculum": disk.study.curricula[stage].model_dump(mode="json"),
        }
    write_json(folder / "model.json", card)


def _history(trained: list[str], rng: np.random.Generator) -> pd.DataFrame:
    """A training in the long form: every step, validation at a few, conflict where domains meet."""
    steps, some = np.arange(1, 201), np.arange(25, 201, 25)
    parts = []

    def measure(step, dataset, name, value, other=None):
        columns = {"step": step, "dataset": dataset, "other": other, "measure": name}
        parts.append(pd.DataFrame({**columns, "value": value}))

    for dataset in trained:
        measure(steps, dataset, "loss", 4 * np.exp(-steps / 60) + 0.5 + rng.gamma(2, 0.12, 200))
        rate = 1e-3 * np.minimum(steps / 20, 1) * (1 - steps / 201)
        measure(steps, dataset, "learning_rate", rate)
        measure(steps, dataset, "weight", np.ones(200))
        measure(some, dataset, "val_rank-1", 0.8 * (1 - np.exp(-some / 80)) + 0.02 * rng.random(8))
    for dataset, other in itertools.combinations(trained, 2):
        measure(
            steps, dataset, "conflict", rng.uniform(-0.2, 0.3) + 0.1 * rng.normal(size=200), other
        )
    return pd.concat(parts, ignore_index=True).astype({"other": object})


def _pca(disk: Disk, rng: np.random.Generator) -> None:
    """What the command writes of random embeddings."""
    plan = Plan([1, 2, 5], [1], 1, 40)
    for model in disk.analysed():
        tasks, fits = {}, {}
        for dataset in analysed_datasets(disk.study):
            person = np.repeat(rng.normal(size=(8, 10)), 4, axis=0)
            vectors = (person + 0.4 * rng.normal(size=person.shape)).astype(np.float32)
            names = [f"p{i // 4}" for i in range(32)]
            tasks[dataset], fits[dataset] = Verification(vectors, names, 99, rng), vectors
        tables = transfer_tables(tasks, fits, None, plan, 0)
        for kind, table, schema in zip(
            ("curves", "numbers"), tables, (PCA_SCHEMA, PCA_NUMBERS_SCHEMA), strict=True
        ):
            write_table(table.assign(model=model), schema, disk.pca(kind, model))


def _views(disk: Disk, rng: np.random.Generator) -> None:
    parts = []
    for model in disk.study.models():
        for number, dataset in enumerate(disk.study.evaluation.datasets):
            manifest = pd.read_parquet(disk.data(dataset) / "manifest.parquet")
            code = manifest["label"].astype("category").cat.codes.to_numpy()
            parts.append(
                manifest[["image_id", "domain", "label"]].assign(
                    model=model,
                    dataset=dataset,
                    x=np.cos(code) + number + 0.1 * rng.normal(size=len(manifest)),
                    y=np.sin(code) - number % 2 + 0.1 * rng.normal(size=len(manifest)),
                )
            )
    write_table(pd.concat(parts, ignore_index=True), VIEW_SCHEMA, disk.views)
