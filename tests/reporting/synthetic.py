"""A study on disk as its pipeline would leave it, with numbers drawn at random."""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image
from synthetic_curves import curve_tables
from synthetic_maps import map_rows, map_settings, methods_of
from synthetic_shown import shown_tables
from synthetic_structure import FIGURES as STRUCTURE
from synthetic_structure import structure_tables

from unispace.analysis.transfer import Verification
from unispace.analysis.transfer_table import Plan, transfer_tables
from unispace.commands import audit_data, draw_contact_sheet, render_report
from unispace.commands import draw_figure as draw_figure_command
from unispace.config.analysis import analysed_datasets, analysed_domains, analysed_models
from unispace.config.parse import parse_study
from unispace.config.study import Study
from unispace.evaluation.human import compare
from unispace.records.files import write_json
from unispace.records.humans import COMPARISON_SCHEMA, read_humans
from unispace.records.images import write_raw
from unispace.records.left_out import LeftOut, write_left_out
from unispace.records.manifest import write_manifest
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.names import flat_name
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

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "workflow" / "report"
HUMANS = ROOT / "workflow" / "unispace" / "evaluation" / "human.csv"
SPLITS = ("train", "val", "test")
DIVERGED = "dinov3-micro/concat/seed0"


@dataclass(frozen=True)
class Disk:
    """Where the pieces of a study lie."""

    folder: Path
    study: Study

    @property
    def results(self) -> Path:
        return self.folder / "results.parquet"

    @property
    def people(self) -> Path:
        return self.folder / "humans.parquet"

    @property
    def curves(self) -> Path:
        return self.folder / "curves.parquet"

    @property
    def views(self) -> Path:
        return self.folder / "views.parquet"

    @property
    def examples(self) -> Path:
        return self.folder / "examples.parquet"

    @property
    def map_views(self) -> Path:
        return self.folder / "map_views.parquet"

    @property
    def audit(self) -> Path:
        return self.folder / "audit.parquet"

    @property
    def figures(self) -> Path:
        return self.folder / "report" / "figures"

    @property
    def page(self) -> Path:
        return self.folder / "report" / "index.html"

    def curve(self, name: str, dataset: str) -> Path:
        return self.folder / name / f"{dataset}.parquet"

    def data(self, dataset: str) -> Path:
        return self.folder / "data" / dataset

    def checkpoint(self, model: str) -> Path:
        return self.folder / "checkpoints" / model

    def drawn_from(self) -> dict[str, list[Path]]:
        """As in workflow/rules/report.smk."""
        names = self.histories()
        sources = {
            "losses": [self.checkpoint(name) / "history.parquet" for name in names],
            "views": [self.views, self.results],
            "tasks": [self.results],
        }
        if any(len(c.train_on) > 1 for c in self.study.curricula.values()):
            sources["schedule"] = []
            sources["conflicts"] = sources["losses"]
        if self.study.tasks():
            sources["forgetting"] = [self.results]
        if any(c.interpolate for c in self.study.curricula.values()):
            sources["interpolation"] = [self.results]
        if self.study.identity_datasets():
            sources |= {"cmc": [self.curves], "roc": [self.curves, self.results]}
        if self.study.map_pairs():
            sources |= {"maps_schematic": [], "maps_families": [self.results]}
            sources |= {"maps": [self.results], "maps_cmc": [self.curves, self.results]}
            sources["maps_roc"] = sources["maps_cmc"]
            if self.study.maps.planted:
                sources["planted"] = [self.results]
            if self.study.maps.published():
                told = {"structure": "linkage", "centrality": "asymmetry", "geometry": "geometry"}
                for name, table in told.items():
                    sources[f"maps_{name}"] = [self.results, self.folder / f"{table}.parquet"]
                sources["maps_similarity"] = [self.results]
            if self.study.maps.shown_pairs():
                sources |= {"retrieval": [self.examples], "maps_views": [self.map_views]}
            maps = self.study.maps
            if maps.measured_efficiency():
                sources["maps_efficiency"] = [self.curve("efficiency", d) for d in maps.datasets]
            if maps.measured_security():
                sources["maps_security"] = [self.curve("security", d) for d in maps.datasets]
        if self.analysed():
            sources |= {"separability": [self.results]}
            for name, kind in (("pca_transfer", "curves"), ("pca_components", "numbers")):
                sources[name] = [self.pca(kind, model) for model in self.analysed()]
        return sources

    def analysed(self) -> tuple[str, ...]:
        """The analysed models; none where there are no domains to be told apart."""
        return analysed_models(self.study) if len(analysed_domains(self.study)) > 1 else ()

    def pca(self, kind: str, model: str) -> Path:
        return self.folder / "pca" / kind / f"{flat_name(model)}.parquet"

    def histories(self) -> list[str]:
        return [*self.study.models(), *(f"{b}/pretrained" for b in self.study.backbones)]

    def plan(self, figure: str) -> dict:
        return {
            "figure": figure,
            "models": list(self.study.models()),
            "datasets": list(self.study.datasets),
            "domains": {d: s.domain for d, s in self.study.datasets.items()},
            "names": self.names(figure),
            **self._roles(figure),
        }

    def names(self, figure: str) -> list[str]:
        if figure in ("losses", "conflicts"):
            return self.histories()
        if figure in CURVES:
            return list(self.study.maps.datasets)
        return list(self.analysed()) if figure.startswith("pca_") else []

    def _roles(self, figure: str) -> dict:
        """As FIGURE_SETTINGS in workflow/rules/report.smk."""
        study = self.study
        if figure in ("schedule", "interpolation"):
            curricula = [[n, c.model_dump(mode="json")] for n, c in study.curricula.items()]
            roles = {"tasks": study.tasks(), "base": study.base_curriculum()}
            return {"curricula": curricula, **(roles if figure == "interpolation" else {})}
        if figure == "forgetting":
            return {
                "tasks": study.tasks(),
                "base": study.base_curriculum(),
                "aside": [n for n, c in study.curricula.items() if c.interpolate or c.untrained],
            }
        if figure in (
            "maps",
            "maps_families",
            "maps_cmc",
            "maps_roc",
            "planted",
            *STRUCTURE,
            *CURVES,
        ):
            return map_settings(study)
        return {}

    def page_settings(self) -> str:
        return json.dumps(
            {
                "study": self.study.model_dump(mode="json"),
                "datasets": list(self.study.datasets),
                "models": list(self.study.models()),
                "figures": list(self.drawn_from()),
                "methods": methods_of(self.study),
                "families": list(self.study.maps.family_of().items()),
                "drawn_from": {n: list(map(str, t)) for n, t in self.drawn_from().items()},
                "code": "0123456789ab",
            },
            sort_keys=True,
        )


