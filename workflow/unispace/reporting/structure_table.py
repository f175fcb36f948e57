"""What the compatibility of all models says of families, dimensions and single models, a line a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from unispace.analysis.structure import (
    AGREEMENT,
    BETWEEN,
    BY_GAP,
    BY_OWN,
    COPHENETIC,
    DIFFERENCE,
    P_VALUE,
    WITHIN,
)
from unispace.reporting.looks import in_order
from unispace.reporting.map_structure import COMPATIBILITY, main_methods
from unispace.reporting.tables import Cell, cell_of

_CLAIMS = {
    WITHIN: "Between two models of one family, mean of all pairs and both ways",
    BETWEEN: "Between two models of different families, mean of all pairs and both ways",
    DIFFERENCE: "Are models of one family more compatible? Difference of the two",
    AGREEMENT: "Are the clusters of the dendrogram the families? Adjusted Rand index",
    BY_GAP: "Do both directions differ more, the further the dimensions are apart? Spearman's rho",
    BY_OWN: "Is a model a better target, the higher its own ceiling? Spearman's rho",
    COPHENETIC: "Does the dendrogram keep the distances? Cophenetic correlation",
}


@dataclass(frozen=True)
class Finding:
    """One finding, by each of a few maps.

    Attributes:
        tested: what the maps were fitted and tested on.
        claim: in words; where it is tested, the p value is that of its being as strong by chance.
        of: metric and protocol of the matrix.
        cells: by each method the number and its p value; None where it has none.
    """

    tested: str
    claim: str
    of: str
    cells: tuple[tuple[Cell | None, Cell | None], ...]


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


def _cell(rows: pd.DataFrame, method: str, metric: str) -> tuple[Cell | None, Cell | None]:
    mine = {row["metric"]: row for row in rows[rows["method"] == method].to_dict("records")}
    row, p = mine.get(metric), mine.get(metric + P_VALUE)
    if row is None:
        return None, None
    return cell_of(row), cell_of(p) if p is not None and p["status"] == "ok" else None
