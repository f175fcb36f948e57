"""What maps do to a space: singular values, the share of a rotation, and what they leave of the target."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import OTHER, method_looks
from unispace.reporting.map_structure import family_pairs, first_fitting

COLUMNS = [
    "kind", "fitted_on", "dataset", "source", "target", "method", "component",
    "singular", "variance", "unexplained", "metric", "value", "lower", "upper", "n", "status",
]  # fmt: skip
_ROTATION = "rotation share"
_MOST_PAIRS = 9
_SMALLEST = 1e-3
# Hundreds of maps of wide spaces have more points than a page can hold.
_ONE_BY_ONE, _FURTHER = 16, 24


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw three panels for each two families: spectra, rotation shares, unexplained shares by component."""
    results, components = tables
    if components.empty or components["singular"].isna().all():
        return nothing("No map has a matrix.", COLUMNS)
    about = first_fitting(components, results)
    shares = about[(about["experiment"] == "geometry") & (about["metric"] == _ROTATION)]
    fitted = [m for m in plan.methods if m in set(shares["method"])]
    styles = method_looks(fitted, plan.methods)
    components = components[components["method"].isin(fitted) & _drawn(components["component"])]
    rows = family_pairs(plan.families)[:_MOST_PAIRS]
    ends = [components[end].map(plan.families) for end in ("source", "target")]
    figure, axes = panels(3 * len(rows), 3, (3.1, 1.3), sharex="col", sharey="col")
    for place, (source, target) in enumerate(rows):
        spectrum, share, rest = axes[3 * place : 3 * place + 3]
        titled(spectrum, f"{source} → {target}", "" if place else "singular values")
        if not place:
            titled(share, "", "share of a rotation")
            titled(rest, "", "share of the target left, by component")
        here = components[(ends[0] == source) & (ends[1] == target)]
        fine = here[here["status"] == "ok"]
        for method, of_method in fine.groupby("method", sort=False):
            colour = styles[str(method)].colour
            _lines(spectrum, of_method[of_method["singular"] > 0], "singular", colour)
            _lines(rest, of_method, "unexplained", colour)
        spread = shares[
            (shares["source"].map(plan.families) == source)
            & (shares["target"].map(plan.families) == target)
        ]
        for line, method in enumerate(fitted):
            mine = spread[(spread["method"] == method) & (spread["status"] == "ok")]
            share.plot(
                mine["value"], np.full(len(mine), line), linestyle="none", marker="|", markersize=9,
                color=styles[method].colour,
            )  # fmt: skip
        if fine.empty:
            spectrum.text(
                0.5, 0.5, "no map, or failed", transform=spectrum.transAxes, ha="center",
                color="#555555",
            )  # fmt: skip
        spectrum.set_yscale("log")
        spectrum.set_ylim(_SMALLEST, 2 * float(components["singular"].max()))
        for panel in (spectrum, rest):
            panel.set_xscale("log")
            panel.minorticks_off()
            panel.set_xlim(0.9, 1.1 * float(components["component"].max()))
        rest.set_ylim(0, 1.6)
        rest.axhline(1, color=OTHER, linewidth=0.8, linestyle=(0, (2, 2)))
        share.set_xlim(0, 1.04)
        share.set_yticks(range(len(fitted)), fitted)
        share.set_ylim(len(fitted) - 0.5, -0.5)
    for column, label in (
        (0, "number of the singular value"),
        (1, "1: a scaled rotation"),
        (2, "principal component of the target"),
    ):
        axes[3 * (len(rows) - 1) + column].set_xlabel(label)
    legend_below(
        figure, [Line2D([], [], color=styles[m].colour, label=m) for m in fitted]
        + [Line2D([], [], color=OTHER, linewidth=0.8, linestyle=(0, (2, 2)), label="a map to the mean")],
    )  # fmt: skip
    drawn = [components.assign(kind="component"), shares.assign(kind="map")]
    return Drawing(figure, pd.concat(drawn, ignore_index=True).reindex(columns=COLUMNS))


def _lines(axes: Axes, numbers: pd.DataFrame, column: str, colour: str) -> None:
    """A line for each pair of models, over its components."""
    lines = [
        one[["component", column]].to_numpy(np.float64)
        for _, one in numbers.groupby(["source", "target"], sort=False)
    ]
    axes.add_collection(LineCollection(lines, colors=colour, linewidths=0.6, alpha=0.65))


def _drawn(component: pd.Series) -> pd.Series:
    """Whether a component is drawn: the first ones, then some that are evenly spaced on the logarithmic axis."""
    last = int(component.max())
    further = np.geomspace(_ONE_BY_ONE, max(_ONE_BY_ONE, last), _FURTHER).round()
    return (component <= _ONE_BY_ONE) | component.isin(further.astype(int))