CURVES = ("maps_efficiency", "maps_security")


def default_config() -> dict:
    return yaml.safe_load(Path(__file__).with_name("study.yaml").read_text("utf-8"))


DOMAINS = ("objects", "faces", "faces_lq", "bodies")


def curriculum_config() -> dict:
    """The curriculum study in its full width: three backbones, 14 curricula, nine data sets."""
    config = default_config()
    sets = config["datasets"]
    copies = {
        "objects_styles": "objects", "digits": "objects",
        "faces_unseen": "faces_lq", "bodies_clothing": "bodies",
    }  # fmt: skip
    sets |= {name: sets[like] for name, like in copies.items()}
    network = config["backbones"]["eva02-micro"]
    tuned = {"steps": 200, "train_on": {d: {"batch_size": 16} for d in DOMAINS}}
    blocks = [
        {"cycles": 4, "weights": {"objects": 1, "faces": 1}},
        {"cycles": 4, "weights": {"faces_lq": 1, "bodies": 0.5}},
        {"cycles": 2, "weights": dict.fromkeys(DOMAINS, 0.5)},
    ]
    experts = dict(zip(DOMAINS, ("object", "face_hq", "face_lq", "person"), strict=True))
    halves = (0.25, 0.5, 0.75)
    return config | {
        "backbones": {
            **dict.fromkeys(("clip-micro", "dinov3-micro", "eva02-micro"), network),
            "pixels": config["backbones"]["pixels"] | {"curricula": ["expert-face_hq"]},
        },
        "curricula": {
            "base": {},
            "random": {"untrained": True},
            **{
                f"expert-{domain}": {"steps": 200, "train_on": {d: {"batch_size": 64}}}
                for d, domain in experts.items()
            },
            "sequential": {**tuned, "steps": 50, "sequence": DOMAINS},
            "alternate": {**tuned, "coupling": "alternate"},
            "concat": {**tuned, "coupling": "concat"},
            "imic-a": tuned,
            "imic-b": {**tuned, "blocks": blocks},
            **{
                f"wise-{s * 100:g}": {"interpolate": {"curriculum": "imic-a", "share": s}}
                for s in halves
            },
        },
        "maps": {},
        "evaluation": config["evaluation"] | {"datasets": [d for d in sets if d != "things"]},
    }


