"""CMC and ROC: whole curves where the tables give single points."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.headline import false_match_rate
from unispace.reporting.looks import (
    DOMAIN_TITLES,
    Look,
    in_order,
    looks,
    model_looks,
    short_names,
)

COLUMNS = ["dataset", "protocol", "series", "kind", "x", "y", "lower", "upper"]
_LINE = ["dataset", "protocol", "model"]
_RANKS = (1, 2, 5, 10, 20, 50, 100)
_SIZE = (3.35, 2.9)
_ACROSS = 3
# With more models than this, a panel holds those of one backbone.
_MANY_MODELS = 12
# Backbones with fewer models than these share a panel.
_A_PANEL = 3
_SHARED = "other backbones"


def draw_cmc(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each data set, a line with its band for each model."""
    curves = _of_models(tables[0], "identification")
    if curves.empty:
        return nothing("No model was tested on identification.", COLUMNS)
    models = in_order(curves["model"], plan.models)
    by = ["dataset", "protocol"]
    if len(models) > _MANY_MODELS:
        names, homes = _tunings(models), _homes(models)
        curves = curves.assign(series=curves["model"].map(names), panel=curves["model"].map(homes))
        styles = looks(dict.fromkeys(names.values()))
        # So many bands in one panel would hide each other; they are in the CSV.
        key = [_handle(name, look) for name, look in styles.items()]
        return _cmc_panels(curves, plan, [*by, "panel"], styles, key)
    names = short_names(models)
    curves = curves.assign(series=curves["model"].map(names))
    styles = {names[m]: look for m, look in _model_looks(models, plan).items()}
    return _cmc_panels(curves, plan, by, styles)


