"""Whether pretraining did its work: better than random weights on objects, worse than tuning on faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from unispace.config.study import Study
from unispace.reporting.numbers import Numbers
from unispace.reporting.roles import task_metric, tasks_in_order, tuned_models
from unispace.reporting.tables import Cell


@dataclass(frozen=True)
class CheckLine:
    """One measurement of a backbone before, without and after.

    Attributes:
        backbone, dataset, metric, protocol: what was measured.
        random, base, expert: with random weights, as pretrained, and tuned on this data set.
        claim: what pretraining should have done here, in words.
        holds: "yes", "no" or "undecided", by intervals.
        by: what decided: a paired interval, or two intervals apart.
    """

    backbone: str
    dataset: str
    metric: str
    protocol: str
    random: Cell | None
    base: Cell | None
    expert: Cell | None
    claim: str
    holds: str
    by: str


def pretraining_checks(
    study: Study, results: pd.DataFrame, models: Sequence[str], datasets: Sequence[str]
) -> tuple[CheckLine, ...]:
    """The checks of every backbone that was measured both as pretrained and on what it is compared with."""
    numbers, base = Numbers(results, study), study.base_curriculum()
    random = next((name for name, c in study.curricula.items() if c.untrained), None)
    probes = sorted(set(results.loc[results["experiment"] == "classification", "protocol"]))
    found = []
    for model in tuned_models(study, models):
        if model.curriculum != base:
            continue
        for dataset, expert in tasks_in_order(study, datasets).items():
            metric = task_metric(study.datasets[dataset].domain)
            protocols = (
                [p for p in probes if "/" not in p and not p.endswith("-loo")]
                if metric == "top-1"
                else [None]
            )
            for protocol in protocols:
                names = [random and model.sibling(random), model.name, model.sibling(expert)]
                rows = [n and numbers.level(n, dataset, metric, "", protocol) for n in names]
                if not rows[1]:
                    continue
                cells = [
                    numbers.cell(n, dataset, metric, "", protocol) if n else None for n in names
                ]
                ends = (0, 1) if metric == "top-1" else (1, 2)
                low, high = (names[end] for end in ends)
                paired = protocol in (None, f"knn-{study.evaluation.neighbours}")
                holds, by = _below(numbers, low, high, dataset, metric, protocol, paired)
                found.append(
                    CheckLine(
                        model.backbone
                        if len(study.seeds) == 1
                        else f"{model.backbone}, {model.seed}",
                        dataset,
                        metric,
                        str(rows[1]["protocol"]),
                        *cells,
                        claim="better than random" if metric == "top-1" else "worse than tuned",
                        holds=holds,
                        by=by,
                    )
                )
    return tuple(found)


def _below(
    numbers: Numbers,
    low: str | None,
    high: str | None,
    dataset: str,
    metric: str,
    protocol: str | None,
    paired: bool,
) -> tuple[str, str]:
    """Whether one model is below another; and by what that was decided."""
    if not low or not high:
        return "undecided", "nothing to compare with"
    for first, second, sign in ((high, low, 1), (low, high, -1)):
        row = numbers.change(first, second, dataset, metric) if paired else None
        if row is not None and row["status"] == "ok":
            ends = sorted((sign * row["lower"], sign * row["upper"]))
            return _sign(*ends), "paired interval"
    below, above = (numbers.level(m, dataset, metric, "", protocol) for m in (low, high))
    if below is None or above is None or {below["status"], above["status"]} != {"ok"}:
        return "undecided", "nothing to compare with"
    return _sign(above["lower"] - below["upper"], above["upper"] - below["lower"]), "two intervals"


def _sign(lower: float, upper: float) -> str:
    return "yes" if lower > 0 else "no" if upper < 0 else "undecided"
