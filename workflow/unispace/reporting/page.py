"""The page: everything a study found, in one file that needs no network."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from markupsafe import Markup

from unispace.config.study import Study
from unispace.errors import UserError
from unispace.reporting.audit import audit_lines, findings
from unispace.reporting.cards import dataset_cards, fingerprint, model_cards, starts
from unispace.reporting.controls import controls
from unispace.reporting.forgetting import forgetting_table, unseen_table
from unispace.reporting.main_table import main_table
from unispace.reporting.map_rows import PAIRS, PAPER_PAIRS, rows_of_maps
from unispace.reporting.map_structure import PAIR_ANALYSES
from unispace.reporting.maps_section import maps_section
from unispace.reporting.own import own_cards
from unispace.reporting.people import people_lines, published
from unispace.reporting.pretraining import pretraining_checks
from unispace.reporting.roles import tuned_models
from unispace.reporting.structure_table import findings_table
from unispace.reporting.tables import all_rows, by_model

# What decides numbers and pictures; names as on PyPI.
_PACKAGES = (
    "torch", "torchvision", "timm", "open-clip-torch", "safetensors", "numpy", "scipy",
    "scikit-learn", "pandas", "pyarrow", "pillow", "matplotlib", "jinja2", "pydantic", "snakemake",
)  # fmt: skip
# A page above 15 MB is slow to open and refused by mail; base64 adds a third to its pictures.
_SHEET_BUDGET = 9_000_000
# A row of the full table takes 0.7 kB, and browsers are slow with tables that are much longer.
_ROW_BUDGET = 8_000


@dataclass(frozen=True)
class Picture:
    """A figure or sheet on the page; `uri` is empty where it is only linked."""

    name: str
    uri: str
    width: int
    height: int
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Material:
    """What the page is made of.

    Attributes:
        study: the study.
        models, datasets: in the study's order.
        figures: names of the figures on the page.
        results: tidy rows.
        audit: rows of the audit of the data.
        manifests: of each data set.
        cards: of the models.
        folder: where figures and sheets are.
        people: models beside people, rows of `records.humans.COMPARISON_SCHEMA`.
        humans: the published results of people.
        own: records of embeddings that were made elsewhere, by model and data set.
        methods: of maps, with their settings, in the study's order.
        families: of each mapped model, in the study's order.
    """

    study: Study
    models: tuple[str, ...]
    datasets: tuple[str, ...]
    figures: tuple[str, ...]
    results: pd.DataFrame
    audit: pd.DataFrame
    manifests: Mapping[str, pd.DataFrame]
    cards: Sequence[dict[str, Any]]
    folder: Path
    people: pd.DataFrame
    humans: pd.DataFrame
    own: Mapping[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)


def render(material: Material, templates: Path, page: Path) -> str:
    """Render the page as HTML.

    Args:
        material: what it shows.
        templates: folder with page.html.j2, the templates it includes, page.css and page.js.
        page: where it will lie, for relative links to the figures.

    Raises:
        UserError: where a template or a picture is missing, or a template is wrong.
    """
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = lambda n: f"{n:,}"
    parts = {name: _text(templates / name) for name in ("page.css", "page.js")}
    try:
        return environment.get_template("page.html.j2").render(
            # Ours, not the study's: the only text that is not escaped.
            css=Markup(parts["page.css"]),  # noqa: S704
            js=Markup(parts["page.js"]),  # noqa: S704
            **_context(material, page),
        )
    except TemplateError as error:
        name = getattr(error, "name", None) or "page.html.j2"
        raise UserError(f"{templates}/{name}: {type(error).__name__}: {error}") from error


def _context(material: Material, page: Path) -> dict[str, Any]:
    _check(material)
    study, results = material.study, material.results
    order = (material.models, material.datasets)
    failed = results[results["status"] != "ok"]
    listed = _listed(results)
    config = yaml.safe_dump(
        study.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100
    )
    datasets = dataset_cards(study, material.datasets, material.manifests)
    models = model_cards(study, material.models, material.datasets, material.cards)
    own = own_cards(study, material.models, material.datasets, material.own)
    cards = [*material.cards, *({"model": m.name, "dimension": m.dimension} for m in own)]
    without = [d for d in material.datasets if not study.datasets[d].has_images]
    sources = {name: study.datasets[name].source for name in material.datasets}
    return {
        "study": study,
        "results_path": f"results/{study.study}",
        "datasets": datasets,
        "audit": audit_lines(material.audit, material.datasets, without),
        "findings": findings(material.audit),
        "models": models,
        "own": own,
        "without_images": without,
        "domains": {study.datasets[name].domain for name in study.evaluation.datasets},
        "ours": list(
            dict.fromkeys(
                m.curriculum for m in tuned_models(study, material.models) if m.kind == "IMIC"
            )
        ),
        "starts": starts(models),
        "studio": [name for name, source in sources.items() if source.kind == "studio"],
        "degraded": [card.name for card in datasets if card.degraded],
        "pretrained": [n for n, b in study.backbones.items() if b.weights.kind == "pretrain"],
        "figures": {name: _figure(name, material.folder, page) for name in material.figures},
        "sheets": _sheets(material, page),
        "main": main_table(study, results, *order),
        "forgetting": forgetting_table(study, results, *order),
        "unseen": unseen_table(study, results, *order),
        "people": people_lines(material.people, *order),
        "published": published(material.humans),
        "pretraining": pretraining_checks(study, results, *order),
        "tasks": by_model(results, *order),
        "controls": controls(study, results, material.datasets),
        "structure": findings_table(results, tuple(material.methods), material.datasets),
        "maps": maps_section(
            study, results, material.datasets, material.methods, material.families, cards
        ),
        "rows": all_rows(listed, *order, tuple(material.methods)),
        "measured": len(results),
        "failed": len(failed),
        "failures": [
            (m, card["failed"])
            for m in material.models
            for card in material.cards
            if card["model"] == m and card.get("failed")
        ],
        "protocols": sorted(set(results["protocol"])),
        "config": config,
        "fingerprint": fingerprint(config),
        "versions": _versions(),
    }


def _listed(results: pd.DataFrame) -> pd.DataFrame:
    """The rows of the full table: without those of single maps where there are too many for a page."""
    if len(results) <= _ROW_BUDGET:
        return results
    kept = results.drop(rows_of_maps(results, (*PAIRS, *PAPER_PAIRS)).index)
    return kept[~kept["experiment"].isin(PAIR_ANALYSES)]


def _check(material: Material) -> None:
    """Refuse to leave out what the study names.

    Raises:
        UserError: where a manifest, a card or a record is missing.
    """
    missing = [f"manifest of `{d}`" for d in material.datasets if d not in material.manifests]
    known = {card.get("model") for card in material.cards}
    own = material.study.own_models()
    missing += [f"card of `{m}`" for m in material.models if m not in known and m not in own]
    missing += [
        f"record of `{m}` on `{d}`"
        for m in own
        for d in material.study.evaluation.datasets
        if (m, d) not in material.own
    ]
    if missing:
        raise UserError(
            f"the page lacks the {', the '.join(missing)}; they go with --manifests, --cards and --own, "
            f"see rule render_report in workflow/rules/report.smk"
        )


def _figure(name: str, folder: Path, page: Path) -> Picture:
    content = _bytes(folder / f"{name}.svg", page)
    size = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', content[:2000])
    if size is None:
        raise UserError(
            f"{folder / name}.svg: no figure of ours; delete it and run snakemake again"
        )
    # A point is 4/3 of a CSS pixel: text of all figures comes out in one size.
    width, height = (round(float(side) * 4 / 3) for side in size.groups())
    files = tuple(
        (kind.upper(), _link(folder / f"{name}.{kind}", page)) for kind in ("svg", "png", "csv")
    )
    return Picture(name, _uri("image/svg+xml", content), width, height, files)


def _sheets(material: Material, page: Path) -> list[tuple[str, Picture]]:
    """The contact sheets; those beyond the budget are linked and not embedded."""
    sheets, spent = [], 0
    for dataset in material.datasets:
        if not material.study.datasets[dataset].has_images:
            continue
        path = material.folder / f"sheet_{dataset}.png"
        content = _bytes(path, page)
        width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
        fits = spent + len(content) <= _SHEET_BUDGET
        spent += len(content) if fits else 0
        files = (("PNG", _link(path, page)), ("CSV", _link(path.with_suffix(".csv"), page)))
        uri = _uri("image/png", content) if fits else ""
        sheets.append((dataset, Picture(path.stem, uri, width, height, files)))
    return sheets


def _bytes(path: Path, page: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: not there, {page} shows it; run `snakemake --cores 2 {path}` to make it"
        ) from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; it belongs to the repository, restore it") from error


def _link(path: Path, page: Path) -> str:
    """A link from the page, so that the folder can be moved or zipped."""
    return Path(os.path.relpath(path, page.parent)).as_posix()


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _versions() -> list[tuple[str, str]]:
    found = [("python", python_version())]
    for package in _PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return found
