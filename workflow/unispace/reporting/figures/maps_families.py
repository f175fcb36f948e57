"""How compatible families of models are: means over the maps within a family and between two."""

from __future__ import annotations

import pandas as pd

from unispace.reporting.figures.bands import COLUMNS, draw_bands
from unispace.reporting.figures.drawing import Drawing, Plan, nothing
from unispace.reporting.map_rows import FAMILIES, pairs_of, rows_of_maps


def draw(tables: list[pd.DataFrame], plan: Plan) -> Drawing:
    """Draw a panel for each metric of what maps were fitted and tested on, a band for each two families."""
    rows = rows_of_maps(tables[0], FAMILIES)
    families = list(dict.fromkeys(plan.families.values()))
    bands = pairs_of(rows, families)
    if not bands:
        return nothing("No mean over maps was taken.", COLUMNS)
    return draw_bands(rows, plan, bands, {name: name for pair in bands for name in pair})
