"""The page: everything a study found, in one file that needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any

import pandas as pd
import yaml

from unispace.config.study import Study
from unispace.errors import UserError
from unispace.evaluation.gelo import EXPERIMENT as GELO
from unispace.evaluation.gelo import FIXED_SETS
from unispace.evaluation.tasks import ATTACK_DETECTION
from unispace.records.golden import Acceptance
from unispace.records.kept_made import KeptMade
from unispace.reporting.audit import audit_lines, findings
from unispace.reporting.cards import dataset_cards, fingerprint, model_cards, starts
from unispace.reporting.claims_section import claims_section
from unispace.reporting.controls import controls
from unispace.reporting.every_number import every_number
from unispace.reporting.forgetting import forgetting_table, unseen_table
from unispace.reporting.main_table import main_table
from unispace.reporting.map_rows import (
    FAMILIES,
    PAIRS,
    PAPER_FAMILIES,
    PAPER_PAIRS,
    rows_of_maps,
)
from unispace.reporting.map_structure import PAIR_ANALYSES
from unispace.reporting.maps_section import maps_section
from unispace.reporting.origins import origins
from unispace.reporting.own import own_cards
from unispace.reporting.packing import packed
from unispace.reporting.people import people_lines, published
from unispace.reporting.pictures import figures, sheets
from unispace.reporting.pretraining import pretraining_checks
from unispace.reporting.roles import tuned_models
from unispace.reporting.structure_table import findings_table
from unispace.reporting.tables import by_model, taken
from unispace.reporting.templating import render_template
from unispace.reporting.tradeoffs_section import tradeoffs_section

# What decides numbers and pictures; names as on PyPI.
_PACKAGES = (
    "torch", "torchvision", "timm", "open-clip-torch", "safetensors", "numpy", "scipy",
    "scikit-learn", "pandas", "pyarrow", "pillow", "matplotlib", "jinja2", "pydantic", "snakemake",
)  # fmt: skip
BUDGET = 15_000_000
"""Bytes of a page: a larger one is slow to open and refused by mail."""
# A row of the full table takes 12 bytes in the page, and some hundred in a browser.
_ROW_BUDGET = 200_000


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
        printed: numbers of the trade-offs paper; None where the study does not show them.
        drawn_from: paths of the tables of each figure.
        code: version of the code that draws figures.
        claims: verdicts on claims and the parts that they rest on, rows of `records.claims`; None without claims.
        accepted: changes of the expected results, the first one first.
        kept: what was made of pictures before.
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
    printed: pd.DataFrame | None = None
    drawn_from: Mapping[str, Sequence[str]] = field(default_factory=dict)
    code: str = ""
    claims: tuple[pd.DataFrame, pd.DataFrame] | None = None
    accepted: Sequence[Acceptance] = ()
    kept: KeptMade = field(default_factory=lambda: KeptMade(None, ""))


def render(material: Material, templates: Path, page: Path) -> str:
    """Render the page as HTML.

    Args:
        material: what it shows.
        templates: folder with page.html.j2, the templates it includes, its style and its scripts.
        page: where it will lie, for relative links to the figures.

    Raises:
        UserError: where a template or a picture is missing, or a template is wrong.
    """
    return render_template(
        templates,
        "page.html.j2",
        style="page.css",
        scripts=("page.js", "curves.js", "tables.js"),
        context=_context(material, page),
        filters={"taken": taken, "packed": lambda markup: packed(str(markup).encode())},
    )


def _context(material: Material, page: Path) -> dict[str, Any]:
    _check(material)
    study, results = material.study, material.results
    order = (material.models, material.datasets)
    failed = results[results["status"] != "ok"]
    config = yaml.safe_dump(
        study.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100
    )
    pictures = figures(material.figures, material.folder, page, material.kept)
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
        "figures": pictures,
        "origins": origins(
            pictures,
            material.drawn_from,
            f"results/{study.study}/report/figures",
            f"results/{study.study}",
        ),
        "code": material.code,
        "sheets": sheets(
            [d for d in material.datasets if study.datasets[d].has_images],
            material.folder,
            page,
            material.kept,
        ),
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
        "claims": claims_section(material.claims),
        "tradeoffs": tradeoffs_section(study, results, *order, material.printed),
        "rows": every_number(_listed(results), *order, tuple(material.methods)),
        "measured": len(results),
        "failed": len(failed),
        "failures": [
            (m, card["failed"])
            for m in material.models
            for card in material.cards
            if card["model"] == m and card.get("failed")
        ],
        "protocols": _protocols(results),
        "config": config,
        "fingerprint": fingerprint(config),
        "versions": _versions(),
        "accepted": material.accepted,
    }


def _protocols(results: pd.DataFrame) -> list[str]:
    """The protocols to explain; those of attack detection by their detectors, whose variants are explained there."""
    variants = (results["experiment"] == ATTACK_DETECTION) & results["protocol"].str.contains("/")
    return sorted(set(results.loc[~variants, "protocol"]))


def _listed(results: pd.DataFrame) -> pd.DataFrame:
    """The rows of the full table; of too many for a page those that other parts of it show or sum up are left out.

    These are maps, alone and by family, variants of attack detection, and averages over general sets as they are.
    """
    if len(results) <= _ROW_BUDGET:
        return results
    kept = results.drop(rows_of_maps(results, (*PAIRS, *PAPER_PAIRS)).index)
    variants = (kept["experiment"] == ATTACK_DETECTION) & (
        kept["protocol"].str.contains("/") | kept["metric"].str.endswith("-of-val")
    )
    fixed = (kept["experiment"] == GELO) & kept["protocol"].str.endswith(f"/{FIXED_SETS}")
    summed_up = kept["experiment"].isin([*PAIR_ANALYSES, *FAMILIES, *PAPER_FAMILIES])
    return kept[~summed_up & ~variants & ~fixed]


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


def _versions() -> list[tuple[str, str]]:
    found = [("python", python_version())]
    for package in _PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return found
