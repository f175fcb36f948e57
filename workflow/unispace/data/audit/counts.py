"""How many images, labels and pixels a data set has."""

from __future__ import annotations

from typing import Any

import pandas as pd

from unispace.data.audit.findings import finding, some
from unispace.data.audit.parts import Part
from unispace.records.left_out import LeftOut


def count_dataset(
    name: str, images: pd.DataFrame, parts: list[Part], left_out: LeftOut
) -> list[dict[str, Any]]:
    """Rows about one data set; of one without images none about their sizes.

    Args:
        name: its name.
        images: its rows as of `read_images`.
        parts: the parts of all data sets, in order.
        left_out: what prepare left out of it.
    """
    rows = []
    for part in parts:
        if part.dataset == name:
            here = images[images["split"] == part.split]
            rows.append(finding(name, "images", part.split, len(here)))
            rows.append(finding(name, "labels", part.split, here["label"].nunique()))
    each = images.groupby("label").size()
    rows += _spread(name, "images-per-label", each)
    rows.append(finding(name, "images-per-label", "single", int((each == 1).sum())))
    if images["width"].notna().any():
        rows += _spread(name, "width", images["width"])
        rows += _spread(name, "height", images["height"])
    unreadable = len(left_out.unreadable)
    not_chosen = left_out.listed - len(images) - unreadable
    rows.append(finding(name, "left-out", "not chosen", not_chosen))
    rows.append(
        finding(
            name,
            "left-out",
            "unreadable",
            unreadable,
            some(left_out.unreadable),
            "note" if unreadable else "ok",
        )
    )
    return rows


def _spread(name: str, check: str, values: pd.Series) -> list[dict[str, Any]]:
    """Smallest, middle and largest value; of two middle ones the lower, so that it is one that occurs."""
    middle = values.quantile(0.5, interpolation="lower")
    spread = {"min": values.min(), "median": middle, "max": values.max()}
    return [finding(name, check, statistic, int(value)) for statistic, value in spread.items()]
