"""What a page needs to read values off the curves of a drawing: where its panels are, and which paths are curves.

It stands in the SVG itself, as `<metadata id="curves">` with JSON, so that a page that has the drawing has all: a list of
panels with

- `box`: left, top, right and bottom of the panel in the units of the drawing;
- `x`, `y`: name of the axis, and values at even distances along it (from left to right, from top to bottom), between which
  straight lines are near enough; two of them where the scale is linear;
- `title`: of the panel, may be empty;
- `curves`: id of the path's group, name and colour of each.

A curve is a line that was given a label when it was drawn.
"""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

_POINT = 72
"""Units of the drawing to an inch."""
_STEPS = 65
"""Values along an axis that is not linear: straight lines between those of four decades are within 0.3 %."""


def mark_curves(figure: Figure) -> str:
    """Give the groups of labelled lines an id, and say what stands in the SVG of the figure for them.

    Args:
        figure: whose panels have their places.

    Returns:
        An element of SVG; empty where the figure has no curve.
    """
    found = []
    titles = {"x": "", "y": ""}
    for place, axes in enumerate(figure.axes):
        # Panels that share an axis name it once, in the last row or the first column.
        titles = {"x": axes.get_xlabel() or titles["x"], "y": axes.get_ylabel() or titles["y"]}
        lines = [
            line
            for line in axes.lines
            if not str(line.get_label()).startswith("_") and len(np.asarray(line.get_xdata())) > 1
        ]
        curves = []
        for number, line in enumerate(lines):
            line.set_gid(f"curve-{place}-{number}")
            colour = to_hex(line.get_color())  # pyright: ignore[reportArgumentType]
            curves.append([line.get_gid(), str(line.get_label()), colour])
        if curves:
            found.append(_panel(figure, axes, curves, dict(titles)))
    # Names below the last row stand for the rows above it.
    for panel in found:
        for axis in ("x", "y"):
            panel[axis][0] = panel[axis][0] or titles[axis]
    if not found:
        return ""
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    return f'<metadata id="curves">{escape(text)}</metadata>'


def _panel(
    figure: Figure, axes: Axes, curves: list[list[Any]], titles: dict[str, str]
) -> dict[str, Any]:
    wide, high = (side * _POINT for side in figure.get_size_inches())
    place = axes.get_position()
    box = [wide * place.x0, high * (1 - place.y1), wide * place.x1, high * (1 - place.y0)]
    # A lighter line below a title is an annotation of the same corner (`drawing.titled`).
    below = [t.get_text() for t in axes.texts if getattr(t, "xy", None) == (0, 1)]
    title = ", ".join(filter(None, (" ".join(t.split()) for t in (axes.get_title("left"), *below))))
    return {
        "box": [round(float(side), 1) for side in box],
        "x": [titles["x"], *_values(axes, "x")],
        "y": [titles["y"], *reversed(_values(axes, "y"))],
        "title": title,
        "curves": curves,
    }


def _values(axes: Axes, axis: str) -> list[float]:
    """Values at even distances along an axis, from its beginning."""
    linear = (axes.get_xscale() if axis == "x" else axes.get_yscale()) == "linear"
    along = np.linspace(0, 1, 2 if linear else _STEPS)
    column = 0 if axis == "x" else 1
    places = np.full((len(along), 2), 0.5)
    places[:, column] = along
    values = axes.transData.inverted().transform(axes.transAxes.transform(places))[:, column]
    # Axes in percent are drawn of shares, by the words of their ticks.
    percent = getattr(axes, f"get_{axis}label")().endswith("in %")
    return [float(f"{value * (100 if percent else 1):.4g}") for value in values]