def only(config: dict, *datasets: str) -> dict:
    """The default study with some data sets alone, and without maps."""
    kept = {d: s for d, s in config["datasets"].items() if d in (*datasets, "things")}
    curricula = {}
    for name, curriculum in config["curricula"].items():
        on = {d: h for d, h in curriculum.get("train_on", {}).items() if d in datasets}
        if on or not curriculum.get("train_on"):
            curricula[name] = {**curriculum, "train_on": on}
    backbones = {}
    for name, backbone in config["backbones"].items():
        chosen = [c for c in backbone.get("curricula", ()) if c in curricula]
        if chosen or "curricula" not in backbone:
            backbones[name] = {**backbone, "curricula": chosen or None}
    return {
        **config,
        "datasets": kept,
        "backbones": backbones,
        "curricula": curricula,
        "maps": {},
        "evaluation": {**config["evaluation"], "datasets": list(datasets)},
    }


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
            _measures(
                disk, dataset, about, _skill(disk, model, dataset, strength), rng, rows, curves
            )
    if _wide(disk.study):
        _changes(disk, rows, rng)
    mapped = map_rows(disk.study, rng, {DIVERGED: "the loss was nan"})
    rows += mapped[0]
    curves += mapped[1]
    _separability(disk, rng, rows)
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


def _wide(study: Study) -> bool:
    """Whether it is that of `curriculum_config`, with more protocols and with changes."""
    return len(study.curricula) > 10


def _skill(disk: Disk, model: str, dataset: str, strength: int) -> float:
    """How good a model is made: in the full study as one would expect, else by its place."""
    curriculum = model.split("/")[1]
    if not _wide(disk.study):
        return 0.4 + 0.15 * (strength % 4)
    domain = disk.study.datasets[dataset].domain
    if curriculum.startswith("expert-"):
        return 0.8 if curriculum == f"expert-{domain}" else 0.45
    levels = {"base": 0.5, "random": 0.15, "sequential": 0.55, "alternate": 0.7}
    return levels.get(curriculum, 0.78)


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


