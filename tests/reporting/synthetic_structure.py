"""The structure and the geometry of synthetic maps, as the commands leave them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from unispace.analysis.compatibility import Compatibility
from unispace.analysis.structure import structure
from unispace.config.methods import CEILING
from unispace.config.study import Study
from unispace.evaluation.measure import Measure
from unispace.evaluation.tidy import Cell
from unispace.evaluation.tidy import rows as tidy
from unispace.records.results import ASYMMETRY_SCHEMA, GEOMETRY_SCHEMA, LINKAGE_SCHEMA

FIGURES = ("maps_structure", "maps_centrality", "maps_geometry", "maps_similarity")
_DIMENSION = 12


@dataclass(frozen=True)
class Told:
    """Tidy rows, and the tables of the first fitting by their names."""

    rows: list[pd.DataFrame]
    tables: dict[str, pd.DataFrame]


def structure_tables(study: Study, scores: pd.DataFrame, rng: Generator) -> Told:
    """Make of the rows of all maps what the two commands make."""
    families, methods = study.maps.family_of(), list(study.maps.published())
    number = ("identification", study.maps.identification[0], "Rank-1")
    rows: list[pd.DataFrame] = []
    tables: dict[str, list[pd.DataFrame]] = {"linkage": [], "asymmetry": [], "geometry": []}
    for place, fitting in enumerate(study.maps.fittings().values()):
        told = {"fitted_on": fitting.fit, "dataset": fitting.test}
        cell = Cell(study.study, fitting.test, study.seed, "0" * 64, fitted_on=fitting.fit)
        here = scores[(scores["fitted_on"] == fitting.fit) & (scores["dataset"] == fitting.test)]
        for column, wanted in zip(("experiment", "protocol", "metric"), number, strict=True):
            here = here[here[column] == wanted]
        dimension = {model: 64 * (1 + i % 3) for i, model in enumerate(families)}
        for method in methods:
            matrix = Compatibility.of(here[here["method"].isin([method, CEILING])], list(families))
            found = structure(matrix, families, dimension, 200, lambda _: np.random.default_rng(0))
            about = replace(cell, experiment="compatibility", protocol=number[1], method=method)
            for model, measures in {None: found.findings, **found.models}.items():
                named = [replace(m, metric=f"Rank-1 {m.metric}") for m in measures]
                rows.append(tidy(replace(about, model=model), named))
            names = {**told, "method": method, "protocol": number[1], "metric": "Rank-1"}
            if place == 0:
                tables["linkage"].append(found.merges.assign(**names))
                tables["asymmetry"].append(found.pairs.assign(**names))
        broken = set(here[here["status"] != "ok"][["source", "target"]].itertuples(index=False))
        for pair in itertools.permutations(families, 2):
            why = "failed: the loss was nan" if pair in broken else "ok"
            rows += list(_effects(cell, pair, methods, why, rng))
            if place == 0:
                tables["geometry"] += list(_components(told, pair, methods, why, rng))
    schemas = {
        "linkage": LINKAGE_SCHEMA,
        "asymmetry": ASYMMETRY_SCHEMA,
        "geometry": GEOMETRY_SCHEMA,
    }
    return Told(
        rows,
        {
            name: pd.concat(
                [part for part in parts if len(part)] or [schemas[name].empty_table().to_pandas()],
                ignore_index=True,
            )
            for name, parts in tables.items()
        },
    )


def _effects(
    cell: Cell, pair: tuple[str, str], methods: list[str], why: str, rng: Generator
) -> Iterator[pd.DataFrame]:
    for method in (None, *methods):
        about = replace(cell, source=pair[0], target=pair[1], method=method, protocol="test-images")
        values = 0.2 + 0.6 * rng.random(3)
        found = [
            _measure(m, v, why) for m, v in zip(("RSA", "CKA", "CKA-debiased"), values, strict=True)
        ]
        yield tidy(replace(about, experiment="similarity"), found)
        if method not in (None, "baseline"):
            share = _measure("rotation share", float(rng.random()), why)
            yield tidy(replace(about, experiment="geometry", protocol="fitted-map"), [share])


def _measure(metric: str, value: float, why: str) -> Measure:
    if why != "ok":
        return Measure.failed(metric, 270, "identity", why.removeprefix("failed: "))
    return Measure(metric, value, value - 0.05, value + 0.05, 270, "identity")


def _components(
    told: dict[str, Any], pair: tuple[str, str], methods: list[str], why: str, rng: Generator
) -> Iterator[pd.DataFrame]:
    number = np.arange(1, _DIMENSION + 1)
    for method in methods:
        table = pd.DataFrame(
            {
                **told,
                "source": pair[0],
                "target": pair[1],
                "method": method,
                "component": number,
                "singular": np.nan if method == "baseline" else 3.0 / number,
                "variance": 1.0 / number,
                "unexplained": rng.random(_DIMENSION),
                "status": why,
            }
        )
        empty = dict.fromkeys(("singular", "variance", "unexplained"), np.nan)
        yield table if why == "ok" else table[:1].assign(component=0, **empty)
