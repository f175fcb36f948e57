"""Which rows of all results, or of all curves, a figure is drawn from: it sees no others.

So what it shows cannot depend on others, and where these alone have changed, it need not be drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Rows:
    """A choice of rows.

    Attributes:
        experiments: those of these; of all if left out.
        of: `models`, those of single models; `maps`, those of maps and of means over maps; or `all`.
        methods: of maps only those of these methods, beside rows that are of no map; of all if left out.
    """

    experiments: tuple[str, ...] = ()
    of: str = "all"
    methods: tuple[str, ...] = ()

    def __call__(self, table: pa.Table) -> pa.Table:
        """The rows of a table with columns experiment, model, source and method, in their order.

        Raises:
            ValueError: there is no such kind of rows.
        """
        kept = pc.is_valid(table["experiment"])
        if self.experiments:
            kept = pc.is_in(table["experiment"], pa.array(self.experiments, pa.string()))
        match self.of:
            case "models":
                one = pc.and_(pc.is_valid(table["model"]), pc.is_null(table["source"]))
                kept = pc.and_(kept, one)
            case "maps":
                kept = pc.and_(kept, pc.is_valid(table["method"]))
            case "all":
                pass
            case _:
                raise ValueError(f"no such rows: {self.of}")
        if self.methods:
            named = pc.is_in(table["method"], pa.array(self.methods, pa.string()))
            kept = pc.and_(kept, pc.or_(pc.is_null(table["method"]), named))
        return table.filter(kept)
