"""Models beside people, only where both were tested on the same images by the same protocol.

A result of people is comparable where a data set of the study is the published one, whole and as published, and the
protocol is the one people were tested by. All else is listed with the reason why it is not.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from unispace.config.base import IDENTITY_DOMAINS
from unispace.config.datasets import Dataset, RegisteredSource
from unispace.config.studio import StudioSource
from unispace.evaluation.tasks import TASK_EXPERIMENTS
from unispace.records.humans import COMPARISON_SCHEMA

TEST_SPLIT = "test-split"
OWN = "own"
OVER_ALL = "all"
# How the classes are learnt is the model's affair; the strongest reading comes first.
_CLASSIFIERS = ("linear-probe", "knn-")

Row = dict[Hashable, Any]


@dataclass(frozen=True)
class _Answer:
    """What can be compared on a data set: (row of the results, row of the humans); or why nothing can."""

    pairs: list[tuple[Row, Row]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def compare(
    results: pd.DataFrame,
    humans: pd.DataFrame,
    datasets: Mapping[str, Dataset],
    split: str = "test",
) -> pd.DataFrame:
    """Put each model beside the human results of each data set.

    Args:
        results: tidy rows; those of changes and analyses are not of one data set, and are passed over.
        humans: from `records.humans.read_humans`.
        datasets: the study's data sets.
        split: the split that was tested.

    Returns:
        Rows of `records.humans.COMPARISON_SCHEMA` in the order of the results: one for each human result that a model
        is comparable with, one with the reason for each data set on which there is none, and two for each model over
        all data sets, see `over_tasks`.
    """
    levels = results[results["experiment"].isin(TASK_EXPERIMENTS)]
    single = levels[levels["model"].notna() & levels["source"].isna()]
    rows: list[Row] = []
    for model, of_model in single.groupby("model", sort=False):
        mine: list[Row] = []
        for dataset, tested in of_model.groupby("dataset", sort=False):
            answer = _answer(tested, humans, datasets[str(dataset)], split)
            mine += [_beside(found, human) for found, human in answer.pairs]
            if not answer.pairs:
                why = "; ".join(dict.fromkeys(answer.reasons))
                mine.append(_empty(str(model), str(dataset), f"not comparable: {why}"))
        rows += [*mine, *over_tasks(str(model), mine)]
    table = pd.DataFrame(rows, columns=list(COMPARISON_SCHEMA.names))
    return table.astype({"n": "Int64"})


def over_tasks(model: str, rows: list[Row]) -> Iterator[Row]:
    """A model against people over all comparable tasks.

    `tasks above human`: the share of the tasks in which its interval lies above the human result. `normalised score`:
    the mean of (value - chance) / (human - chance), in which people score 1 and guessing 0. Its interval adds the
    tasks' intervals in quadrature, as those of independent data sets, and takes the human results as exact.

    Args:
        model: its name.
        rows: its rows of a comparison.

    Yields:
        Both as rows; `not available` where no task is comparable, or chance is not known in one.
    """
    about = {"model": model, "dataset": OVER_ALL, "protocol": "multi-task", "source": None}
    found = [row for row in rows if row["status"] == "comparable"]
    why = "" if found else "no task is comparable"
    if found and any(math.isnan(row["chance"]) for row in found):
        why = "chance is not known in every task"
    if why:
        for metric in ("tasks above human", "normalised score"):
            yield {**_empty(model, OVER_ALL, f"not available: {why}"), **about, "metric": metric}
        return
    value, lower, upper, chance, human = (
        np.array([row[name] for row in found], float)
        for name in ("value", "lower", "upper", "chance", "human")
    )
    score = (value - chance) / (human - chance)
    below, above = ((end / (human - chance)) for end in (value - lower, upper - value))
    mean, n = float(score.mean()), len(found)
    common = {
        **about,
        "certainty": "read" if all(row["certainty"] == "read" for row in found) else "second-hand",
        "human": 1.0,
        "n": n,
        "status": "comparable",
    }
    wins = float(np.mean([row["above"] for row in found]))
    yield {**_empty(model, OVER_ALL, ""), **common, "metric": "tasks above human", "value": wins}
    ends = mean - float(np.hypot.reduce(below)) / n, mean + float(np.hypot.reduce(above)) / n
    yield {
        **_empty(model, OVER_ALL, ""),
        **common,
        "metric": "normalised score",
        "value": mean,
        "lower": ends[0],
        "upper": ends[1],
        "chance": 0.0,
        "above": ends[0] > 1,
    }


def _answer(tested: pd.DataFrame, humans: pd.DataFrame, dataset: Dataset, split: str) -> _Answer:
    """What of the results of a model on a data set can be compared."""
    source = dataset.source
    if isinstance(source, StudioSource):
        return _Answer(reasons=["no person was tested on this rendered set"])
    if not isinstance(source, RegisteredSource):
        return _Answer(
            reasons=[f"a source of kind {source.kind} is not known to be a published set"]
        )
    known = humans[humans["dataset"] == source.name].to_dict("records")
    if not known:
        return _Answer(reasons=[f"no human result on {source.name} is listed"])
    answer = _Answer()
    for human in known:
        found, why = _match(tested, human, dataset, split)
        if found is None:
            answer.reasons.append(why)
        else:
            answer.pairs.append((found, human))
    return answer


def _match(
    tested: pd.DataFrame, human: Row, dataset: Dataset, split: str
) -> tuple[Row | None, str]:
    """The row of the results that a human result can stand beside, else the reason why there is none."""
    protocol, metric = human["protocol"], human["metric"]
    if isinstance(human["altered"], str):
        return None, f"people saw images {human['altered']}"
    if protocol == OWN:
        return None, f"people were tested by another protocol ({human['stimuli']})"
    rows = tested[(tested["metric"] == metric) & (tested["status"] == "ok")]
    if protocol == TEST_SPLIT:
        problem = whole_test_split(dataset, split)
        if problem:
            return None, problem
        rows = rows[rows["experiment"] == "classification"]
        for start in _CLASSIFIERS:
            taken = rows[rows["protocol"].str.fullmatch(f"{start}\\d*")]
            if len(taken):
                return taken.to_dict("records")[0], ""
        return None, f"{metric} was not measured on the test split"
    if dataset.domain not in IDENTITY_DOMAINS:
        return None, f"{protocol} takes identities"
    rows = rows[(rows["experiment"] == "verification") & (rows["protocol"] == protocol)]
    if len(rows):
        return rows.to_dict("records")[0], ""
    if (tested["protocol"] == f"{protocol}-part").any():
        return None, f"only a part of the pairs of {protocol} was tested"
    return None, f"{metric} by {protocol} was not measured"


def whole_test_split(dataset: Dataset, split: str) -> str:
    """Why the tested split of a data set is not the published one; empty where it is."""
    if dataset.splits.by != "manifest":
        return "the test split is not the published one; use `by: manifest` in its splits"
    fewer = (
        split != "test",
        dataset.max_labels,
        dataset.max_images_per_label,
        dataset.min_images_per_label > 1,
        dataset.splits.hold_out,
        dataset.splits.rename,
        dataset.splits.column != "split",
    )
    return (
        "the test split is only a part of the published one, or another one" if any(fewer) else ""
    )


def _beside(found: Row, human: Row) -> Row:
    """A row in which a model and people can be compared."""
    top = human["upper"] if math.isfinite(human["upper"]) else human["value"]
    kept = ("model", "dataset", "protocol", "metric", "value", "lower", "upper", "chance", "n")
    return {
        **{name: found[name] for name in kept},
        "human": human["value"],
        "source": f"{human['source']} {human['year']}",
        "certainty": human["certainty"],
        "above": bool(found["lower"] > top),
        "status": "comparable",
    }


def _empty(model: str, dataset: str, status: str) -> Row:
    return {
        **dict.fromkeys(("value", "lower", "upper", "chance", "human"), math.nan),
        **{"model": model, "dataset": dataset, "protocol": "", "metric": "", "source": None},
        **{"certainty": None, "above": None, "n": None, "status": status},
    }
