"""What the scatter plots of trade-offs share: a mark with intervals both ways for each model, and their key."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from unispace.reporting.figures.drawing import Plan
from unispace.reporting.looks import PALETTE
from unispace.reporting.tradeoff_rows import (
    BACKBONE_MARKERS,
    Record,
    backbones_in_order,
    curriculum_colours,
)


class Marks:
    """The look of each model: its curriculum is a colour, its backbone a marker.

    Args:
        models: all that are drawn in the figure.
        plan: of the figure.
    """

    def __init__(self, models: Sequence[str], plan: Plan) -> None:
        every = curriculum_colours((*plan.models, *models), plan.base)
        drawn = {model.split("/")[1] for model in models}
        self._colours = {name: colour for name, colour in every.items() if name in drawn}
        backbones = backbones_in_order(models, [members for _, members in plan.sizes])
        self._markers = {
            b: BACKBONE_MARKERS[i % len(BACKBONE_MARKERS)] for i, b in enumerate(backbones)
        }

    def colour(self, model: str) -> str:
        """Of its curriculum."""
        return self._colours[model.split("/")[1]]

    def put(self, axes: Axes, model: str, x: Record, y: Record, *, filled: bool = True) -> None:
        """Mark a model, with its intervals."""
        colour, marker = self.colour(model), self._markers[model.split("/")[0]]
        axes.hlines(y["value"], x["lower"], x["upper"], color=colour, linewidth=0.9, alpha=0.75)
        axes.vlines(x["value"], y["lower"], y["upper"], color=colour, linewidth=0.9, alpha=0.75)
        axes.plot(
            x["value"], y["value"], marker=marker, color=colour, linestyle="none",
            markersize=6, markerfacecolor=colour if filled else "white", zorder=3,
        )  # fmt: skip

    def key(self) -> list[Line2D]:
        """Colours of the curricula and, of several backbones, their markers."""
        shape = "o" if len(self._markers) > 1 else next(iter(self._markers.values()), "o")
        found = [
            Line2D([], [], linestyle="none", marker=shape, color=colour, label=name)
            for name, colour in self._colours.items()
        ]
        if len(self._markers) > 1:
            found += [
                Line2D([], [], linestyle="none", marker=marker, color="#555555", label=name)
                for name, marker in self._markers.items()
            ]
        return found


def base_mark(axes: Axes, x: float, y: float) -> None:
    """The place of every base."""
    axes.plot(x, y, marker="*", color=PALETTE[0], markersize=9, linestyle="none", zorder=4)


def base_handle() -> Line2D:
    """The key of the base."""
    return Line2D([], [], linestyle="none", marker="*", color=PALETTE[0], label="base")


def failed_note(axes: Axes, names: Sequence[str]) -> None:
    """Say which models have no place in a panel."""
    if names:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        axes.annotate(
            f"failed: {shown}", (0.02, 0.02), xycoords="axes fraction", fontsize="small",
            fontstyle="italic", color="#555555", va="bottom",
        )  # fmt: skip


def whole(*rows: Record | None) -> bool:
    """Whether all rows are there and hold numbers."""
    return all(row is not None and row["status"] == "ok" for row in rows)
