"""What curves over seeds are drawn with: a line with its band, marks where it failed, and an axis of counts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from unispace.reporting.figures.drawing import titled
from unispace.reporting.looks import OTHER, Look, short_names

CHANCE = (0, (1.5, 1.5))
_COUNTS = tuple(m * 10**p for p in range(7) for m in (1, 2, 5))


PairKey = tuple[str, str, str]
"""Data set, source and target."""


def of_pair(points: pd.DataFrame, pair: PairKey) -> pd.DataFrame:
    """The points of one data set, source and target."""
    return points[(points[["dataset", "source", "target"]] == list(pair)).all(axis=1)]


def pair_titles(points: pd.DataFrame, models: Sequence[str]) -> dict[PairKey, str]:
    """What stands above the panels of each data set, source and target, in the order of the rows."""
    groups = list(points[["dataset", "source", "target"]].drop_duplicates().itertuples(index=False))
    ends = {*points["source"], *points["target"]}
    names = short_names([*(m for m in models if m in ends), *sorted(ends - set(models))])
    several = points["dataset"].nunique() > 1
    return {
        (d, s, t): f"{names[s]} → {names[t]}" + (f", {d}" if several else "") for d, s, t in groups
    }


def headed(axes: Axes, heading: str, metric: str, about: str) -> None:
    """Title of a panel, and over the first of a row what the row is about.

    A heading may be wider than its panel, so that the layout is not to make room for its width.
    """
    titled(axes, f"\n{metric}" if heading else metric, about)
    axes.annotate(
        heading, (0, 1), xytext=(0, 32), xycoords="axes fraction", textcoords="offset points",
        fontweight="bold",
    ).set_in_layout(False)  # fmt: skip


def draw_line(
    axes: Axes,
    points: pd.DataFrame,
    x: str,
    look: Look,
    name: str,
    *,
    dashes: object = "-",
    band: bool = True,
) -> None:
    """A line over `x`, broken where a point failed; a cross below says that it did."""
    points = points.sort_values(x, kind="stable")
    axes.plot(points[x], points["value"], color=look.colour, ls=dashes, lw=1.3, label=name)
    if band:
        axes.fill_between(
            points[x].to_numpy(float), points["lower"].to_numpy(float),
            points["upper"].to_numpy(float), color=look.colour, alpha=0.14, lw=0,
        )  # fmt: skip
    failed = points[points["status"] != "ok"]
    axes.plot(
        failed[x], [0.03] * len(failed), transform=axes.get_xaxis_transform(), ls="none",
        marker="x", color=look.colour, markersize=4,
    )  # fmt: skip


def draw_dimension(axes: Axes, dimension: int) -> None:
    """Where there are as many rows as the source has dimensions."""
    axes.axvline(dimension, color=OTHER, lw=0.8)
    axes.annotate(
        "n = d", (dimension, 1), xytext=(2, -2), xycoords=("data", "axes fraction"),
        textcoords="offset points", va="top", fontsize="x-small", color="#555555",
    )  # fmt: skip


def count_axis(axes: Axes, least: float, most: float, *, zero: bool = False) -> None:
    """Counts on a log axis, with a place for 0 at its left where there is one."""
    wanted = [0] * zero + [k for k in _COUNTS if least <= k <= most]
    # Narrow panels have room for about six numbers.
    ticks = wanted if len(wanted) <= 6 else wanted[: 1 + zero] + wanted[2 + zero :: 2]
    if zero:
        axes.set_xscale("symlog", linthresh=1, linscale=0.4)
        axes.set_xlim(-0.35, most * 1.15)
    else:
        axes.set_xscale("log")
        axes.set_xlim(least / 1.15, most * 1.15)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())


def value_axis(axes: Axes, points: pd.DataFrame, metric: str) -> None:
    """From a little below chance, or what is lowest, to a little above what is highest."""
    measured = points[points["status"] == "ok"]
    highest = float(measured["upper"].max()) if len(measured) else 1.0
    lowest = min(0.42, float(measured["value"].min()) - 0.02) if metric == "AUC" else -0.02
    axes.set_ylim(lowest, min(1.02, max(0.2, 1.12 * highest)))
    axes.grid()


def key(label: str, look: Look, dashes: object = "-") -> Line2D:
    """An entry of the legend."""
    return Line2D([], [], color=look.colour, ls=dashes, label=label)  # pyright: ignore[reportArgumentType]
