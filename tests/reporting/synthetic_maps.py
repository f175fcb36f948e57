"""The part of a synthetic study that is about maps between models: rows and curves as the commands leave them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from unispace.config.methods import CEILING
from unispace.config.study import Study

METRICS = ("Rank-1", "AUC", "TMR@FMR=0.01")
_WORLDS = ("rotation", "image-only")


def compatibility_config(config: dict[str, Any]) -> dict[str, Any]:
    """A study of five models in two families, on a data set and from it to another."""
    network = config["backbones"]["eva02-micro"]
    curricula = {name: config["curricula"][name] for name in ("base", "expert-face_hq")}
    foreign = {"kind": "file", "path": "edge-casia.safetensors", "sha256": "0" * 64}
    trained = ("clip-micro", "dinov3-micro", "eva02-micro")
    families = {
        "face": [f"{b}/expert-face_hq/seed0" for b in trained],
        "all-purpose": ["clip-micro/base/seed0", "edge/base/seed0"],
    }
    return config | {
        "backbones": {
            **dict.fromkeys(trained, network),
            "edge": network | {"weights": foreign, "curricula": ["base"]},
        },
        "curricula": curricula,
        "maps": {
            "families": families,
            "datasets": ["faces"],
            "across": [{"fit": "faces", "test": "faces_lq", "shared": "divide"}],
            # Neither in the order of the alphabet nor in that of their freedom.
            "methods": {
                "ridge": {"alpha": 0.1},
                "turned": {"kind": "procrustes", "reflections": False},
                "baseline": {},
                "linear": {},
                "cca": {},
            },
        },
    }


def diverged_config(config: dict[str, Any]) -> dict[str, Any]:
    """Three mapped models, of which one failed in training."""
    network = config["backbones"]["eva02-micro"]
    tuned = config["curricula"]["expert-face_hq"]
    return config | {
        "backbones": {"dinov3-micro": network},
        "curricula": {"base": {}, "expert-face_hq": tuned, "concat": tuned},
        "maps": {
            "families": {
                "whole": ["dinov3-micro/base/seed0", "dinov3-micro/expert-face_hq/seed0"],
                "broken": ["dinov3-micro/concat/seed0"],
            },
            "datasets": ["faces"],
            "methods": {"baseline": {}, "procrustes": {}},
        },
    }


def methods_of(study: Study) -> list[list[Any]]:
    """Methods with their settings, as METHODS in workflow/rules/report.smk."""
    return [[name, method.model_dump(mode="json")] for name, method in study.maps.methods.items()]


def map_settings(study: Study) -> dict[str, Any]:
    """What a figure about maps knows, as MAPPED in workflow/rules/report.smk."""
    return {
        "methods": list(study.maps.methods),
        "shown": study.maps.methods_shown(),
        "families": list(study.maps.family_of().items()),
        "protocols": [*study.maps.identification, *study.maps.verification],
    }


def map_rows(
    study: Study, rng: Generator, failed: Mapping[str, str] | None = None
) -> tuple[list[dict[str, Any]], list[pd.DataFrame]]:
    """Rows and curves of all maps of a study.

    Args:
        study: the study.
        rng: draws the numbers.
        failed: why models failed, by their name.
    """
    if not study.map_pairs():
        return [], []
    rows, curves, methods = [], [], list(study.maps.methods)
    family_of = study.maps.family_of()
    failed = {model: why for model, why in (failed or {}).items() if model in family_of}
    for fitting in study.maps.fittings().values():
        about = {"study": study.study, "fitted_on": fitting.fit, "dataset": fitting.test}
        pairs = [
            *((s, t, m, i) for s, t in study.map_pairs() for i, m in enumerate(methods)),
            *((m, m, CEILING, len(methods) + 1) for m in study.maps.mapped()),
        ]
        for source, target, method, strength in pairs:
            bonus = 0.12 * (family_of[source] == family_of[target])
            skill = float(np.clip(0.05 + 0.17 * strength + bonus + 0.04 * rng.normal(), 0.02, 0.97))
            cell = about | {"source": source, "target": target, "method": method}
            end = next((m for m in (source, target) if m in failed), "")
            why = f"failed: {end}: {failed[end]}" if end else "ok"
            found = [*_strict(study, cell, skill, rng), *_paper(cell, skill, method, "paper")]
            rows += [_blank(row, why) for row in found]
            if why == "ok":
                curves += _curves(study, cell, skill)
        rows += list(_families(study, about, methods, rng, failed))
    rows += list(_planted(study))
    for number, row in enumerate(rows):
        row["model"], row["seed"], row["origin"] = None, study.seed, f"{number:064x}"
    return rows, curves


def _row(cell: Mapping[str, Any], experiment: str, protocol: str, metric: str, value: float,
         *, half: float = 0.03, chance: float | None = None, n: int = 270,
         unit: str = "identity") -> dict[str, Any]:  # fmt: skip
    return dict(cell) | {
        "experiment": experiment,
        "protocol": protocol,
        "metric": metric,
        "value": value,
        "lower": value - half,
        "upper": value + half,
        "chance": chance,
        "n": n,
        "unit": unit,
        "status": "ok",
    }


def _blank(row: dict[str, Any], status: str) -> dict[str, Any]:
    if status == "ok":
        return row
    return row | {"value": None, "lower": None, "upper": None, "status": status}


def _strict(
    study: Study, cell: Mapping[str, Any], skill: float, rng: Generator, experiment: str = ""
) -> Iterator[dict[str, Any]]:
    for protocol in study.maps.identification:
        known = 1.0 if protocol == "paper" else 0.9 if protocol == "self-excluded" else 0.8
        chance = 1 / 30
        for metric, value in (("Rank-1", skill * known), ("mAP", skill * known * 0.9)):
            half = 0.02 + 0.02 * rng.random()
            yield _row(
                cell, experiment or "identification", protocol, metric, value,
                half=half, chance=chance, n=1_200 if protocol == "enrol-one" else 1_350,
            )  # fmt: skip
    for protocol in study.maps.verification:
        for metric, value, chance in (
            ("AUC", 0.5 + skill / 2, 0.5),
            ("EER", 0.5 - skill / 2, 0.5),
            *((f"TMR@FMR={f:g}", skill * f**0.1, f) for f in study.evaluation.fmr),
        ):
            half = 0.01 + 0.02 * rng.random()
            yield _row(
                cell, experiment or "verification", protocol, metric, value,
                half=half, chance=chance, n=40_000,
            )  # fmt: skip


def _paper(
    cell: Mapping[str, Any], skill: float, method: str, experiment: str
) -> Iterator[dict[str, Any]]:
    if method == CEILING:
        return
    for metric in METRICS:
        mean, spread = skill * 0.99, 0.011 + 0.01 * skill
        yield _row(cell, experiment, "paper-splits", metric, mean, half=0.04, unit="split")
        name = f"{metric}-SD"
        yield _row(cell, experiment, "paper-splits", name, spread, half=0.0, unit="split")


def _families(
    study: Study,
    about: Mapping[str, Any],
    methods: list[str],
    rng: Generator,
    failed: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    families = list(dict.fromkeys(study.maps.family_of().values()))
    broken = {study.maps.family_of()[m]: f"failed: 1 of 9 maps: {why}" for m, why in failed.items()}
    for source, target in itertools.product(families, families):
        status = broken.get(source, broken.get(target, "ok"))
        tested = [*methods, CEILING] if source == target else methods
        for strength, method in enumerate(tested):
            cell = dict(about) | {"source": source, "target": target, "method": method}
            skill = float(np.clip(0.05 + 0.16 * strength + 0.03 * rng.normal(), 0.03, 0.97))
            for row in _strict(study, cell, skill, rng, "families"):
                yield _blank(row, status)
                if method not in ("baseline", CEILING) and row["metric"] in METRICS:
                    gain = row | {"metric": f"{row['metric']}-gain", "chance": None}
                    shift = 0.16 * strength
                    yield _blank(
                        gain | {"value": shift, "lower": shift - 0.02, "upper": shift + 0.03},
                        status,
                    )
            for row in _paper(cell, skill, method, "families-paper"):
                yield _blank(row, status)


def _curves(study: Study, cell: Mapping[str, Any], skill: float) -> list[pd.DataFrame]:
    names = ("fitted_on", "dataset", "source", "target", "method")
    about = {name: cell[name] for name in names} | {"model": None}
    ranks = np.arange(1, 31.0)
    y = skill ** (1 / ranks)
    fmr = np.append(0.0, np.geomspace(1e-5, 1, 60))
    cmc = {"x": ranks, "y": y, "lower": y * 0.95, "upper": np.minimum(1, y * 1.04)}
    roc = {"x": fmr, "y": np.maximum(skill * fmr**0.1, fmr), "lower": np.nan, "upper": np.nan}
    found = []
    for experiment, protocols, points in (
        ("identification", study.maps.identification, cmc),
        ("verification", study.maps.verification, roc),
    ):
        for protocol in protocols:
            frame = pd.DataFrame(points)
            found.append(frame.assign(experiment=experiment, protocol=protocol, **about))
    return found


def _planted(study: Study) -> Iterator[dict[str, Any]]:
    """What the truth demands: chance for the baseline and for models without identity, save of the paper."""
    if not study.maps.planted:
        return
    for world, method in itertools.product(_WORLDS, ("baseline", "procrustes", "ridge")):
        cell = {
            "study": study.study, "fitted_on": world, "dataset": world, "method": method,
            "source": "planted/source", "target": "planted/target",
        }  # fmt: skip
        able = method != "baseline"
        for protocol in ("enrol-one", "self-excluded", "paper"):
            found = able and (world == "rotation" or protocol == "paper")
            value = 0.9 if found else 1 / 120
            yield _row(cell, "planted", protocol, "Rank-1", value, half=0.008, chance=1 / 120)
        yield _row(cell, "planted", "all-pairs", "AUC", 0.95 if able else 0.5, chance=0.5)
        if method != "ridge" or world == "image-only":
            value = 0.88 if able and world == "rotation" else 1 / 120
            yield _row(cell, "planted", "theory", "Rank-1", value, half=0.0, unit="theory")
