"""CMC and ROC across models: whole curves where the tables give single points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from unispace.config.methods import CEILING
from unispace.reporting.figures.curves import by_keys, rank_axis, rate_axes
from unispace.reporting.figures.drawing import Drawing, Plan, legend_above, nothing, panels
from unispace.reporting.figures.maps import FEW_PAIRS
from unispace.reporting.headline import false_match_rate
from unispace.reporting.looks import OTHER, Look, method_looks, short_names
from unispace.reporting.map_rows import (
    Tested,
    ends_of,
    grouped,
    pairs_of,
    protocols_in_order,
    rows_of_maps,
    rows_tested,
    tested_in_order,
)

COLUMNS = [
    "fitted_on", "dataset", "protocol", "source", "target", "method", "kind",
    "x", "y", "lower", "upper",
]  # fmt: skip
EXAMPLES = 2
"""Pairs that stand for two families where there are many."""
_DASHES = ("-", (0, (4, 1.6)))
_WIDE = 3.35  # inches of a panel
_HIGH, _LOW = 3.0, 2.2  # its height without the lines below its title, alone and among many


@dataclass(frozen=True)
class _Panel:
    """Curves of one pair, or of the examples of two families."""

    title: str
    tested: Tested
    pairs: tuple[tuple[str, str], ...]
    examples: bool = False


_Key = tuple[str, str, str, str, str]
_KEY = ["fitted_on", "dataset", "source", "target", "method"]


@dataclass(frozen=True)
class _Material:
    """What is drawn.

    Attributes:
        curves: by the protocol that stands for the experiment, by `_KEY`.
        points: rows that are marked on the curves, with `x` and `y`, likewise.
        results: tidy rows by that protocol, which also hold what failed.
        plan: orders models, data sets and methods.
    """

    curves: dict[_Key, pd.DataFrame]
    points: dict[_Key, pd.DataFrame]
    results: pd.DataFrame
    plan: Plan


def shown(curves: pa.Table, plan: Plan) -> pa.Table:
    """The curves that panels may show: by the protocol that stands, of shown methods, of many pairs the examples.

    These are few of many. Where nothing could be measured of a pair that is an example, one more than is shown is left.

    Args:
        curves: of maps of one experiment; columns as `records.results.CURVE_SCHEMA`.
        plan: as the figure is drawn by.
    """
    keys = ["protocol", *_KEY]
    lines = curves.select(keys).to_pandas().astype("category")
    # Rows of a curve lie together, and there are hundreds of them.
    codes = np.stack([lines[key].cat.codes.to_numpy() for key in keys])
    begins = np.flatnonzero(np.r_[len(lines) > 0, (codes[:, 1:] != codes[:, :-1]).any(axis=0)])
    heads = lines.iloc[begins].astype(object).reset_index(drop=True)
    kept = heads["method"].isin([CEILING, *plan.shown])
    kept &= heads["protocol"].isin(protocols_in_order(heads["protocol"], plan.protocols)[:1])
    models = grouped(plan.families)
    if len(pairs_of(heads[kept], models)) > FEW_PAIRS:
        kept &= _of_examples(heads[kept], models, plan).reindex(heads.index, fill_value=False)
    sizes = np.diff(np.r_[begins, len(lines)])
    return curves.filter(pa.array(np.repeat(kept.to_numpy(bool), sizes)))


def _of_examples(heads: pd.DataFrame, models: list[str], plan: Plan) -> pd.Series:
    """Whether curves are of the first pairs of two families, or ceilings."""
    found = pd.Series(data=False, index=heads.index)
    for tested in tested_in_order(heads, plan.datasets):
        here = rows_tested(heads, tested)
        pairs = pairs_of(here, models)
        groups = _by_families(pairs, plan).values()
        wanted = {pair for group in groups for pair in group[:EXAMPLES]}
        ends = zip(here["source"], here["target"], strict=True)
        found[here.index] = np.array([pair in wanted for pair in ends], bool)
    return found | (heads["method"] == CEILING)


def _by_families(pairs: list[tuple[str, str]], plan: Plan) -> dict[str, list[tuple[str, str]]]:
    """Pairs by the families of their ends."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for a, b in pairs:
        groups.setdefault(f"{plan.families[a]} → {plan.families[b]}", []).append((a, b))
    return groups


