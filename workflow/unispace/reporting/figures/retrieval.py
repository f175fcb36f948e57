"""Who is found first in the gallery of another model, before and after a map. Examples; they prove nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from PIL import Image

from unispace.records.images import Pixels
from unispace.records.thumbnails import pixels_of
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import OTHER, short_names, shortened

COLUMNS = [
    "fitted_on", "dataset", "source", "target", "method", "query", "gallery", "found", "findable",
    "rank", "image_id", "identity", "score", "correct", "status",
]  # fmt: skip
_HIT: dict[str, Any] = {"edgecolor": "#009E73", "linewidth": 2.0}
_MISS: dict[str, Any] = {"edgecolor": OTHER, "linewidth": 0.6}
_QUERY: dict[str, Any] = {"edgecolor": "#222222", "linewidth": 1.0}
_CROSS: dict[str, Any] = {
    "linestyle": "none", "marker": "x", "color": "#D55E00", "markersize": 4.5, "markeredgewidth": 1.4,
}  # fmt: skip
# Inches of a cell, and its pixels; everything else in a block is counted in cells, and whole pixels.
_CELL, _PIXELS = 0.42, 60
_GAP, _BETWEEN, _ASKED, _NAMES, _COUNT = 0.1, 0.85, 2.0, 2.9, 1.6
# Without pictures a cell holds the name of an image, which takes more room.
_WIDE = 2.2
_LETTERS, _LINES = 13, 3


@dataclass(frozen=True)
class _Box:
    """A place in a block, in cells from its top left, and the row of the table that is shown there."""

    x: float
    y: float
    wide: float
    high: float
    row: dict[Any, Any]

    def patch(self) -> Rectangle:
        """Its outline."""
        return Rectangle((self.x, self.y), self.wide, self.high)


@dataclass(frozen=True)
class _Layout:
    """Where things are in a block.

    Attributes:
        methods: rows of a query, in order.
        entries: of the longest list.
        wide: width of an entry, in cells.
    """

    methods: list[str]
    entries: int
    wide: float

    @property
    def first(self) -> float:
        """Where the lists begin."""
        return _ASKED + _NAMES

    @property
    def width(self) -> float:
        """Of the block."""
        return self.first + self.entries * (self.wide + _GAP) + _COUNT

    @property
    def group(self) -> float:
        """Height of a query with its lists."""
        return max(len(self.methods) * (1 + _GAP), _ASKED) + _BETWEEN

    def line(self, query: int, method: str) -> float:
        """Top of a list."""
        return query * self.group + _BETWEEN + self.methods.index(method) * (1 + _GAP)


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a block for each pair: queries, and for each method a row of what is found."""
    examples = tables[0]
    if examples.empty:
        return nothing("No map is shown.", COLUMNS)
    names = short_names([m for m in plan.models if m in {*examples["source"], *examples["target"]}])
    pairs = list(examples.groupby(["source", "target"], sort=False))
    layout = _Layout(
        list(dict.fromkeys(examples["method"])),
        max(1, int(examples["rank"].max())),
        1.0 if examples["picture"].notna().all() else _WIDE,
    )
    height = examples["query"].nunique() * layout.group
    figure, axes = panels(len(pairs), 1, (layout.width * _CELL, height * _CELL + 0.5))
    for panel, ((source, target), here) in zip(axes, pairs, strict=True):
        first = here.iloc[0]
        where = f"{first['dataset']}, gallery of {first['gallery']:,} images"
        titled(panel, f"{names[str(source)]} → {names[str(target)]}", where)
        _draw_block(panel, here, layout)
        panel.set_xlim(-_GAP, layout.width)
        panel.set_ylim(height, -_GAP)
        panel.set_aspect("equal", anchor="W")
        panel.set_axis_off()
    legend_below(
        figure,
        [
            Rectangle((0, 0), 1, 1, fill=False, label="the same person", **_HIT),
            Line2D([], [], label="another person", **_CROSS),
        ],
    )
    return Drawing(figure, examples[COLUMNS])


