"""Put two runs side by side on a page: what changed, and by how much against the interval.

A and B are folders of results (results/studio) or tables (results.parquet), of one study before and after a change, or of two
studies. Settings are compared where the report lies beside the results.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from unispace.errors import UserError
from unispace.records.files import replacing
from unispace.records.page_settings import read_page_settings
from unispace.records.results import SCHEMA
from unispace.records.tables import read_table
from unispace.reporting.comparison_page import Run, render_comparison

TEMPLATES = Path("workflow/report")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("a", type=Path, help="folder of results, or results.parquet")
    parser.add_argument("b", type=Path, help="the other one")
    parser.add_argument("--out", type=Path, required=True, help="HTML file to write")
    parser.add_argument(
        "--templates", type=Path, default=TEMPLATES, help="folder of comparison.html.j2"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    first, second = _run(arguments.a), _run(arguments.b)
    try:
        html = render_comparison(first, second, arguments.templates)
    except ValueError as error:
        raise UserError(f"{arguments.a}, {arguments.b}: {error}") from error
    with replacing(arguments.out) as temporary:
        temporary.write_text(html, "utf-8")
    logging.getLogger(__name__).info("%s, %.1f MB", arguments.out, len(html) / 1e6)


def _run(place: Path) -> Run:
    """The run that lies somewhere.

    Raises:
        UserError: where there are no results.
    """
    file = place / "results.parquet" if place.is_dir() else place
    if not file.is_file():
        raise UserError(
            f"{file}: no results there; name a folder such as results/studio, or a table results.parquet"
        )
    settings = read_page_settings(file.parent / "report/index.html")
    return Run(str(place), read_table(file, SCHEMA), settings)
