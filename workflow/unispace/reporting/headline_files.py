"""The few numbers of a study that DVC compares between two commits: small files in Git, not the whole table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from unispace.evaluation.gelo import EXPERIMENT as GELO
from unispace.evaluation.gelo import GENERAL
from unispace.evaluation.tasks import ATTACK_DETECTION
from unispace.reporting.headline import Measured, headline, rows_of
from unispace.reporting.looks import in_order

MODEL = "model"
_DIGITS = 6


def headline_numbers(
    results: pd.DataFrame, models: Sequence[str], datasets: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """What stands for each model: on every data set its headline metrics, D-EER of attacks, and GELO.

    Args:
        results: tidy rows.
        models: the study's order.
        datasets: likewise.

    Returns:
        For each model its numbers by data set and metric, with six digits; the reason, as text, of a failed one.
    """
    of_models = results[results["model"].notna()]
    single = of_models[of_models["source"].isna()]
    wanted = headline(single, datasets, one_protocol=True)
    for dataset in in_order(single["dataset"], datasets):
        wanted += _present(single, ATTACK_DETECTION, dataset, "probe", "D-EER")
    wanted += _present(of_models, GELO, GENERAL, "linear-probe", "GELO")
    found: dict[str, dict[str, Any]] = {model: {} for model in in_order(single["model"], models)}
    for measured in wanted:
        rows = of_models if measured.experiment == GELO else single
        for row in rows_of(rows, measured).to_dict("records"):
            ok = row["status"] == "ok"
            number = float(f"{row['value']:.{_DIGITS}g}") if ok else row["status"]
            found[row["model"]][f"{measured.dataset} {measured.metric}"] = number
    return found


def headline_table(numbers: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """The same as a table, a row for each model and a column for each number; empty where it failed."""
    names = list(dict.fromkeys(name for found in numbers.values() for name in found))
    rows = [
        {MODEL: model, **{n: v for n, v in found.items() if not isinstance(v, str)}}
        for model, found in numbers.items()
    ]
    return pd.DataFrame(rows, columns=[MODEL, *names])


def _present(
    rows: pd.DataFrame, experiment: str, dataset: str, protocol: str, metric: str
) -> list[Measured]:
    measured = Measured(dataset, experiment, protocol, metric)
    return [measured] if len(rows_of(rows, measured)) else []