def _draw_block(axes: Axes, here: pd.DataFrame, layout: _Layout) -> None:
    """The queries of a pair at the left, and beside each its lists."""
    asked, listed = [], []
    for place, (name, lists) in enumerate(here.groupby("query", sort=False)):
        for row in lists.to_dict("records"):
            y = layout.line(place, row["method"])
            if row["rank"]:
                x = layout.first + (row["rank"] - 1) * (layout.wide + _GAP)
                listed.append(_Box(x, y, layout.wide, 1, row))
                continue
            _label(axes, row, y + 0.5, layout)
            if row["method"] == layout.methods[0]:
                asked.append(_Box(0, y, _ASKED, _ASKED, row))
                axes.text(0, y - 0.15, shortened(str(name), 60), fontsize="small", color="#555555")
    _fill(axes, [*asked, *listed])
    hits = [box for box in listed if box.row["correct"]]
    misses = [box for box in listed if not box.row["correct"]]
    for boxes, look in ((asked, _QUERY), (misses, _MISS), (hits, _HIT)):
        patches = PatchCollection([b.patch() for b in boxes], facecolor="none", zorder=2, **look)
        axes.add_collection(patches)
    # What is wrong has a cross too, which needs no colour.
    corners = [b.x + b.wide - 0.17 for b in misses], [b.y + 0.17 for b in misses]
    axes.plot(*corners, linestyle="none", marker="s", markersize=6, color="white", zorder=3)
    axes.plot(*corners, zorder=4, **_CROSS)


def _label(axes: Axes, about: dict[Any, Any], y: float, layout: _Layout) -> None:
    """The method before a list, and how many it holds behind it; or why there is none."""
    axes.text(
        layout.first - 0.2, y, shortened(about["method"], 20), ha="right", va="center",
        fontsize="small",
    )  # fmt: skip
    if about["status"] == "ok":
        axes.text(
            layout.width - _COUNT + 0.15, y, f"{about['found']:.0f} of {about['findable']}",
            va="center", fontsize="small",
        )  # fmt: skip
        return
    axes.text(
        layout.first, y, textwrap.shorten(about["status"], 90, placeholder=" …"), va="center",
        fontsize="small", fontstyle="italic", color="#555555",
    )  # fmt: skip


def _fill(axes: Axes, boxes: Iterable[_Box]) -> None:
    """Images in the middle of their boxes; names where there is no image."""
    pictures = [(box, box.row["picture"]) for box in boxes]
    for box, picture in pictures:
        if picture is None:
            text = shortened(box.row["image_id"], _LETTERS * _LINES)
            lines = [text[i : i + _LETTERS] for i in range(0, len(text), _LETTERS)]
            axes.text(
                box.x + box.wide / 2, box.y + box.high / 2, "\n".join(lines), ha="center",
                va="center", fontsize=5,
            )  # fmt: skip
    ground = _ground([(box, pixels_of(picture)) for box, picture in pictures if picture])
    if ground is not None:
        high, wide = np.array(ground.shape[:2]) / _PIXELS
        # As many pixels as there are: the vector figure keeps them, and builds in no size of a screen.
        axes.imshow(ground, extent=(0, wide, high, 0), interpolation="none", zorder=1)


def _ground(pictures: list[tuple[_Box, Pixels]]) -> Pixels | None:
    """All pictures of a block on white: one image is drawn in a tenth of the time that its parts would take."""
    if not pictures:
        return None
    wide = round(max(box.x + box.wide for box, _ in pictures) * _PIXELS)
    high = round(max(box.y + box.high for box, _ in pictures) * _PIXELS)
    ground, filled = np.full((high, wide, 3), 255, np.uint8), np.zeros((high, wide), bool)
    for box, pixels in pictures:
        centre = np.array([box.y + box.high / 2, box.x + box.wide / 2]) * _PIXELS
        top, left = np.round(centre - np.array(pixels.shape[:2]) / 2).astype(int)
        place = slice(top, top + pixels.shape[0]), slice(left, left + pixels.shape[1])
        ground[place], filled[place] = pixels, True
    # More colours are hardly seen and make the page heavy.
    reduced = Image.fromarray(ground).quantize(256, Image.Quantize.MEDIANCUT).convert("RGB")
    return np.where(filled[:, :, None], np.asarray(reduced), np.uint8(255))
