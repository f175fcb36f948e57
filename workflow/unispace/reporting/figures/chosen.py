"""Which rows of all results, or of all curves, a figure is drawn from: it sees no others.

So what it shows cannot depend on others, and where these alone have changed, it need not be drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


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
        text = {n: table[n].to_pandas() for n in ("experiment", "model", "source", "method")}
        kept = text["experiment"].notna()
        if self.experiments:
            kept = text["experiment"].isin(list(self.experiments))
        match self.of:
            case "models":
                kept &= text["model"].notna() & text["source"].isna()
            case "maps":
                kept &= text["method"].notna()
            case "all":
                pass
            case _:
                raise ValueError(f"no such rows: {self.of}")
        if self.methods:
            kept &= text["method"].isna() | text["method"].isin(list(self.methods))
        return table.filter(pa.array(kept.to_numpy(bool)))
