"""All figures: how each is drawn, and from which tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from unispace.config.tradeoffs import DETECTION
from unispace.evaluation.gelo import EXPERIMENT as TRADEOFFS
from unispace.evaluation.tasks import TASK_EXPERIMENTS
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.results import (
    ASYMMETRY_SCHEMA,
    CURVE_SCHEMA,
    EFFICIENCY_SCHEMA,
    GEOMETRY_SCHEMA,
    LEAKS_SCHEMA,
    LINKAGE_SCHEMA,
    MAP_VIEW_SCHEMA,
    PCA_NUMBERS_SCHEMA,
    PCA_SCHEMA,
    RETRIEVAL_SCHEMA,
    SCHEMA,
    VIEW_SCHEMA,
)
from unispace.reporting.figures import (
    conflicts,
    curves,
    det,
    forgetting,
    gelo,
    gelo_bond,
    gelo_compatibility,
    gelo_drops,
    gelo_factors,
    gelo_pareto,
    gelo_path,
    interpolation,
    losses,
    maps,
    maps_centrality,
    maps_curves,
    maps_efficiency,
    maps_families,
    maps_geometry,
    maps_schematic,
    maps_security,
    maps_similarity,
    maps_structure,
    maps_views,
    pca_transfer,
    planted,
    retrieval,
    schedule,
    separability,
    tasks,
    views,
)
from unispace.reporting.figures.chosen import Rows
from unispace.reporting.figures.drawing import Drawing, Plan
from unispace.reporting.map_rows import FAMILIES, PAIRS, PLANTED
from unispace.reporting.map_structure import COMPATIBILITY
from unispace.reporting.numbers import CHANGE


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Attributes:
        draw: from its tables and its plan to the drawing.
        schemas: of its tables in their order.
        many: the last schema stands for any number of tables.
        rows: of its tables, which rows it gets; None, or left out at the end, for all.
        narrow: leaves out rows of the first table that the plan has no place for; None where it has one for all.
    """

    draw: Callable[[list[pd.DataFrame], Plan], Drawing]
    schemas: tuple[pa.Schema, ...]
    many: bool = False
    rows: tuple[Rows | None, ...] = ()
    narrow: Callable[[pa.Table, Plan], pa.Table] | None = None

    def schemas_of(self, count: int) -> list[pa.Schema] | None:
        """The schemas of `count` tables; None where the figure is not drawn from so many."""
        if self.many:
            return [self.schemas[0]] * count
        return list(self.schemas) if count == len(self.schemas) else None

    def rows_of(self, place: int, plan: Plan) -> Callable[[pa.Table], pa.Table] | None:
        """Which rows of a table it gets; None for all."""
        rows, narrow = self.rows[place] if place < len(self.rows) else None, self.narrow
        if place or narrow is None:
            return rows
        return lambda table: narrow(table if rows is None else rows(table), plan)


FIGURES = {
    "tasks": Kind(tasks.draw, (SCHEMA,), rows=(Rows(TASK_EXPERIMENTS, "models"),)),
    "cmc": Kind(curves.draw_cmc, (CURVE_SCHEMA,), rows=(Rows(("identification",), "models"),)),
    "roc": Kind(
        curves.draw_roc, (CURVE_SCHEMA, SCHEMA), rows=2 * (Rows(("verification",), "models"),)
    ),
    "maps": Kind(maps.draw, (SCHEMA,), rows=(Rows(PAIRS, "maps"),)),
    "maps_schematic": Kind(maps_schematic.draw, ()),
    "maps_families": Kind(maps_families.draw, (SCHEMA,), rows=(Rows(FAMILIES, "maps"),)),
    "maps_cmc": Kind(
        maps_curves.draw_cmc,
        (CURVE_SCHEMA, SCHEMA),
        rows=2 * (Rows(("identification",), "maps"),),
        narrow=maps_curves.shown,
    ),
    "maps_roc": Kind(
        maps_curves.draw_roc,
        (CURVE_SCHEMA, SCHEMA),
        rows=2 * (Rows(("verification",), "maps"),),
        narrow=maps_curves.shown,
    ),
    "planted": Kind(planted.draw, (SCHEMA,), rows=(Rows((PLANTED,)),)),
    "maps_structure": Kind(
        maps_structure.draw, (SCHEMA, LINKAGE_SCHEMA), rows=(Rows((COMPATIBILITY, *PAIRS), "maps"),)
    ),
    "maps_centrality": Kind(
        maps_centrality.draw,
        (SCHEMA, ASYMMETRY_SCHEMA),
        rows=(Rows((COMPATIBILITY, *PAIRS), "maps"),),
    ),
    "maps_geometry": Kind(
        maps_geometry.draw, (SCHEMA, GEOMETRY_SCHEMA), rows=(Rows(("geometry",), "maps"),)
    ),
    "maps_similarity": Kind(maps_similarity.draw, (SCHEMA,), rows=(Rows(("similarity",)),)),
    "retrieval": Kind(retrieval.draw, (RETRIEVAL_SCHEMA,)),
    "maps_efficiency": Kind(maps_efficiency.draw, (EFFICIENCY_SCHEMA,), many=True),
    "maps_security": Kind(maps_security.draw, (LEAKS_SCHEMA,), many=True),
    "maps_views": Kind(maps_views.draw, (MAP_VIEW_SCHEMA,)),
    "gelo": Kind(gelo.draw, (SCHEMA,), rows=(Rows((TRADEOFFS,)),)),
    "gelo_pareto": Kind(gelo_pareto.draw, (SCHEMA,), rows=(Rows((TRADEOFFS,)),)),
    "gelo_path": Kind(gelo_path.draw, (SCHEMA,), rows=(Rows((TRADEOFFS,)),)),
    "gelo_drops": Kind(gelo_drops.draw, (SCHEMA,), rows=(Rows((TRADEOFFS,)),)),
    "gelo_bond": Kind(gelo_bond.draw, (SCHEMA,), rows=(Rows((TRADEOFFS,)),)),
    "gelo_factors": Kind(gelo_factors.draw, (SCHEMA,), rows=(Rows((TRADEOFFS,)),)),
    "gelo_compatibility": Kind(
        gelo_compatibility.draw,
        (SCHEMA,),
        rows=(Rows((TRADEOFFS, *PAIRS), methods=gelo_compatibility.METHODS),),
    ),
    "det": Kind(det.draw, (CURVE_SCHEMA,), rows=(Rows((DETECTION,), "models"),)),
    "views": Kind(views.draw, (VIEW_SCHEMA, SCHEMA), rows=(None, Rows(("separability",)))),
    "separability": Kind(separability.draw, (SCHEMA,), rows=(Rows(("separability",)),)),
    "pca_transfer": Kind(pca_transfer.draw, (PCA_SCHEMA,), many=True),
    "pca_components": Kind(pca_transfer.draw_components, (PCA_NUMBERS_SCHEMA,), many=True),
    "schedule": Kind(schedule.draw, ()),
    "forgetting": Kind(forgetting.draw, (SCHEMA,), rows=(Rows((CHANGE,)),)),
    "interpolation": Kind(interpolation.draw, (SCHEMA,), rows=(Rows(TASK_EXPERIMENTS, "models"),)),
    "conflicts": Kind(conflicts.draw, (HISTORY_SCHEMA,), many=True),
    "losses": Kind(losses.draw, (HISTORY_SCHEMA,), many=True),
}
