"""What every figure is made with: its plan, its grid of panels, and three files that never vary."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib.style
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from unispace.config.curricula import Curriculum
from unispace.config.tradeoffs import Gained
from unispace.errors import UserError
from unispace.records.files import replacing
from unispace.reporting.figures.compact import compact
from unispace.reporting.figures.readable import mark_curves

_SVG_DPI = 72
"""Dots per inch at which matplotlib draws every SVG."""


@dataclass(frozen=True)
class Plan:
    """What a figure knows beside its tables.

    Attributes:
        models: the study's models, in its order.
        datasets: the study's data sets, in its order.
        domains: the domain of each data set.
        names: what each table is about, where there is one table a model; of maps the methods that are analysed.
        curricula: settings of the curricula, in the study's order, for figures that need them.
        tasks: the data sets that are tasks, each with its expert's curriculum.
        base: the curriculum that leaves a backbone as it is; empty where the study has none.
        aside: curricula that are no tuning: controls, and those with a figure of their own.
        methods: of maps between models, in the order of the study.
        shown: those of them that are drawn where there is no room for all.
        families: of each mapped model, those of one family together.
        protocols: of maps, identification before verification; the first that has a metric stands for it.
        gains: the numbers that say what tuning gained in biometric tasks.
        sizes: families of backbones, each with its sizes from small to large.
        published: published numbers to stand beside the study's, `records.published`; None for none.
    """

    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    domains: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    curricula: dict[str, Curriculum] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    base: str = ""
    aside: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    families: dict[str, str] = field(default_factory=dict)
    protocols: tuple[str, ...] = ()
    gains: tuple[Gained, ...] = ()
    sizes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    published: pd.DataFrame | None = None


@dataclass(frozen=True)
class Drawing:
    """A figure and exactly the numbers that are drawn in it."""

    figure: Figure
    table: pd.DataFrame


@contextmanager
def styled(path: Path) -> Iterator[None]:
    """Draw and save in the style of a file.

    Raises:
        UserError: where there is no such file.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such style file; it belongs to the repository, restore it")
    with matplotlib.style.context(["default", path]):
        yield


def panels(
    count: int, columns: int, size: tuple[float, float], **subplots: Any
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels in rows of at most `columns`, each `size` inches wide and high.

    With `gridspec_kw={"height_ratios": ...}` these are the heights of the rows in inches, in place of that of `size`.
    """
    across = max(1, min(columns, count))
    down = max(1, math.ceil(count / across))
    heights = subplots.get("gridspec_kw", {}).get("height_ratios", [size[1]] * down)
    figure = Figure(figsize=(size[0] * across, sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(down, across, squeeze=False, **subplots).flat)
    for unused in axes[count:]:
        unused.remove()
    for above_none in axes[max(0, count - across) : count]:
        # Shared axes are numbered in the last row only, which need not reach below every column.
        above_none.tick_params(labelbottom=True)
    return figure, axes[:count]


def share_end(highest: float) -> float:
    """Where an axis of shares ends that starts at 0: a tenth above the highest of them, or 1 where little is left.

    Examples:
        >>> share_end(0.23), share_end(0.3), share_end(0.81), share_end(0.0)
        (0.3, 0.3, 1.0, 0.1)
    """
    tenths = max(1, math.ceil(round(10 * highest, 6)))
    return tenths / 10 if tenths < 8 else 1.0


def titled(axes: Axes, title: str, subtitle: str = "") -> None:
    """Put a title and a lighter line below it at the left of a panel."""
    axes.set_title(title, loc="left", pad=17 if subtitle else 6)
    if subtitle:
        said = axes.annotate(
            subtitle,
            (0, 1),
            xytext=(0, 5),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize="small",
            color="#555555",
        )
        # It stands in the title's room; a long one would else make every panel of the figure narrower.
        said.set_in_layout(False)


def legend_below(figure: Figure, handles: Sequence[Any]) -> None:
    """A legend outside the panels, where it hides nothing; the figure grows by its rows."""
    _legend(figure, handles, "outside lower center")


def legend_above(figure: Figure, handles: Sequence[Any]) -> None:
    """The same above the panels, for figures that are higher than a screen."""
    _legend(figure, handles, "outside upper center")


def _legend(figure: Figure, handles: Sequence[Any], place: Any) -> None:
    if not handles:
        return
    longest = max(len(str(handle.get_label())) for handle in handles)
    wide = 0.075 * longest + 0.65  # inches of an entry, by the mean width of a letter
    columns = max(1, min(len(handles), int(figure.get_figwidth() / wide)))
    rows = math.ceil(len(handles) / columns)
    figure.set_figheight(figure.get_figheight() + 0.19 * (rows - 1))
    figure.legend(handles=list(handles), loc=place, ncols=columns)


def nothing(why: str, columns: Sequence[str]) -> Drawing:
    """A figure that says why it is empty."""
    figure, (axes,) = panels(1, 1, (6.4, 1.2))
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, ha="center", va="center", color="#555555")
    return Drawing(figure, pd.DataFrame(columns=list(columns)))


def save(drawing: Drawing, svg: Path, png: Path, csv: Path) -> None:
    """Write a figure and its numbers; no date, version or random name gets into the files.

    Panels are laid out once, at the resolution of the SVG; each file would do so again otherwise, which takes longer than
    to draw it.
    """
    _lay_out(drawing.figure)
    curves = mark_curves(drawing.figure)
    with replacing(svg) as temporary:
        drawing.figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
        drawn = compact(temporary.read_text("utf-8"))
        temporary.write_text(drawn.replace("<defs>", f"{curves}<defs>", 1), "utf-8")
    with replacing(png) as temporary:
        drawing.figure.savefig(temporary, format="png", metadata={"Software": None})
    with replacing(csv) as temporary:
        drawing.table.to_csv(temporary, index=False, lineterminator="\n")


def _lay_out(figure: Figure) -> None:
    """Give panels the places that they have in the SVG, for good."""
    engine = figure.get_layout_engine()
    if engine is None:
        return
    FigureCanvasSVG(figure)
    figure.set_dpi(_SVG_DPI)
    engine.execute(figure)
    # By the style, which names no engine; "none" is one, and figures with one are drawn twice for each file.
    figure.set_layout_engine(None)
