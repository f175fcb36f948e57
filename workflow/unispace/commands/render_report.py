"""Put everything that a study found on one self-contained page."""

from __future__ import annotations

import argparse
import json
import logging
import zlib
from pathlib import Path

import pandas as pd

from unispace.config.study import Study
from unispace.records.audit import SCHEMA as AUDIT
from unispace.records.claims import CLAIMS_SCHEMA, PARTS_SCHEMA
from unispace.records.code import version_of
from unispace.records.files import read_json, replacing
from unispace.records.golden import read_acceptances
from unispace.records.humans import COMPARISON_SCHEMA, read_humans
from unispace.records.kept_made import KeptMade
from unispace.records.manifest import read_manifest
from unispace.records.published import read_published
from unispace.records.results import SCHEMA
from unispace.records.tables import read_table
from unispace.reporting.packing import room
from unispace.reporting.page import BUDGET, Material, render


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON: study, models, datasets, figures, methods, families, drawn_from, code",
    )
    parser.add_argument("--templates", type=Path, required=True, help="folder of page.html.j2")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--audit", type=Path, nargs="+", required=True)
    parser.add_argument("--figures", type=Path, required=True, help="folder of figures and sheets")
    parser.add_argument(
        "--manifests",
        type=Path,
        nargs="+",
        required=True,
        help="<dataset>/manifest.parquet of each",
    )
    parser.add_argument(
        "--cards", type=Path, nargs="*", required=True, help="model.json of each network"
    )
    parser.add_argument(
        "--own",
        type=Path,
        nargs="*",
        default=[],
        help="<model>/<dataset>/embedding.json of embeddings that were made elsewhere",
    )
    parser.add_argument("--people", type=Path, required=True, help="models beside people")
    parser.add_argument("--humans", type=Path, required=True, help="published human results")
    parser.add_argument(
        "--published",
        type=Path,
        nargs="*",
        default=[],
        help="published numbers on trade-offs, or none",
    )
    parser.add_argument(
        "--claims", type=Path, nargs="*", default=[], help="verdicts and their parts, or none"
    )
    parser.add_argument(
        "--accepted",
        type=Path,
        nargs="*",
        default=[],
        help="why results are expected as they are, or nothing",
    )
    parser.add_argument("--page", type=Path, required=True)
    parser.add_argument(
        "--kept",
        type=Path,
        help="pictures as they stand on it, for the next time; left out: nowhere",
    )


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    material = Material(
        study=Study.model_validate(settings["study"]),
        models=tuple(settings["models"]),
        datasets=tuple(settings["datasets"]),
        figures=tuple(settings["figures"]),
        results=read_table(arguments.results, SCHEMA),
        audit=pd.concat([read_table(path, AUDIT) for path in arguments.audit], ignore_index=True),
        manifests={
            path.parent.name: read_manifest(path, ("row", "label", "split"))
            for path in arguments.manifests
        },
        cards=[read_json(path) for path in arguments.cards],
        folder=arguments.figures,
        people=read_table(arguments.people, COMPARISON_SCHEMA),
        humans=read_humans(arguments.humans),
        own={_own_key(path): read_json(path) for path in arguments.own},
        # Pairs, since canonical JSON sorts the keys of an object and loses the study's order.
        methods=dict(settings["methods"]),
        families=dict(settings["families"]),
        drawn_from=settings["drawn_from"],
        code=settings["code"],
        printed=read_published(arguments.published[0]) if arguments.published else None,
        claims=_claims(arguments.claims),
        # Of the versions of the libraries too, and of the one that zlib was built with.
        kept=KeptMade(
            arguments.kept, f"{version_of('render_report', 'pillow')} {zlib.ZLIB_RUNTIME_VERSION}"
        ),
        accepted=[one for path in arguments.accepted for one in read_acceptances(path)],
    )
    html = render(material, arguments.templates, arguments.page)
    material.kept.keep()
    with replacing(arguments.page) as temporary:
        temporary.write_text(html, "utf-8")
    log = logging.getLogger(__name__)
    size = len(html.encode())
    log.info(
        "%d rows, %d figures, %.1f MB", len(material.results), len(material.figures), size / 1e6
    )
    for name, part in room(html):
        log.info("%8.1f kB %s", part / 1e3, name)
    if size > BUDGET:
        log.warning(
            "the page is larger than %.0f MB: slow to open, and too large for mail", BUDGET / 1e6
        )


def _claims(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Verdicts and their parts; None without claims."""
    if not paths:
        return None
    return read_table(paths[0], CLAIMS_SCHEMA), read_table(paths[1], PARTS_SCHEMA)


def _own_key(path: Path) -> tuple[str, str]:
    """Model and data set of embeddings/<backbone>/<curriculum>/<seed>/<dataset>/embedding.json."""
    *model, dataset = path.parent.parts[-4:]
    return "/".join(model), dataset
