"""What a map between two models is, and how it is tested: one image in two models, and a probe among a gallery."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle

from unispace.reporting.figures.drawing import Drawing, Plan, panels

COLUMNS = ["symbol", "meaning"]
_SYMBOLS = (
    ("X", "the source model, which embeds the probe"),
    ("Y", "the target model, which embeds the gallery"),
    ("e1", "embedding of an image in X, centred, unit length before"),
    ("e2", "embedding of the same image in Y, centred, unit length before"),
    ("W", "the map, fitted on pairs (e1, e2) of other persons than those that are tested"),
    ("e1 W", "the probe in the target space, compared with the gallery by cosine"),
)
_SOURCE, _TARGET, _INK, _SOFT = "#D55E00", "#0072B2", "#222222", "#666666"
# Persons of the target space as (x, y, colour), each with one enrolled image; the first is the probe's.
_GALLERY = ((8.62, 2.62, "#009E73"), (9.55, 1.95, "#CC79A7"), (8.25, 1.35, "#E69F00"))


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw two models, the embeddings of one image, the map, and a probe in the target space."""
    figure, (axes,) = panels(1, 1, (9.8, 3.6))
    axes.set_xlim(0, 10.4)
    axes.set_ylim(0, 3.9)
    axes.set_aspect("equal")
    axes.set_axis_off()
    _portrait(axes, 0.75, 1.95)
    for y, name, label, colour, vector in (
        (3.05, "model X", "source", _SOURCE, (0.9, 0.35, 0.7, 0.2)),
        (0.85, "model Y", "target", _TARGET, (0.3, 0.8, 0.25, 0.65)),
    ):
        _box(axes, 2.75, y, name, label, colour)
        _arrow(axes, (1.3, 1.95 + 0.25 * np.sign(y - 1.95)), (2.0, y))
        _arrow(axes, (3.5, y), (4.35, y))
        _vector(axes, 4.45, y, vector, colour)
    axes.text(4.72, 3.6, "$e_1$", ha="center", va="bottom", fontsize=12, color=_SOURCE)
    axes.text(4.72, 0.3, "$e_2$", ha="center", va="top", fontsize=12, color=_TARGET)
    _arrow(axes, (5.1, 3.05), (8.2, 2.82), colour=_SOURCE, bend=-0.18)
    axes.text(6.55, 3.42, "$W$", ha="center", fontsize=14, color=_INK)
    axes.text(6.55, 2.83, "fitted on other persons", ha="center", fontsize=8, color=_SOFT)
    _arrow(axes, (5.1, 0.85), (7.35, 1.35), colour=_TARGET)
    axes.text(6.1, 0.72, "as it is", ha="center", fontsize=8, color=_SOFT)
    _space(axes)
    return Drawing(figure, pd.DataFrame(_SYMBOLS, columns=COLUMNS))


def _portrait(axes: Axes, x: float, y: float) -> None:
    """An image of a person."""
    axes.add_patch(Rectangle((x - 0.5, y - 0.6), 1, 1.2, fc="#eeeeea", ec=_SOFT, lw=1))
    axes.add_patch(Circle((x, y + 0.14), 0.2, fc="#009E73", lw=0))
    axes.add_patch(
        FancyBboxPatch((x - 0.3, y - 0.5), 0.6, 0.3, boxstyle="round,pad=0.04,rounding_size=0.15",
                       fc="#009E73", lw=0)
    )  # fmt: skip
    axes.text(x, y - 0.72, "one image", ha="center", va="top", fontsize=9)


def _box(axes: Axes, x: float, y: float, name: str, label: str, colour: str) -> None:
    axes.add_patch(
        FancyBboxPatch((x - 0.65, y - 0.32), 1.3, 0.64, boxstyle="round,pad=0.03",
                       fc="white", ec=colour, lw=1.6)
    )  # fmt: skip
    axes.text(x, y + 0.1, name, ha="center", va="center", fontsize=10, fontweight="bold")
    axes.text(x, y - 0.15, label, ha="center", va="center", fontsize=8, color=_SOFT)


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str = _SOFT,
    bend: float = 0.0,
) -> None:
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color=colour, lw=1.4,
                        connectionstyle=f"arc3,rad={bend}", shrinkA=0, shrinkB=0, zorder=3)
    )  # fmt: skip


def _vector(axes: Axes, x: float, y: float, values: tuple[float, ...], colour: str) -> None:
    """A vector as a column of cells, darker for more."""
    high = 0.22
    for number, value in enumerate(values):
        axes.add_patch(
            Rectangle((x, y + (1 - number) * high), 0.55, high, fc=colour, alpha=value, lw=0)
        )
    axes.add_patch(
        Rectangle((x, y + (2 - len(values)) * high), 0.55, high * len(values), fill=False,
                  ec=colour, lw=1.2)
    )  # fmt: skip


def _space(axes: Axes) -> None:
    """The target space, with a gallery and the probe that is searched in it."""
    axes.add_patch(
        FancyBboxPatch((7.45, 0.75), 2.7, 2.45, boxstyle="round,pad=0.05,rounding_size=0.25",
                       fc="#f6f9fc", ec=_TARGET, lw=1.2)
    )  # fmt: skip
    axes.text(8.8, 3.34, "space of Y", ha="center", va="bottom", fontsize=9, fontweight="bold")
    for x, y, colour in _GALLERY:
        axes.plot(x, y, marker="o", ms=10, color=colour)
    x, y, colour = _GALLERY[0]
    probe = (8.32, 2.78)
    axes.plot([probe[0], x], [probe[1], y], color=_INK, lw=1, ls=(0, (2, 2)), zorder=1)
    axes.plot(*probe, marker="*", ms=15, color=colour, mec="white", mew=0.8)
    axes.text(8.8, 0.86, "star: probe, through the map\ndiscs: gallery, one for each person",
              ha="center", va="bottom", fontsize=8, color=_SOFT, linespacing=1.3)  # fmt: skip
