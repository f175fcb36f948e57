"""What the page says about maps between models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unispace.config.methods import CEILING
from unispace.config.study import Study
from unispace.reporting.map_rows import (
    PLANTED,
    protocols_in_order,
    rows_of_maps,
)
from unispace.reporting.map_tables import (
    MapOrder,
    MapTable,
    ModelTable,
    family_tables,
    model_table,
    pair_tables,
)
from unispace.reporting.method_words import method_in_words


@dataclass(frozen=True)
class MapsSection:
    """The section on maps.

    Attributes:
        maps: how many maps were tested; 0 where the study has none.
        headline: the protocol of identification that stands for it.
        families: names of the families.
        models: the mapped models.
        means: means over families, a table for each data set.
        pairs: all pairs, likewise.
        methods: each method, and what it does.
        ceilings: whether models were tested as their own target.
        planted: whether planted models were tested.
    """

    maps: int
    headline: str
    families: tuple[str, ...]
    models: ModelTable
    means: tuple[MapTable, ...]
    pairs: tuple[MapTable, ...]
    methods: tuple[tuple[str, str], ...]
    ceilings: bool
    planted: bool


def maps_section(
    study: Study,
    results: pd.DataFrame,
    datasets: Sequence[str],
    methods: Mapping[str, Mapping[str, Any]],
    families: Mapping[str, str],
    cards: Sequence[Mapping[str, Any]],
) -> MapsSection:
    """Everything that the section shows beside its figures.

    Args:
        study: the study.
        results: tidy rows.
        datasets: data sets in the study's order.
        methods: of maps, with their settings, in the study's order.
        families: of each mapped model, in the study's order.
        cards: of the models.
    """
    rows = rows_of_maps(results)
    protocols = (*study.maps.identification, *study.maps.verification)
    order = MapOrder(tuple(datasets), tuple(methods), families, protocols)
    fitted = rows[rows["method"] != CEILING]
    searched = rows.loc[rows["metric"] == "Rank-1", "protocol"]
    return MapsSection(
        maps=len(fitted[["fitted_on", "dataset", "source", "target", "method"]].drop_duplicates()),
        headline=next(iter(protocols_in_order(searched, protocols)), ""),
        families=tuple(dict.fromkeys(families.values())),
        models=model_table(study, results, order, cards),
        means=tuple(family_tables(results, order)),
        pairs=tuple(pair_tables(results, order)),
        methods=tuple((name, method_in_words(name, s)) for name, s in methods.items()),
        ceilings=CEILING in set(rows["method"]),
        planted=PLANTED in set(results["experiment"]),
    )
