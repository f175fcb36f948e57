"""What the compatibility of all models says of families, dimensions and single models, a line a finding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from unispace.reporting.looks import in_order
from unispace.reporting.map_structure import COMPATIBILITY, main_methods
from unispace.reporting.tables import Cell, cell, number

_CLAIMS = {
    "within": "Between two models of one family, mean of all pairs and both ways",
    "between": "Between two models of different families, mean of all pairs and both ways",
    "within - between": "Models of one family are more compatible, by",
    "cluster agreement": "Clusters of the dendrogram are the families: adjusted Rand index",
    "asymmetry by dimension gap": "The further two dimensions are apart, the more the directions differ: Spearman's rho",
    "incoming by own": "The higher a model's own ceiling, the better it is as a target: Spearman's rho",
    "cophenetic": "The dendrogram keeps the distances: cophenetic correlation",
}
_NO_RESAMPLES = ("tree",)
_P_VALUE = "-p"


@dataclass(frozen=True)
class Finding:
    """One finding, by each of a few maps.

    Attributes:
        tested: what the maps were fitted and tested on.
        claim: in words; where it is tested, the p value is that of its being as strong by chance.
        of: metric and protocol of the matrix.
        cells: by each method the number and, as shown, its p value; empty where it has none.
    """

    tested: str
    claim: str
    of: str
    cells: tuple[tuple[Cell | None, str], ...]


@dataclass(frozen=True)
class Findings:
    """The table: its methods across, and a line a finding."""

    methods: tuple[str, ...]
    lines: tuple[Finding, ...]


def findings_table(
    results: pd.DataFrame, methods: Sequence[str], datasets: Sequence[str]
) -> Findings:
    """The findings by the first metric that was taken, of at most two maps.

    Args:
        results: tidy rows.
        methods: of maps, in the study's order.
        datasets: in the study's order.
    """
    rows = results[(results["experiment"] == COMPATIBILITY) & results["model"].isna()]
    if rows.empty:
        return Findings((), ())
    metric = "Rank-1" if rows["metric"].str.startswith("Rank-1 ").any() else "AUC"
    rows = rows[rows["metric"].str.startswith(f"{metric} ")]
    shown = main_methods(rows["method"], methods)
    lines = []
    for fit in in_order(rows["fitted_on"], datasets):
        for test in in_order(rows[rows["fitted_on"] == fit]["dataset"], datasets):
            here = rows[(rows["fitted_on"] == fit) & (rows["dataset"] == test)]
            tested = test if fit == test else f"{fit} to {test}"
            for name, claim in _CLAIMS.items():
                cells = tuple(_cell(here, method, f"{metric} {name}") for method in shown)
                if any(found for found, _ in cells):
                    of = f"{metric}, {here['protocol'].iloc[0]}"
                    lines.append(Finding(tested, claim, of, cells))
    return Findings(tuple(shown), tuple(lines))


def _cell(rows: pd.DataFrame, method: str, metric: str) -> tuple[Cell | None, str]:
    mine = rows[rows["method"] == method].set_index("metric")
    if metric not in mine.index:
        return None, ""
    row = mine.loc[metric]
    bare = row["unit"] in _NO_RESAMPLES
    ends = (math.nan, math.nan) if bare else (row["lower"], row["upper"])
    shown = cell(row["value"], *ends, int(row["n"]), str(row["status"]))
    tested = metric + _P_VALUE in mine.index and mine.loc[metric + _P_VALUE, "status"] == "ok"
    return shown, number(float(mine.loc[metric + _P_VALUE, "value"])) if tested else ""
