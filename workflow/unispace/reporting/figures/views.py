"""Pictures of the embedding spaces. They show; they prove nothing."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.data.splits import fractions
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import (
    DOMAIN_COLOURS,
    DOMAIN_MARKERS,
    DOMAIN_TITLES,
    OTHER,
    PALETTE,
    in_order,
    short_names,
)
from unispace.reporting.tables import number

COLUMNS = ["model", "dataset", "domain", "label", "image_id", "x", "y", "highlighted"]
_FACES = ("face_hq", "face_lq")
# More points than these are drawn as pixels in the SVG too, which would be slow to open otherwise.
_MANY = 3000
_ACROSS = 3


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw two panels for each model: coloured by domain, and a few identities picked out.

    Beside the first stands how well a linear classifier tells the domains apart in the space itself.
    """
    views, scores = tables[0], _separability(tables[1])
    if views.empty:
        return nothing("No embedding space was projected.", COLUMNS)
    models = in_order(views["model"], plan.models)
    names = short_names(models)
    chosen = _chosen(views)
    rows = 2 if chosen else 1
    across = min(_ACROSS, len(models))
    bands = math.ceil(len(models) / across)
    figure, axes = panels(bands * rows * across, across, (3.2, 3.05))
    used = set()
    many = len(views) > _MANY
    for i, model in enumerate(models):
        band, column = divmod(i, across)
        for kind in range(rows):
            panel = axes[(band * rows + kind) * across + column]
            used.add(panel)
            here = views[views["model"] == model]
            by_domain = f"by domain{scores.get(model, '')}"
            titled(panel, names[model], by_domain if kind == 0 else "by identity")
            if kind == 0:
                _by_domain(panel, here, many)
            else:
                _by_identity(panel, here, chosen, many)
            panel.set_aspect("equal", adjustable="datalim")
            # Distances and directions of a t-SNE mean little; numbers on its axes mean nothing.
            panel.set_xticks([])
            panel.set_yticks([])
            for spine in panel.spines.values():
                spine.set_visible(True)
                spine.set_color("#cccccc")
    for panel in axes:
        if panel not in used:
            panel.remove()
    legend_below(figure, _key(views, bool(chosen)))
    highlighted = views["label"].isin(list(chosen)) & views["domain"].isin(_domains(views))
    return Drawing(figure, views.assign(highlighted=highlighted)[COLUMNS])


def _separability(results: pd.DataFrame) -> dict[str, str]:
    """What is written beside a model's name, where its domains were told apart."""
    rows = results[
        (results["experiment"] == "separability")
        & (results["protocol"] == "linear")
        & (results["metric"] == "accuracy")
        & (results["status"] == "ok")
        & results["model"].notna()
    ]
    return {row["model"]: f", told apart {number(row['value'])}" for row in rows.to_dict("records")}


def _domains(views: pd.DataFrame) -> tuple[str, ...]:
    """The domains whose identities are picked out: faces, else bodies."""
    return _FACES if views["domain"].isin(_FACES).any() else ("person",)


def _chosen(views: pd.DataFrame) -> dict[str, str]:
    """A colour for each identity that is picked out, chosen by hash."""
    labels = sorted(set(views.loc[views["domain"].isin(_domains(views)), "label"]))
    # The salt of the selection of images, so that those are picked whose images are there.
    order = np.argsort(fractions(labels, "view"), kind="stable")[: len(PALETTE)]
    return {labels[i]: colour for i, colour in zip(order, PALETTE, strict=False)}


def _by_domain(axes: Axes, here: pd.DataFrame, many: bool) -> None:
    for domain, rows in here.groupby("domain", sort=True):
        axes.scatter(
            rows["x"], rows["y"], s=9, linewidths=0, alpha=0.75,
            color=DOMAIN_COLOURS.get(str(domain), OTHER), marker=DOMAIN_MARKERS.get(str(domain), "o"),
            rasterized=many,
        )  # fmt: skip


def _by_identity(axes: Axes, here: pd.DataFrame, chosen: dict[str, str], many: bool) -> None:
    shown = here["label"].isin(list(chosen)) & here["domain"].isin(_domains(here))
    rest = here[~shown]
    axes.scatter(rest["x"], rest["y"], s=5, linewidths=0, color="#d9d9d9", rasterized=many)
    for (domain, label), rows in here[shown].groupby(["domain", "label"], sort=True):
        colour = chosen[str(label)]
        hollow = domain == "face_lq"
        axes.scatter(
            rows["x"], rows["y"], s=16, linewidths=1.0, edgecolors=colour,
            facecolors="white" if hollow else colour, marker=DOMAIN_MARKERS[str(domain)],
            rasterized=many,
        )  # fmt: skip


def _key(views: pd.DataFrame, identities: bool) -> list[Line2D]:
    present = [d for d in DOMAIN_COLOURS if (views["domain"] == d).any()]
    keys = [
        Line2D([], [], linestyle="none", marker=DOMAIN_MARKERS[d], color=DOMAIN_COLOURS[d],
               label=DOMAIN_TITLES[d])
        for d in present
    ]  # fmt: skip
    if identities:
        for domain in (d for d in present if d in _domains(views)):
            keys.append(
                Line2D(
                    [],
                    [],
                    linestyle="none",
                    marker=DOMAIN_MARKERS[domain],
                    color="#444444",
                    markerfacecolor="white" if domain == "face_lq" else "#444444",
                    label=f"an identity, {DOMAIN_TITLES[domain]}",
                )
            )
    return keys