def draw_cmc(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw identification across models, a line for each method; of many pairs of models, examples."""
    curves, results = _standing(tables, "identification", plan)
    if curves.empty:
        return nothing("No map was tested on identification.", COLUMNS)

    def dress(axes: Axes) -> None:
        rank_axis(axes, float(curves["x"].max()))

    material = _Material(by_keys(curves, _KEY), {}, results, plan)
    return _draw(material, dress, ("rank", "share of probes found"))


def draw_roc(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw verification across models, from the finest operating point on that the data supports."""
    curves, results = _standing(tables, "verification", plan)
    curves = curves[curves["x"] > 0]
    if curves.empty:
        return nothing("No map was tested on verification.", COLUMNS)
    points = results[(results["status"] == "ok") & results["metric"].str.startswith("TMR@FMR=")]
    points = points.assign(x=points["metric"].map(false_match_rate).astype(float))
    points = points.assign(y=points["value"])
    start = float(points["x"].min()) if len(points) else float(curves["x"].min())

    def dress(axes: Axes) -> None:
        rate_axes(axes, start)

    lines = {key: _from(line, start) for key, line in by_keys(curves, _KEY).items()}
    material = _Material(lines, by_keys(points, _KEY), results, plan)
    return _draw(material, dress, ("FMR", "TMR"), drawstyle="steps-post")


def _standing(
    tables: list[pd.DataFrame], experiment: str, plan: Plan
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Curves and results by the protocol that stands for the experiment."""
    curves, results = (rows_of_maps(table, (experiment,)) for table in tables)
    protocols = protocols_in_order(curves["protocol"].unique(), plan.protocols)[:1]
    return tuple(table[table["protocol"].isin(protocols)] for table in (curves, results))  # pyright: ignore[reportReturnType]


def _from(line: pd.DataFrame, start: float) -> pd.DataFrame:
    """A curve from the left end of the axis on, with the last point before it, where its step begins."""
    before = line["x"][line["x"] <= start]
    return line[line["x"] >= before.max()] if len(before) else line


def _grid(results: pd.DataFrame, plan: Plan) -> list[_Panel]:
    """The panels; with several data sets side by side, those of one pair of families are a row."""
    models = grouped(plan.families)
    names = short_names(ends_of(results, models))
    many = len(pairs_of(results, models)) > FEW_PAIRS
    found = []
    for tested in tested_in_order(results, plan.datasets):
        pairs = pairs_of(rows_tested(results, tested), models)
        if not many:
            found += [_Panel(f"{names[a]} → {names[b]}", tested, ((a, b),)) for a, b in pairs]
            continue
        groups = _by_families(pairs, plan)
        found += [_Panel(g, tested, tuple(ps[:EXAMPLES]), many) for g, ps in groups.items()]
    if not _side_by_side(found):
        return found
    order = list(dict.fromkeys(panel.title for panel in found))
    return sorted(found, key=lambda panel: order.index(panel.title))


def _side_by_side(grid: list[_Panel]) -> int:
    """How many data sets are columns; 0 where there is one, too many, or not the same in each."""
    titles = {t: [p.title for p in grid if p.tested == t] for t in {p.tested for p in grid}}
    same = len({tuple(found) for found in titles.values()}) == 1
    return len(titles) if same and 1 < len(titles) <= 3 else 0


def _draw(
    material: _Material,
    dress: Callable[[Axes], None],
    labels: tuple[str, str],
    drawstyle: str = "default",
) -> Drawing:
    results, plan = material.results, material.plan
    present = {key[-1] for key in material.curves}
    methods = [method for method in plan.shown if method in present]
    looks = method_looks(present, plan.methods)
    names = short_names(ends_of(results, grouped(plan.families)))
    grid = _grid(results, plan)
    about = [_about(panel, names, results["protocol"].iloc[0]) for panel in grid]
    longest = max(len(line) for lines in about for line in lines)
    across = _side_by_side(grid) or 3
    examples = any(panel.examples for panel in grid)
    high = (_LOW if examples else _HIGH) + 0.15 * max(map(len, about))
    size = (max(_WIDE, 0.062 * longest + 0.4), high)
    figure, axes = panels(len(grid), across, size, sharey=True, sharex=True)
    dress(axes[0])
    drawn = []
    for number, (axis, panel) in enumerate(zip(axes, grid, strict=True)):
        _titled(axis, panel.title, about[number])
        for place, (source, target) in enumerate(panel.pairs):
            for method in [m for m in (CEILING, *methods) if m in looks]:
                ends = (target, target) if method == CEILING else (source, target)
                key = (panel.tested.fit, panel.tested.test, *ends, method)
                example = place if panel.examples else None
                drawn += _line(axis, material, key, looks[method], drawstyle, example)
            _say_failed(axis, rows_tested(results, panel.tested), panel, place)
        axis.grid()
        axis.tick_params(labelbottom=True)
        axis.set_xlabel(labels[0] if number >= len(grid) - across else "")
        if number % across == 0:
            axis.set_ylabel(labels[1])
    _key(figure, methods, looks, examples=examples)
    # Two panels may show one ceiling; it stands once among the numbers.
    return Drawing(figure, pd.concat(drawn, ignore_index=True).drop_duplicates(ignore_index=True))


def _about(panel: _Panel, names: dict[str, str], protocol: str) -> list[str]:
    """The lines below a title."""
    lines = [f"{panel.tested.told}, {protocol}"]
    if panel.examples:
        for style, (a, b) in zip(("solid", "dashed"), panel.pairs, strict=False):
            lines.append(f"{style}: {names[a]} → {names[b]}")
    return lines


def _titled(axes: Axes, title: str, lines: list[str]) -> None:
    axes.set_title(title, loc="left", pad=7 + 10 * len(lines))
    axes.annotate(
        "\n".join(lines), (0, 1), xytext=(0, 5), xycoords="axes fraction",
        textcoords="offset points", fontsize=7, color="#555555", linespacing=1.3,
    )  # fmt: skip


def _line(
    axes: Axes,
    material: _Material,
    key: _Key,
    look: Look,
    drawstyle: str,
    example: int | None,
) -> list[pd.DataFrame]:
    """Draw a curve and give what is drawn; unless it is the n-th example, with its band and marked points."""
    line = material.curves.get(key)
    if line is None:
        return []
    line = line.sort_values("x", kind="stable")
    ceiling = key[-1] == CEILING
    name = key[-1] if example is None else f"{key[-1]}, {('solid', 'dashed')[example]}"
    shown = {
        "color": look.colour, "drawstyle": drawstyle, "zorder": 1.5 if ceiling else 2, "label": name,
    }  # fmt: skip
    if example is None:
        axes.plot(line["x"], line["y"], ls=look.dashes, **shown)
    else:
        # Dashes tell the examples apart, so that methods have marks on their lines instead.
        marker = None if ceiling else look.marker
        axes.plot(line["x"], line["y"], ls=_DASHES[example], lw=1.1, marker=marker, ms=3.2,
                  markevery=0.3, **shown)  # fmt: skip
    drawn = [line.assign(kind="curve")[COLUMNS]]
    if example is not None or ceiling:
        return drawn
    if line["lower"].notna().all():
        axes.fill_between(
            line["x"], line["lower"], line["upper"], color=look.colour, alpha=0.13, lw=0
        )
    marks = material.points.get(key)
    if marks is not None:
        axes.vlines(marks["x"], marks["lower"], marks["upper"], color=look.colour)
        axes.plot(marks["x"], marks["y"], color=look.colour, marker=look.marker, ls="none")
        drawn.append(marks.assign(kind="operating point")[COLUMNS])
    return drawn


def _say_failed(axes: Axes, rows: pd.DataFrame, panel: _Panel, place: int) -> None:
    """A pair of which nothing could be measured has no curve; its panel says so."""
    source, target = panel.pairs[place]
    here = rows[(rows["source"] == source) & (rows["target"] == target)]
    if (here["status"] == "ok").any():
        return
    which = f"{('solid', 'dashed')[place]}: " if panel.examples else ""
    axes.annotate(
        f"{which}failed", (0.03, 0.95 - 0.1 * place), xycoords="axes fraction", va="top",
        fontsize="small", fontstyle="italic", color="#555555",
    )  # fmt: skip


def _key(figure: Figure, methods: list[str], looks: dict[str, Look], *, examples: bool) -> None:
    keys = [
        Line2D([], [], color=looks[m].colour, ls="-" if examples else looks[m].dashes,
               marker=looks[m].marker, label=m)
        for m in methods
    ]  # fmt: skip
    if CEILING in looks:
        keys.append(Line2D([], [], color=OTHER, label="ceiling"))
    legend_above(figure, keys)
