"""Tidy rows about maps between models: which of them are shown, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from unispace.config.methods import CEILING
from unispace.evaluation.tasks import CROSS_CAMERA
from unispace.reporting.headline import operating_point
from unispace.reporting.looks import in_order

PAIRS = ("verification", "identification", "open-set")
"""Experiments whose rows are of one ordered pair of models."""
PAPER_PAIRS = ("paper",)
"""The same over the splits of the paper."""
FAMILIES = ("families",)
"""Means over the pairs of two families."""
PAPER_FAMILIES = ("families-paper",)
PLANTED = "planted"
GAIN = "-gain"
"""Behind the name of a metric: what a method adds to the baseline."""
SPREAD = "-SD"
"""Behind the name of a metric: its standard deviation over the splits of the paper."""


class Tested(NamedTuple):
    """What maps are fitted on, and what they are tested on."""

    fit: str
    test: str

    @property
    def title(self) -> str:
        """As it stands above a panel or a table."""
        return self.test if self.fit == self.test else f"{self.fit} to {self.test}"

    @property
    def told(self) -> str:
        """In words."""
        if self.fit == self.test:
            return f"fitted and tested on {self.test}"
        return f"fitted on {self.fit}, tested on {self.test}"


def rows_of_maps(results: pd.DataFrame, experiments: Sequence[str] = PAIRS) -> pd.DataFrame:
    """The rows of maps, or of means over them, from all rows or curves."""
    return results[results["method"].notna() & results["experiment"].isin(list(experiments))]


def tested_in_order(rows: pd.DataFrame, datasets: Sequence[str]) -> list[Tested]:
    """What maps were fitted and tested on: within data sets first, each in the order of the study."""
    found = {
        Tested(fit, test)
        for fit, test in rows[["fitted_on", "dataset"]].drop_duplicates().itertuples(index=False)
    }
    order = in_order({name for pair in found for name in pair}, datasets)
    return sorted(found, key=lambda t: (t.fit != t.test, order.index(t.fit), order.index(t.test)))


def rows_tested(rows: pd.DataFrame, tested: Tested) -> pd.DataFrame:
    """The rows of what is fitted and tested on the same."""
    return rows[(rows["fitted_on"] == tested.fit) & (rows["dataset"] == tested.test)]


def protocols_in_order(present: Iterable[str], order: Sequence[str]) -> list[str]:
    """Protocols as the study names them; the data add to a name, as in `enrol-one-cross-camera`."""

    def place(protocol: str) -> tuple[int, str]:
        for number, name in enumerate(order):
            listed = name == "official" and protocol.startswith("official-")
            if listed or protocol.removesuffix(CROSS_CAMERA) == name:
                return number, protocol
        return len(order), protocol

    return sorted(set(present), key=place)


def standing(rows: pd.DataFrame, metric: str, protocols: Sequence[str]) -> pd.DataFrame:
    """The rows of a metric by the protocol that stands for it: of those that have it, the study's first."""
    found = rows[rows["metric"] == metric]
    order = protocols_in_order(found["protocol"], protocols)
    return found[found["protocol"] == order[0]] if order else found


def levels_of(rows: pd.DataFrame) -> set[str]:
    """The metrics themselves, without gains in them and spreads of them."""
    return {metric for metric in rows["metric"].unique() if not metric.endswith((GAIN, SPREAD))}


def headline_metrics(rows: pd.DataFrame) -> list[str]:
    """What stands for recognition across models: Rank-1, AUC and one TMR@FMR, as far as measured."""
    metrics = levels_of(rows)
    wanted = ("Rank-1", "AUC", operating_point(metrics))
    return [metric for metric in wanted if metric in metrics]


def grouped(families: Mapping[str, str]) -> list[str]:
    """The models, those of one family together; families in the order of their first model."""
    order = list(dict.fromkeys(families.values()))
    return sorted(families, key=lambda model: order.index(families[model]))


def ends_of(rows: pd.DataFrame, order: Sequence[str]) -> list[str]:
    """Sources and targets of rows, in the order given."""
    return in_order({*rows["source"].dropna(), *rows["target"].dropna()}, order)


def pairs_of(rows: pd.DataFrame, order: Sequence[str]) -> list[tuple[str, str]]:
    """The ordered pairs that maps were tested between, without the ceilings of single models."""
    mapped = rows[rows["method"] != CEILING]
    present = set(mapped[["source", "target"]].itertuples(index=False, name=None))
    ends = ends_of(mapped, order)
    return [(a, b) for a in ends for b in ends if (a, b) in present]
