"""Which numbers stand for a data set where there is room for few."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from unispace.evaluation.tasks import TASK_EXPERIMENTS
from unispace.reporting.looks import in_order

_PREFERRED_RATE = 0.01


@dataclass(frozen=True)
class Measured:
    """What was measured: one column of a table, one kind of mark in a figure."""

    dataset: str
    experiment: str
    protocol: str
    metric: str


def operating_point(metrics: Iterable[str], kind: str = "TMR@FMR") -> str | None:
    """The TMR@FMR (or another kind) that is shown: at 0.01, else at the largest rate, which data supports first."""
    points = {float(m.split("=")[1]): m for m in metrics if m.startswith(f"{kind}=")}
    if not points:
        return None
    return points.get(_PREFERRED_RATE, points[max(points)])


def false_match_rate(metric: str) -> float | None:
    """The FMR of a TMR@FMR; by definition also its value by chance."""
    return float(metric.split("=")[1]) if metric.startswith("TMR@FMR=") else None


def headline(
    results: pd.DataFrame,
    datasets: Sequence[str],
    more: Sequence[str] = (),
    *,
    one_protocol: bool = False,
) -> list[Measured]:
    """What is shown of each data set, in the order of `datasets`.

    Args:
        results: tidy rows.
        datasets: the study's order.
        more: further metrics to show, after these.
        one_protocol: of each metric only the first of its protocols, with neighbours before what is fitted.

    Returns:
        Top-1 of objects; accuracy over folds, Rank-1, one TMR@FMR and one DIR@FPIR of identities; each with every
        protocol it was taken by.
    """
    found = []
    # Differences and analyses have tables of their own.
    results = results[results["experiment"].isin(TASK_EXPERIMENTS)]
    for dataset in in_order(results["dataset"], datasets):
        rows = results[results["dataset"] == dataset]
        metrics = rows["metric"].unique()
        points = [operating_point(metrics), operating_point(metrics, "DIR@FPIR")]
        wanted = ["top-1", "accuracy", "Rank-1", *points, *more]
        for metric in wanted:
            taken = rows[rows["metric"] == metric][["experiment", "protocol"]].drop_duplicates()
            ways = sorted(taken.itertuples(index=False, name=None))
            for experiment, protocol in ways[:1] if one_protocol else ways:
                found.append(Measured(dataset, experiment, protocol, str(metric)))
    return found


def rows_of(results: pd.DataFrame, measured: Measured) -> pd.DataFrame:
    """The tidy rows of one thing measured."""
    chosen = (
        (results["dataset"] == measured.dataset)
        & (results["experiment"] == measured.experiment)
        & (results["protocol"] == measured.protocol)
        & (results["metric"] == measured.metric)
    )
    return results[chosen]
