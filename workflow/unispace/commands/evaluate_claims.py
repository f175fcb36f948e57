"""Judge claims by the results of a study."""

from __future__ import annotations

import argparse
import json
import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unispace.analysis.claim_models import Roles, parts_of_gelo, parts_of_models
from unispace.analysis.claim_parts import Part, over
from unispace.analysis.claim_tables import (
    parts_of_components,
    parts_of_efficiency,
    parts_of_rows,
)
from unispace.analysis.claims import Judged, Verdict, judge
from unispace.commands.common import evaluation as io
from unispace.commands.common.measured import Measured
from unispace.config.claims import (
    Claim,
    ClaimsFile,
    OfComponents,
    OfEfficiency,
    OfGelo,
    OfModels,
    OfRows,
    Tested,
)
from unispace.config.claims_file import read_claims
from unispace.config.evaluation import Evaluation
from unispace.data.held_out import HELD_OUT
from unispace.evaluation.measure import Measure
from unispace.evaluation.tasks import TASK_EXPERIMENTS
from unispace.records.claims import ABOUT, CLAIMS_SCHEMA, PARTS_SCHEMA
from unispace.records.results import EFFICIENCY_SCHEMA, PCA_SCHEMA, SCHEMA
from unispace.records.tables import read_table, write_table

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings", required=True, help="JSON: seed, files, roles, evaluation, margins"
    )
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument(
        "--samples", type=Path, nargs="*", default=[], help="metrics of every resample of models"
    )
    parser.add_argument("--components", type=Path, nargs="*", default=[], help="curves of PCA")
    parser.add_argument("--efficiency", type=Path, nargs="*", default=[])
    parser.add_argument("--verdicts", type=Path, required=True)
    parser.add_argument("--parts", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    files = read_claims(settings["files"])
    claims = {name: (file, claim) for file in files.values() for name, claim in file.claims.items()}
    material = _Material.read(arguments, settings)
    parts = {
        name: [(asked, material.parts(asked)) for asked in claim.compare]
        for name, (_, claim) in claims.items()
    }
    verdicts = judge(claims, parts, settings["margins"])
    write_table(_verdicts(verdicts, claims), CLAIMS_SCHEMA, arguments.verdicts)
    write_table(_parts(verdicts), PARTS_SCHEMA, arguments.parts)
    for verdict in verdicts:
        name = "/".join(part for part in (verdict.claim, verdict.variant) if part)
        log.info("%s: %s%s", name, verdict.verdict, f" ({verdict.why})" if verdict.why else "")


@dataclass(frozen=True)
class _Numbers:
    """The numbers of single models, as the analysis asks for them."""

    measured: Measured
    names: tuple[str, ...]

    def models(self) -> Sequence[str]:
        return self.names

    def protocols(self, model: str, dataset: str, experiment: str, metric: str) -> list[str]:
        return self.measured.protocols(model, dataset, experiment, metric)

    def measure(
        self, model: str, dataset: str, experiment: str, protocol: str, metric: str
    ) -> Measure:
        return self.measured.found(model, dataset, experiment, protocol, metric).measure


@dataclass(frozen=True)
class _Material:
    """What claims are judged by."""

    results: pd.DataFrame
    numbers: _Numbers
    components: pd.DataFrame
    efficiency: pd.DataFrame
    roles: Roles
    seed: int

    @classmethod
    def read(cls, arguments: argparse.Namespace, settings: dict[str, Any]) -> _Material:
        roles = settings["roles"]
        results = read_table(arguments.results, SCHEMA)
        levels = results[results["experiment"].isin(TASK_EXPERIMENTS) & results["model"].notna()]
        numbers = _Numbers(Measured.of(levels, arguments.samples), tuple(settings["models"]))
        return cls(
            results,
            numbers,
            _together(arguments.components, PCA_SCHEMA),
            _together(arguments.efficiency, EFFICIENCY_SCHEMA),
            Roles(
                base=roles["base"],
                tasks=tuple(roles["tasks"]),
                experts=roles["experts"],
                unseen=tuple(roles["unseen"]),
                held_out=HELD_OUT,
                domains=dict(roles["domains"]),
                evaluation=Evaluation.model_validate(settings["evaluation"]),
                general=tuple(roles["general"]),
                accuracy=roles["accuracy"],
                sizes={name: tuple(sizes) for name, sizes in roles["sizes"]},
            ),
            settings["seed"],
        )

    def parts(self, asked: Tested) -> list[Part]:
        """All parts of a comparison, those of several seeds as their mean."""
        if isinstance(asked, OfModels):
            return parts_of_models(asked, self.roles, self.numbers)
        if isinstance(asked, OfGelo):
            generator = partial(io.generator, self.seed, "claims", "gelo")
            return parts_of_gelo(asked, self.roles, self.numbers, generator)
        if isinstance(asked, OfRows):
            return over(parts_of_rows(asked, self.results), "seed")
        if isinstance(asked, OfComponents):
            return over(parts_of_components(asked, self.components), "seed")
        if isinstance(asked, OfEfficiency):
            return parts_of_efficiency(asked, self.efficiency)
        raise TypeError(f"no comparison: {asked!r}")


def _together(paths: Iterable[Path], schema: Any) -> pd.DataFrame:
    tables = [read_table(path, schema) for path in paths]
    empty = schema.empty_table().to_pandas()
    return pd.concat(tables, ignore_index=True) if tables else empty


def _verdicts(
    verdicts: Sequence[Verdict], claims: dict[str, tuple[ClaimsFile, Claim]]
) -> pd.DataFrame:
    rows = [
        {
            "claim": v.claim,
            "variant": v.variant,
            "statement": v.settings.statement,
            "source": v.settings.source,
            "ours": v.settings.ours,
            "family": v.settings.family,
            "verdict": v.verdict,
            "why": v.why,
            **_decisive(v.decisive),
            "p_value": v.p_value,
            "p_corrected": v.p_corrected,
            "p_contrary": v.p_contrary,
            "p_contrary_corrected": v.p_contrary_corrected,
            "alpha": claims[v.claim][0].alpha,
            "correction": claims[v.claim][0].correction,
            "parts": len(v.parts),
            "met": sum(part.p_value <= claims[v.claim][0].alpha for part in v.parts),
            "rows": sum(part.part.rows for part in v.parts),
            "p_seeds": v.p_seeds,
            "figure": v.settings.figure,
        }
        for v in verdicts
    ]
    return pd.DataFrame(rows, columns=CLAIMS_SCHEMA.names)


def _decisive(judged: Judged | None) -> dict[str, Any]:
    if judged is None:
        empty = dict.fromkeys(("effect", "lower", "upper", "seed_deviation"), math.nan)
        return {"about": "", "test": "", "metric": "", "n": 0, "unit": "", "seeds": 0, **empty}
    part, measure = judged.part, judged.part.measure
    seeds = part.seeds
    return {
        "about": part.words(),
        "test": judged.test,
        "metric": part.about.get("metric", measure.metric),
        "effect": measure.value,
        "lower": measure.lower,
        "upper": measure.upper,
        "n": measure.n,
        "unit": measure.unit,
        "seeds": len(seeds) or 1,
        "seed_deviation": float(np.std(seeds, ddof=1)) if len(seeds) > 1 else math.nan,
    }


def _parts(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    rows = [
        {
            "claim": v.claim,
            "variant": v.variant,
            "about": one.part.words(),
            "test": one.test,
            **{name: one.part.about.get(name) for name in ABOUT},
            **{
                key: getattr(one.part.measure, key)
                for key in ("value", "lower", "upper", "n", "unit")
            },
            "p_value": one.p_value,
            "p_contrary": one.p_contrary,
            "rows": one.part.rows,
            "status": one.part.measure.status if not one.why else f"failed: {one.why}",
        }
        for v in verdicts
        for one in v.parts
    ]
    return pd.DataFrame(rows, columns=PARTS_SCHEMA.names)
