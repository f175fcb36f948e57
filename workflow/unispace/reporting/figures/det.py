"""DET curves of attack detection: APCER against BPCER, both on the scale of normal deviates.

A. Martin and others, "The DET curve in assessment of detection task performance", Eurospeech 1997: on this scale scores
of two normal distributions give a straight line.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from scipy.special import ndtr, ndtri

from unispace.config.tradeoffs import DETECTION
from unispace.reporting.figures.drawing import Drawing, Plan, legend_below, nothing, panels, titled
from unispace.reporting.looks import DOMAIN_TITLES, OTHER, in_order, looks
from unispace.reporting.tradeoff_rows import curriculum_colours

COLUMNS = ["dataset", "protocol", "backbone", "model", "apcer", "bpcer", "lower", "upper"]
_TICKS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99)
_MOST = 0.95
_DETECTORS = ("probe", "head")


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each data set of attacks, detector and backbone, a line for each model."""
    curves = tables[0][(tables[0]["experiment"] == DETECTION) & tables[0]["model"].notna()]
    detectors = in_order(curves["protocol"], _DETECTORS)
    # Without variants, which are of parts of the data; where neither was used, what there is.
    plain = [p for p in detectors if p in _DETECTORS] or [p for p in detectors if "/" not in p]
    curves = curves[curves["protocol"].isin(plain)]
    if curves.empty:
        return nothing("No curve of attack detection was measured.", COLUMNS)
    curves = curves.assign(backbone=[m.split("/")[0] for m in curves["model"]])
    models = in_order(curves["model"], plan.models)
    colours = curriculum_colours((*plan.models, *models), plan.base)
    tunings = list(dict.fromkeys(m.split("/")[1] for m in models))
    # Of several seeds the lines are of one look: they differ by chance alone.
    dashes = looks(tunings)
    backbones = list(dict.fromkeys(m.split("/")[0] for m in models))
    keys = ["dataset", "protocol", "backbone"]
    there = set(curves[keys].drop_duplicates().itertuples(index=False, name=None))
    grid = [
        key
        for dataset in in_order(curves["dataset"], plan.datasets)
        for protocol in plain
        for backbone in backbones
        for key in [(dataset, protocol, backbone)]
        if key in there
    ]
    inner = curves[["x", "y"]].to_numpy(float)
    inner = inner[(inner > 0) & (inner < 1)]
    least = max(0.001, float(inner.min())) if len(inner) else 0.001
    figure, axes = panels(len(grid), 3, (3.45, 3.4))
    drawn = []
    for panel, (dataset, protocol, backbone) in zip(axes, grid, strict=True):
        domain = plan.domains.get(dataset, "")
        titled(panel, dataset, f"{DOMAIN_TITLES.get(domain, domain)}, {protocol}, {backbone}")
        here = curves[(curves["dataset"] == dataset) & (curves["protocol"] == protocol)]
        for model in (m for m in models if m.split("/")[0] == backbone):
            line = here[here["model"] == model].sort_values(["x", "y"], ascending=[True, False])
            if line.empty:
                continue
            tuning = model.split("/")[1]
            # What lies beyond the axes, where the scale has no end, is put on their border.
            x, y = (line[c].to_numpy(float).clip(least, _MOST) for c in ("x", "y"))
            panel.step(
                x,
                y,
                where="post",
                color=colours[tuning],
                linestyle=dashes[tuning].dashes,
                linewidth=1.4,
                label=tuning,
            )
            drawn.append(
                line.rename(columns={"x": "apcer", "y": "bpcer"}).assign(backbone=backbone)[COLUMNS]
            )
        _axes(panel, least)
    legend_below(
        figure,
        [Line2D([], [], color=colours[t], linestyle=dashes[t].dashes, label=t) for t in tunings],
    )
    return Drawing(figure, pd.concat(drawn, ignore_index=True))


def _axes(panel: Axes, least: float) -> None:
    """Both axes by normal deviates, with the line on which both errors are equal."""
    for axis in ("x", "y"):
        getattr(panel, f"set_{axis}scale")("function", functions=(_deviate, ndtr))
        getattr(panel, f"set_{axis}lim")(least, _MOST)
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_locator(FixedLocator([t for t in _TICKS if least <= t <= _MOST]))
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}"))
        axis.set_minor_locator(NullLocator())
    panel.plot([least, _MOST], [least, _MOST], color=OTHER, linewidth=0.8, linestyle=":", zorder=0)
    panel.grid()
    panel.set_xlabel("APCER in %")
    panel.set_ylabel("BPCER in %")


def _deviate(share: np.ndarray) -> np.ndarray:
    """The normal deviate of a share, finite at both ends, which axes ask for."""
    return ndtri(np.clip(share, 1e-9, 1 - 1e-9))
