"""Planted results for claims: numbers of models whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.stats import norm

from unispace.analysis.claim_models import Roles
from unispace.config.claims import ClaimsFile
from unispace.config.evaluation import Evaluation
from unispace.evaluation.measure import Measure

RESAMPLES = 999
TASKS = {"objects": "object", "faces": "face_hq", "faces_lq": "face_lq", "bodies": "person"}
MARGINS = {"AUC": 0.03, "Rank-1": 0.05, "top-1": 0.05}


def number(metric: str, value: float, deviation: float, seed: int = 0, n: int = 50) -> Measure:
    """A normal number; equal seeds are the same resamples."""
    shares = (np.arange(RESAMPLES) + 0.5) / RESAMPLES
    draws = np.random.default_rng(seed).permutation(norm.ppf(shares))
    samples = value + deviation * draws
    ends = value - 1.96 * deviation, value + 1.96 * deviation
    return Measure(metric, value, *ends, n, "identity", chance=0.1, samples=samples)


@dataclass
class Planted:
    """Numbers of models, as claims ask for them."""

    cells: dict[tuple[str, str, str, str, str], Measure] = field(default_factory=dict)

    def add(
        self, model: str, dataset: str, experiment: str, protocol: str, measure: Measure
    ) -> None:
        self.cells[model, dataset, experiment, protocol, measure.metric] = measure

    def task(
        self, model: str, dataset: str, value: float, deviation: float = 0.004, seed: int = 0
    ) -> None:
        """The number that stands for a data set."""
        if TASKS.get(dataset, "object") == "object":
            where = ("classification", "knn-5", number("top-1", value, deviation, seed))
        else:
            where = ("verification", "all-pairs", number("AUC", value, deviation, seed))
        self.add(model, dataset, *where)

    def models(self) -> list[str]:
        return list(dict.fromkeys(key[0] for key in self.cells))

    def protocols(self, model: str, dataset: str, experiment: str, metric: str) -> list[str]:
        asked = (model, dataset, experiment, metric)
        return [k[3] for k in self.cells if (*k[:3], k[4]) == asked]

    def measure(self, *key: str) -> Measure:
        return self.cells[key]  # type: ignore[index]


def roles(**other) -> Roles:
    experts = {d: f"expert-{d}" for d in TASKS}
    known = {
        "base": "base",
        "tasks": tuple(TASKS),
        "experts": experts,
        "unseen": ("digits",),
        "held_out": "held_out",
        "domains": TASKS | {"digits": "object"},
        "evaluation": Evaluation(identification=("enrol-one",)),
    }
    return Roles(**(known | other))


def file(compare: list[dict], number_of: int = 1, **other) -> ClaimsFile:
    """A file of equal claims."""
    claim = {
        "statement": "It is as it is said to be.",
        "source": "ours",
        "family": "all",
        "compare": compare,
    }
    claims = {f"c{i}": claim | other.get("claim", {}) for i in range(number_of)}
    settings = {k: v for k, v in other.items() if k != "claim"}
    return ClaimsFile.model_validate({"claims": claims, **settings})