def draw_roc(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each data set: curves, and on them the operating points with intervals.

    The axis starts at the finest operating point that the data supports for any model: further left
    there are curves but too few false matches to read them.
    """
    curves = _of_models(tables[0], "verification")
    curves = curves[curves["x"] > 0]
    if curves.empty:
        return nothing("No model was tested on verification.", COLUMNS)
    models = in_order(curves["model"], plan.models)
    names, styles = short_names(models), _model_looks(models, plan)
    by, key = ["dataset", "protocol"], names
    if len(models) > _MANY_MODELS:
        by, key = [*by, "panel"], _tunings(models)
        shared = looks(dict.fromkeys(key.values()))
        styles = {model: shared[key[model]] for model in models}
    homes = _homes(models)
    curves = curves.assign(panel=curves["model"].map(homes))
    points = _operating_points(tables[1])
    figure, axes, grid = _grid(_groups(curves, plan, by), sharex=True)
    start = float(points["x"].min()) if len(points) else float(curves["x"].min())
    rate_axes(axes[0], start)
    lines, marked = by_keys(curves, _LINE), by_keys(points, _LINE)
    drawn = []
    for panel, (dataset, protocol, *backbone) in zip(axes, grid, strict=True):
        _headed(panel, plan, dataset, protocol, *backbone)
        for model in models:
            if backbone and homes[model] != backbone[0]:
                continue
            line = lines.get((dataset, protocol, model), curves[:0])
            # The part left of the axis is kept from its last point on, where its step ends.
            line = line.sort_values("x", kind="stable")
            line = line[line["x"] >= line.loc[line["x"] <= start, "x"].max()] if len(line) else line
            look = styles[model]
            panel.step(
                line["x"], line["y"], where="post", color=look.colour, linestyle=look.dashes,
                label=key[model],
            )  # fmt: skip
            marks = marked.get((dataset, protocol, model), points[:0])
            panel.vlines(marks["x"], marks["lower"], marks["upper"], color=look.colour)
            panel.plot(
                marks["x"], marks["y"], color=look.colour, marker=look.marker, linestyle="none"
            )
            both = pd.concat([line.assign(kind="curve"), marks.assign(kind="operating point")])
            drawn.append(both.assign(series=names[model])[COLUMNS])
        panel.grid()
        panel.set_xlabel("FMR")
    for panel in _leftmost(axes):
        panel.set_ylabel("TMR")
    last = {key[model]: styles[model] for model in models}
    legend_below(figure, [_handle(name, look, marker=True) for name, look in last.items()])
    return Drawing(figure, pd.concat(drawn, ignore_index=True))


def _cmc_panels(
    curves: pd.DataFrame,
    plan: Plan,
    by: list[str],
    styles: dict[str, Look],
    key: list[Line2D] | None = None,
) -> Drawing:
    """Draw CMC panels; with a `key` of their own, lines are too many for bands."""
    figure, axes, grid = _grid(_groups(curves, plan, by))
    drawn = []
    for panel, group in zip(axes, grid, strict=True):
        _headed(panel, plan, *group)
        here = _where(curves, **dict(zip(by, group, strict=True)))
        for series, look in styles.items():
            line = here[here["series"] == series].sort_values("x", kind="stable")
            if line.empty:
                continue
            width = 0.8 if key else None
            panel.plot(
                line["x"], line["y"], color=look.colour, ls=look.dashes, lw=width, label=series
            )
            if key is None and line["lower"].notna().all():
                panel.fill_between(
                    line["x"], line["lower"], line["upper"], color=look.colour, alpha=0.13, lw=0
                )
            drawn.append(line.assign(kind="curve")[[*COLUMNS, *by[2:]]])
        rank_axis(panel, float(here["x"].max()))
        panel.grid()
    for panel in _leftmost(axes):
        panel.set_ylabel("share of probes found")
    legend_below(figure, key or [_handle(name, look) for name, look in styles.items()])
    return Drawing(figure, pd.concat(drawn, ignore_index=True))


def _grid(
    groups: list[tuple[str, ...]], **subplots: Any
) -> tuple[Figure, list[Axes], list[tuple[str, ...]]]:
    """A figure with a panel for each group, those of a data set and a protocol side by side from the left on."""
    of_dataset = [list(same) for _, same in itertools.groupby(groups, key=lambda group: group[:2])]
    if all(len(same) == 1 for same in of_dataset):
        places = list(range(len(groups)))
    else:
        starts = itertools.accumulate(
            (-(-len(s) // _ACROSS) * _ACROSS for s in of_dataset), initial=0
        )
        places = [
            start + place
            for start, same in zip(starts, of_dataset, strict=False)
            for place in range(len(same))
        ]
    figure, axes = panels(max(places) + 1, _ACROSS, _SIZE, sharey=True, **subplots)
    for place in set(range(len(axes))) - set(places):
        # Shared axes are numbered in the last row only, which is not here below this one.
        axes[place - _ACROSS].tick_params(labelbottom=True)
        axes[place].remove()
    return figure, [axes[place] for place in places], groups


def _leftmost(axes: list[Axes]) -> list[Axes]:
    """The panels of the first column."""
    placed = ((panel, panel.get_subplotspec()) for panel in axes)
    return [panel for panel, place in placed if place is not None and place.is_first_col()]


def _headed(axes: Axes, plan: Plan, dataset: str, protocol: str, panel: str = "") -> None:
    """The data set above its panel; where it has several, what is in each, and below that the data set."""
    about = _about(plan, dataset, protocol)
    titled(axes, panel or dataset, f"{dataset}, {protocol}" if panel else about)


def rank_axis(axes: Axes, last: float) -> None:
    """Ranks on a log axis: the first few decide, the rest is context."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([rank for rank in _RANKS if rank <= last]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlim(0.95, max(2.0, last * 1.05))
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("rank")


def rate_axes(axes: Axes, start: float) -> None:
    """FMR on a log axis from `start` on, and TMR, for all panels that share them.

    Once for all of them and before anything is drawn: each call goes through every panel that shares the axis.
    """
    axes.set_xscale("log")
    axes.set_xlim(start * 0.85, 1)
    axes.set_ylim(-0.02, 1.02)


def by_keys(rows: pd.DataFrame, keys: list[str]) -> dict[Any, pd.DataFrame]:
    """The rows of each combination of keys: to look for them one by one takes far longer."""
    return dict(iter(rows.groupby(keys, sort=False)))


def _operating_points(results: pd.DataFrame) -> pd.DataFrame:
    """TMR@FMR rows that did not fail, as points with intervals."""
    rows = results[
        (results["experiment"] == "verification")
        & results["model"].notna()
        & (results["status"] == "ok")
        & results["metric"].str.startswith("TMR@FMR=")
    ]
    return rows.assign(x=rows["metric"].map(false_match_rate).astype(float), y=rows["value"])


def _of_models(curves: pd.DataFrame, experiment: str) -> pd.DataFrame:
    return curves[(curves["experiment"] == experiment) & curves["model"].notna()]


def _homes(models: list[str]) -> dict[str, str]:
    """The panel of each model: its backbone's; one or two models have none of their own, but share one."""
    backbones = {model: model.split("/")[0] for model in models}
    counts = Counter(backbones.values())
    few = [backbone for backbone, count in counts.items() if count < _A_PANEL]
    shared = _SHARED if len(few) > 1 else ""
    return {m: shared if shared and b in few else b for m, b in backbones.items()}


def _tunings(models: list[str]) -> dict[str, str]:
    """What tells the models of one panel apart: the curriculum, and the seed where there are several.

    Models that share a panel because their backbones have few are told apart by their backbones, too.
    """
    names, homes = short_names(models), _homes(models)
    seeds = {model.split("/")[-1] for model in models}
    parts = {model: model.split("/") for model in models}
    return {
        m: names[m] if homes[m] == _SHARED else "/".join(p[1:] if len(seeds) > 1 else p[1:2])
        for m, p in parts.items()
    }


def _groups(curves: pd.DataFrame, plan: Plan, by: list[str]) -> list[tuple[str, ...]]:
    """The panels, data sets in the study's order and the rest as it comes."""
    found = list(curves[by].drop_duplicates().itertuples(index=False, name=None))
    order = in_order(curves["dataset"], plan.datasets)
    return sorted(found, key=lambda group: (order.index(group[0]), group[1]))


def _where(frame: pd.DataFrame, **values: str) -> pd.DataFrame:
    for column, value in values.items():
        frame = frame[frame[column] == value]
    return frame


def _about(plan: Plan, dataset: str, protocol: str) -> str:
    domain = plan.domains.get(dataset, "")
    return ", ".join(part for part in (DOMAIN_TITLES.get(domain, domain), protocol) if part)


def _model_looks(models: list[str], plan: Plan) -> dict[str, Look]:
    """The looks of these models among all of the study, so that a model looks the same everywhere."""
    styles = model_looks(in_order(models, plan.models, whole=True))
    return {model: styles[model] for model in models}


def _handle(name: str, look: Look, marker: bool = False) -> Line2D:
    shown = look.marker if marker else None
    return Line2D([], [], color=look.colour, linestyle=look.dashes, marker=shown, label=name)
