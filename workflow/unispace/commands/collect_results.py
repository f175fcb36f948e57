"""Put all tidy rows and all curves of a study into one table each."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import pandas as pd
import pyarrow as pa

from unispace.records.results import CURVE_SCHEMA, SCHEMA
from unispace.records.tables import read_table, write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--metrics", type=Path, nargs="*", default=[])
    parser.add_argument("--curves", type=Path, nargs="*", default=[])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--all-curves", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    results = _together(arguments.metrics, SCHEMA)
    write_table(results, SCHEMA, arguments.results)
    write_table(_together(arguments.curves, CURVE_SCHEMA), CURVE_SCHEMA, arguments.all_curves)
    failed = results[results["status"] != "ok"]
    log = logging.getLogger(__name__)
    log.info("%d results, %d of them failed", len(results), len(failed))
    if len(failed):
        # At once: a line of the log for each of thousands of cells takes as long as to collect them.
        told = failed[["dataset", "protocol", "metric", "status"]].itertuples(
            index=False, name=None
        )
        lines = ("{} {} {}: {}".format(*row) for row in told)
        log.warning("failed\n%s", "\n".join(lines))


def _together(paths: list[Path], schema: pa.Schema) -> pd.DataFrame:
    tables = [read_table(path, schema) for path in sorted(paths)]
    empty = schema.empty_table().to_pandas()
    return pd.concat(tables, ignore_index=True) if tables else empty
