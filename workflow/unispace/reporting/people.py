"""Models beside people, as the page shows them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from unispace.reporting.looks import in_order, short_names
from unispace.reporting.tables import Cell, cell_of, number

COMPARABLE = "comparable"


@dataclass(frozen=True)
class PeopleLine:
    """A model, or all of them, on a data set beside people.

    Attributes:
        dataset, about: data sets, and the model; `all models` where one reason holds for all.
        measured: metric and protocol; empty where nothing is comparable.
        ours: the model's value.
        human, source: theirs, and where it was published.
        said: "above", "not above", or why the two are not compared.
    """

    dataset: str
    about: str
    measured: str
    ours: Cell | None
    human: str
    source: str
    said: str


@dataclass(frozen=True)
class Published:
    """A published result of people."""

    task: str
    stimuli: str
    measured: str
    value: str
    source: str
    certainty: str


def published(humans: pd.DataFrame) -> list[Published]:
    """The published results, in the order of their table."""
    return [
        Published(
            task=row["task"],
            stimuli=row["stimuli"]
            + (f", {row['altered']}" if isinstance(row["altered"], str) else ""),
            measured=row["metric"],
            value=number(row["value"])
            + (f" [{number(row['lower'])}, {number(row['upper'])}]" if row["lower"] > 0 else ""),
            source=f"{row['source']} {row['year']}",
            certainty=row["certainty"],
        )
        for row in humans.to_dict("records")
    ]


def _ours(row: Mapping[Hashable, Any]) -> Cell:
    # The share of tasks in which a model is above people counts them, and is not resampled.
    fixed = "" if row["lower"] == row["lower"] else "a count of tasks"
    return cell_of({**row, "n": row["n"], "status": "ok"}, fixed=fixed)


def people_lines(
    comparison: pd.DataFrame, models: Sequence[str], datasets: Sequence[str]
) -> list[PeopleLine]:
    """The comparison by data set; a reason that holds for all models is told once."""
    names = short_names(in_order(comparison["model"], models))
    lines = []
    for dataset in in_order(comparison["dataset"], datasets):
        here = comparison[comparison["dataset"] == dataset]
        known = here[here["status"] == COMPARABLE].to_dict("records")
        for row in sorted(known, key=lambda row: list(names).index(row["model"])):
            lines.append(
                PeopleLine(
                    dataset,
                    names[row["model"]],
                    f"{row['metric']}, {row['protocol']}",
                    _ours(row),
                    number(row["human"]),
                    row["source"] if isinstance(row["source"], str) else "",
                    "" if row["above"] is None else "above" if row["above"] else "not above",
                )
            )
        others = here[here["status"] != COMPARABLE]
        for status, rows in others.groupby("status", sort=True):
            whole = len(set(rows["model"])) == len(names)
            about = (
                "all models" if whole else ", ".join(names[m] for m in dict.fromkeys(rows["model"]))
            )
            lines.append(PeopleLine(dataset, about, "", None, "", "", str(status)))
    return _together(lines)


def _together(lines: Sequence[PeopleLine]) -> list[PeopleLine]:
    """What is not compared on several data sets for one reason stands in one line, where the first of them stood."""
    told: dict[object, PeopleLine] = {}
    for place, line in enumerate(lines):
        key = place if line.ours else (line.about, line.said)
        before = told.get(key)
        told[key] = replace(line, dataset=f"{before.dataset}, {line.dataset}") if before else line
    return list(told.values())