def _changes(disk: Disk, rows: list[dict], rng: np.random.Generator) -> None:
    """Every model against its base and the expert of the domain, from the levels in `rows`."""
    study = disk.study
    experts = {study.datasets[d].domain: e for d, e in study.tasks().items()}
    levels = {
        (row["model"], row["dataset"], row["metric"], row["protocol"].partition("/")[2]): row
        for row in rows
        if row["model"] and row["metric"] in ("AUC", "Rank-1", "top-1")
        if not row["protocol"].startswith(("linear-probe", "zero-shot"))
    }
    for (model, dataset, metric, split), row in levels.items():
        backbone, curriculum, seed = model.split("/")
        for reference in {study.base_curriculum(), experts.get(study.datasets[dataset].domain)}:
            other = levels.get((f"{backbone}/{reference}/{seed}", dataset, metric, split))
            if reference == curriculum or other is None:
                continue
            failed = next((r["status"] for r in (row, other) if r["status"] != "ok"), None)
            value = None if failed else row["value"] - other["value"]
            wide = 0.01 + 0.03 * rng.random()
            change = {
                "experiment": "change",
                "source": other["model"],
                "protocol": "/".join(filter(None, ("paired", split))),
                "value": value,
                "lower": None if failed else value - wide,
                "upper": None if failed else value + wide,
                "chance": None,
                "status": failed or "ok",
                "origin": f"{len(rows):064x}",
            }
            rows.append(row | change)


def _measures(disk, dataset, about, skill, rng, rows, curves) -> None:
    settings = disk.study
    domain = settings.datasets[dataset].domain

    def row(experiment, protocol, metric, value, unit, status="ok"):
        if about["model"] == DIVERGED:
            status = "failed: the loss of `bodies` was nan at step 57"
        ok = status == "ok"
        rows.append(
            {
                "study": settings.study,
                "experiment": experiment,
                **about,
                "dataset": dataset,
                "protocol": protocol,
                "metric": metric,
                "value": value if ok else None,
                "lower": max(0.0, value - 0.021 - 0.02 * rng.random()) if ok else None,
                "upper": min(1.0, value + 0.023 + 0.02 * rng.random()) if ok else None,
                "n": int(rng.integers(200, 90_000)),
                "unit": unit,
                "seed": settings.seed,
                "chance": 0.5 if metric in ("AUC", "EER") else None,
                "status": status,
                "origin": f"{len(rows):064x}",
            }
        )

    level = float(np.clip(skill + 0.1 * rng.normal(), 0.05, 0.98))
    if domain == "object":
        row("classification", "knn-5", "top-1", level, "class")
        row("classification", "knn-5", "balanced-accuracy", level - 0.01, "class")
        if dataset == "objects" and _wide(settings):
            row("classification", "linear-probe", "top-1", min(level + 0.05, 0.99), "class")
            row("classification", "knn-5-loo/held_out", "top-1", level * 0.9, "class")
        return
    row("verification", "all-pairs", "AUC", 0.5 + level / 2, "identity")
    row("verification", "all-pairs", "EER", (1 - level) / 2, "identity")
    for fmr in settings.evaluation.fmr:
        why = "failed: FMR 0.001 needs 10000 impostor pairs, there are 4032"
        failed = fmr == 0.001 and dataset == "bodies"
        metric = f"TMR@FMR={fmr:g}"
        row("verification", "all-pairs", metric, level * fmr**0.08, "identity",
            why if failed else "ok")  # fmt: skip
    protocol = "enrol-one-cross-camera" if domain == "person" else "enrol-one"
    for rank in settings.evaluation.ranks:
        row("identification", protocol, f"Rank-{rank}", level ** (1 / rank), "identity")
    row("identification", protocol, "mAP", level * 0.9, "identity")
    ranks = np.arange(1, 41.0)
    y = level ** (1 / ranks)
    fmr = np.append(0.0, np.geomspace(1e-5, 1, 120))
    cmc = {"x": ranks, "y": y, "lower": y * 0.95, "upper": np.minimum(1, y * 1.04)}
    roc = {"x": fmr, "y": np.maximum(level * fmr**0.08, fmr), "lower": np.nan, "upper": np.nan}
    for experiment, how, points in (
        ("identification", protocol, cmc),
        ("verification", "all-pairs", roc),
    ):
        curves.append(
            pd.DataFrame(points).assign(
                experiment=experiment, dataset=dataset, protocol=how, **about
            )
        )


