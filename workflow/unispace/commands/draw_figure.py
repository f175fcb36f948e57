"""Draw one figure from tidy tables, and write the numbers that are in it beside it."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from pathlib import Path

import pandas as pd

from unispace.config.curricula import Curriculum
from unispace.config.tradeoffs import Gained
from unispace.errors import UserError, did_you_mean
from unispace.records.code import version_of
from unispace.records.files import replacing, sha256_of
from unispace.records.kept import read_kept, write_kept
from unispace.records.published import read_published
from unispace.records.tables import bytes_of, read_table
from unispace.reporting.figures.drawing import Plan, save, styled
from unispace.reporting.figures.registry import FIGURES

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON: figure, models, datasets, domains, and names, curricula, tasks, base, aside, methods, shown, families, protocols, gains, sizes where it needs them",
    )
    parser.add_argument(
        "--tables", type=Path, nargs="*", default=[], help="what the figure is drawn from, in order"
    )
    parser.add_argument(
        "--published",
        type=Path,
        nargs="*",
        default=[],
        help="a table of published numbers, or none",
    )
    parser.add_argument("--style", type=Path, required=True, help="matplotlib style file")
    parser.add_argument("--svg", type=Path, required=True)
    parser.add_argument("--png", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument(
        "--kept", type=Path, help="the files once more, for the next time; left out: nowhere"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    name = settings["figure"]
    if name not in FIGURES:
        raise UserError(f"no figure `{name}`; {did_you_mean(name, FIGURES)}")
    kind = FIGURES[name]
    schemas = kind.schemas_of(len(arguments.tables))
    if schemas is None:
        raise UserError(
            f"figure `{name}` is drawn from {len(kind.schemas)} tables, got {len(arguments.tables)}; "
            f"see DRAWN_FROM in workflow/rules/report.smk"
        )
    plan = Plan(
        models=tuple(settings.get("models", ())),
        datasets=tuple(settings.get("datasets", ())),
        domains=settings["domains"],
        names=tuple(settings.get("names", ())),
        # Pairs, since canonical JSON sorts the keys of an object and loses the study's order.
        curricula={n: Curriculum.model_validate(c) for n, c in settings.get("curricula", ())},
        tasks=settings.get("tasks", {}),
        base=settings.get("base") or "",
        aside=tuple(settings.get("aside", ())),
        methods=tuple(settings.get("methods", ())),
        shown=tuple(settings.get("shown", ())),
        families=dict(settings.get("families", ())),
        protocols=tuple(settings.get("protocols", ())),
        gains=tuple(Gained(*gain) for gain in settings.get("gains", ())),
        sizes=tuple((family, tuple(members)) for family, members in settings.get("sizes", ())),
        published=read_published(arguments.published[0]) if arguments.published else None,
    )
    if kind.many and len(plan.names) != len(arguments.tables):
        raise UserError(
            f"figure `{name}`: {len(arguments.tables)} tables and {len(plan.names)} names of them"
        )
    tables = [
        read_table(path, schema, rows=kind.rows_of(place, plan))
        for place, (path, schema) in enumerate(zip(arguments.tables, schemas, strict=True))
    ]
    files = {"svg": arguments.svg, "png": arguments.png, "csv": arguments.csv}
    with styled(arguments.style):
        about = {"of": _key(arguments, tables)}
        kept = read_kept(arguments.kept)
        if kept is not None and kept.about == about:
            for ending, path in files.items():
                with replacing(path) as temporary:
                    temporary.write_bytes(kept.parts[ending])
            log.info("%s: drawn from the same rows before, taken over", name)
            return
        drawing = kind.draw(tables, plan)
        save(drawing, arguments.svg, arguments.png, arguments.csv)
    log.info("%s: %d rows drawn", name, len(drawing.table))
    if arguments.kept is not None:
        write_kept(arguments.kept, about, {n: path.read_bytes() for n, path in files.items()})


def _key(arguments: argparse.Namespace, tables: list[pd.DataFrame]) -> str:
    """Names all that decides how a figure looks."""
    libraries = ("matplotlib", "numpy", "pandas", "pillow", "pyarrow", "scipy")
    digest = hashlib.sha256(version_of("draw_figure", *libraries).encode())
    for part in (arguments.settings, *map(sha256_of, (arguments.style, *arguments.published))):
        digest.update(f"{len(part)} {part}".encode())
    for table in tables:
        digest.update(hashlib.sha256(bytes_of(table)).digest())
    return digest.hexdigest()
