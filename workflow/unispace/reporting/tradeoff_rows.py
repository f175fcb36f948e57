"""Tidy rows about trade-offs, to be looked up; nothing here computes a number."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from unispace.config.curricula import Curriculum
from unispace.config.tradeoffs import Gained
from unispace.evaluation.gelo import EXPERIMENT, FIXED_SETS, GAIN_IN, GELO, GENERAL
from unispace.reporting.looks import MANY_COLOURS, PALETTE, in_order

KINDS = {"zero-shot": "zero-shot, by texts", "linear-probe": "linear probe"}
"""How general ability was measured, by the beginning of the protocol."""
KIND_COLOURS = {"zero-shot": PALETTE[1], "linear-probe": PALETTE[2]}
BACKBONE_MARKERS = ("o", "s", "^", "D", "v", "P")

Record = Mapping[Hashable, Any]


def trade_rows(results: pd.DataFrame) -> pd.DataFrame:
    """The rows of trade-offs."""
    return results[results["experiment"] == EXPERIMENT]


def standing(rows: pd.DataFrame) -> dict[str, str]:
    """The protocol that stands for each kind: the first that gave a GELO, else the first.

    Args:
        rows: of trade-offs.
    """
    whole = rows[(rows["metric"] == GELO) & ~rows["protocol"].str.endswith(f"/{FIXED_SETS}")]
    found = {}
    for kind in KINDS:
        here = whole[whole["protocol"].str.startswith(kind)]
        good = here[here["status"] == "ok"]
        protocols = list(dict.fromkeys([*good["protocol"], *here["protocol"]]))
        if protocols:
            # Of probes the one whose penalty was chosen comes first, whatever its place in the table.
            found[kind] = kind if kind in set(good["protocol"]) else str(protocols[0])
    return found


def by_model(
    rows: pd.DataFrame, metric: str, protocol: str, dataset: str = GENERAL
) -> dict[str, Record]:
    """The row of each model.

    Raises:
        ValueError: where two rows claim one cell, since one of them would be hidden.
    """
    here = rows[
        (rows["metric"] == metric) & (rows["protocol"] == protocol) & (rows["dataset"] == dataset)
    ]
    found: dict[str, Record] = {}
    for row in here.to_dict("records"):
        if row["model"] in found:
            raise ValueError(f"two rows for one cell: {(row['model'], dataset, metric, protocol)}")
        found[row["model"]] = row
    return found


def gains_of(rows: pd.DataFrame, gain: Gained) -> dict[str, Record]:
    """The row of what each model gained in a task."""
    return by_model(rows, f"{GAIN_IN}{gain.metric}", gain.protocol, gain.dataset)


def tuned_for(
    curricula: Mapping[str, Curriculum], name: str, dataset: str, domains: Mapping[str, str]
) -> bool:
    """Whether a curriculum trains on a data set of the domain of this one; good and bad faces are one."""
    domain = domains.get(dataset, "")
    faces = ("face_hq", "face_lq")
    akin = faces if domain in faces else (domain,)
    return any(domains.get(seen, "") in akin for seen in tuned_on(curricula, name))


def tuned_on(curricula: Mapping[str, Curriculum], name: str) -> tuple[str, ...]:
    """Data sets that a curriculum, or the one it is interpolated from, trains on."""
    settings = curricula.get(name)
    if settings is not None and settings.interpolate is not None:
        settings = curricula.get(settings.interpolate.curriculum)
    return () if settings is None else tuple(settings.train_on)


def curriculum_colours(models: Iterable[str], base: str) -> dict[str, str]:
    """A colour for each curriculum, black for the base; those beyond all colours take the first ones again.

    Args:
        models: all of the study, so that a curriculum has the same colour in every figure.
        base: the curriculum that leaves a backbone as it is.
    """
    colours = [c for c in dict.fromkeys((*PALETTE[1:], *MANY_COLOURS)) if c != PALETTE[0]]
    names = [n for n in dict.fromkeys(m.split("/")[1] for m in models) if n != base]
    return {base: PALETTE[0]} | {name: colours[i % len(colours)] for i, name in enumerate(names)}


def tuned_of(rows: pd.DataFrame, order: Sequence[str]) -> list[str]:
    """Models that have a GELO, in the order of the study."""
    return in_order(rows.loc[rows["metric"] == GELO, "model"].dropna(), order)


def backbones_in_order(models: Iterable[str], sizes: Iterable[Iterable[str]]) -> list[str]:
    """Backbones of models, the sizes of a family together, from small to large."""
    found = list(dict.fromkeys(model.split("/")[0] for model in models))
    together = [b for family in sizes for b in family if b in found]
    return [*together, *(b for b in found if b not in together)]