def _separability(disk: Disk, rng: np.random.Generator, rows: list[dict]) -> None:
    """Rows of every analysed model, and of image statistics; one of them failed."""
    domains = analysed_domains(disk.study)
    metrics = ["accuracy", *(f"AUC {a}|{b}" for a, b in itertools.combinations(domains, 2))]
    models = disk.analysed()
    cells = [(m, p) for m in models for p in ("linear", "linear/matched", "linear/shuffled")]
    cells += [(None, p) for p in ("statistics", "statistics/matched") if models]
    for model, protocol in cells:
        for metric in metrics if protocol != "linear/shuffled" else metrics[:1]:
            failed = protocol.endswith("/matched") and metric == "accuracy"
            value = 0.6 + 0.35 * rng.random()
            rows.append(
                {
                    **{"study": disk.study.study, "experiment": "separability", "model": model},
                    **dict.fromkeys(("source", "target", "method", "fitted_on")),
                    "dataset": "+".join(analysed_datasets(disk.study)),
                    **{"protocol": protocol, "metric": metric, "n": 400, "unit": "label"},
                    "value": None if failed else value,
                    "lower": None if failed else value - 0.04,
                    "upper": None if failed else value + 0.04,
                    "seed": disk.study.seed,
                    "chance": 1 / len(domains) if metric == "accuracy" else 0.5,
                    "status": "failed: image statistics overlap too little" if failed else "ok",
                    "origin": f"{len(rows):064x}",
                }
            )


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


def call(command, *arguments) -> None:
    """Run a command with the arguments that a rule would give it."""
    parser = argparse.ArgumentParser()
    command.configure(parser)
    command.run(parser.parse_args([str(argument) for argument in arguments]))


def draw_figure(disk: Disk, name: str, folder: Path) -> None:
    call(
        draw_figure_command,
        *("--settings", json.dumps(disk.plan(name)), "--style", REPORT / "style.mplstyle"),
        *("--tables", *disk.drawn_from()[name]),
        *(x for kind in ("svg", "png", "csv") for x in (f"--{kind}", folder / f"{name}.{kind}")),
    )


def draw_sheet(disk: Disk, dataset: str, folder: Path) -> None:
    call(
        draw_contact_sheet,
        *("--settings", '{"labels":3,"images":4}', "--data", disk.data(dataset)),
        *("--image", folder / f"sheet_{dataset}.png", "--table", folder / f"sheet_{dataset}.csv"),
    )


def render_page(disk: Disk, page: Path | None = None) -> str:
    page = page or disk.page
    call(
        render_report,
        *("--settings", disk.page_settings(), "--templates", REPORT, "--results", disk.results),
        *("--people", disk.people, "--humans", HUMANS),
        *("--audit", disk.audit, "--figures", disk.figures, "--page", page),
        *("--manifests", *(disk.data(d) / "manifest.parquet" for d in disk.study.datasets)),
        *("--cards", *(disk.checkpoint(m) / "model.json" for m in disk.study.models())),
        *("--accepted", *sorted(disk.folder.glob("accepted*.csv"))),
    )
    return page.read_text("utf-8")


def stub_pictures(disk: Disk) -> None:
    """Files in the places of the pictures, where a test is about the page around them."""
    disk.figures.mkdir(parents=True, exist_ok=True)
    for name in disk.drawn_from():
        (disk.figures / f"{name}.svg").write_text('<svg viewBox="0 0 30 20"></svg>', "utf-8")
        (disk.figures / f"{name}.csv").write_text("value\n", "utf-8")
    for dataset in disk.study.datasets:
        Image.new("RGB", (3, 2)).save(disk.figures / f"sheet_{dataset}.png")


def draw_all(disk: Disk) -> None:
    """All pictures of a study's page."""
    for name in disk.drawn_from():
        draw_figure(disk, name, disk.figures)
    for dataset in disk.study.datasets:
        draw_sheet(disk, dataset, disk.figures)
