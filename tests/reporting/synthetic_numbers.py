"""Rows of results drawn at random, as good as one would expect of the models."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from synthetic_disk import Disk

from unispace.config.analysis import analysed_datasets, analysed_domains
from unispace.config.study import Study

DIVERGED = "dinov3-micro/concat/seed0"


def is_wide(study: Study) -> bool:
    """Whether it is that of `curriculum_config`, with more protocols and with changes."""
    return len(study.curricula) > 10


def skill_of(disk: Disk, model: str, dataset: str, strength: int) -> float:
    """How good a model is made: in the full study as one would expect, else by its place."""
    curriculum = model.split("/")[1]
    if not is_wide(disk.study):
        return 0.4 + 0.15 * (strength % 4)
    domain = disk.study.datasets[dataset].domain
    if curriculum.startswith("expert-"):
        return 0.8 if curriculum == f"expert-{domain}" else 0.45
    levels = {"base": 0.5, "random": 0.15, "sequential": 0.55, "alternate": 0.7}
    return levels.get(curriculum, 0.78)


def changes(disk: Disk, rows: list[dict], rng: np.random.Generator) -> None:
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


def measures(disk, dataset, about, skill, rng, rows, curves) -> None:
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
        if dataset == "objects" and is_wide(settings):
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


def separability(disk: Disk, rng: np.random.Generator, rows: list[dict]) -> None:
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
