"""Rows about the structure and the geometry of maps: which stand for a study where there is room for few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from unispace.config.methods import BASELINE, CEILING
from unispace.reporting.map_rows import rows_of_maps

COMPATIBILITY = "compatibility"
"""Experiment: what is said of a matrix of models, the metric of the matrix before the name of each number."""
PAIR_ANALYSES = ("similarity", "centroids", "geometry")
"""Experiments whose rows are of one ordered pair of models."""
_PREFERRED = ("procrustes", "ridge")


def main_methods(present: Iterable[str], order: Sequence[str]) -> list[str]:
    """At most two maps that stand for all: procrustes and ridge, else the first ones that are no baseline."""
    found = [method for method in order if method in set(present)]
    fitted = [method for method in found if method != BASELINE] or found
    chosen = [method for method in _PREFERRED if method in fitted]
    chosen += [method for method in fitted if method not in chosen]
    return [method for method in fitted if method in chosen[:2]]


def first_fitting(rows: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Of `results` what was fitted and tested on the data sets that `rows` are about."""
    fitted_on, dataset = rows[["fitted_on", "dataset"]].iloc[0]
    return results[(results["fitted_on"] == fitted_on) & (results["dataset"] == dataset)]


def matrix_of(rows: pd.DataFrame, method: str, metric: str, protocol: str) -> pd.DataFrame:
    """Rows of one map for each ordered pair of models, and their ceilings."""
    rows = rows_of_maps(rows)
    return rows[
        rows["method"].isin([method, CEILING])
        & (rows["metric"] == metric)
        & (rows["protocol"] == protocol)
    ]


def by_family(models: Iterable[str], families: Mapping[str, str]) -> list[str]:
    """Models in the order of the study, those of one family together."""
    found = set(models)
    order = list(dict.fromkeys(families.values()))
    return sorted((m for m in families if m in found), key=lambda m: order.index(families[m]))


def family_pairs(families: Mapping[str, str]) -> list[tuple[str, str]]:
    """Ordered pairs of families (of source and target) between which there are maps."""
    names = list(families.values())
    order = list(dict.fromkeys(names))
    return [(a, b) for a in order for b in order if a != b or names.count(a) > 1]
