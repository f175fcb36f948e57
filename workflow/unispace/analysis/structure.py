"""The structure of one matrix of compatibility as measures and tables: everything that is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from unispace.analysis.associations import (
    Association,
    asymmetry,
    cluster_agreement,
    family_structure,
    separability_relation,
)
from unispace.analysis.compatibility import Compatibility, Dendrogram, centrality, dendrogram
from unispace.evaluation.measure import Measure

WITHIN, BETWEEN, DIFFERENCE = "within", "between", "within - between"
AGREEMENT = "cluster agreement"
BY_GAP = "asymmetry by dimension gap"
BY_OWN = "incoming by own"
COPHENETIC = "cophenetic"
INCOMING, OUTGOING = "incoming", "outgoing"
TESTED = (DIFFERENCE, AGREEMENT, BY_GAP, BY_OWN)
"""What has a p value."""
P_VALUE = "-p"
"""Behind the name of a measure: its p value."""
_MERGES = ("step", "left", "right", "distance", "size", "leaves")
_FEWEST = 2
"""Models below which nothing is compatible with anything."""


@dataclass(frozen=True, eq=False)
class Structure:
    """What one matrix of compatibility says.

    Attributes:
        models: measures `incoming` and `outgoing` of every model, failed with the reason for those left out.
        findings: measures about all models together; the p value of each is a measure of its own (n: permutations).
        merges: steps of the dendrogram, columns of `records.results.LINKAGE_SCHEMA` from `step` on; empty with fewer
            than two models.
        pairs: as `associations.asymmetry` gives them; empty with fewer than two models.
    """

    models: dict[str, list[Measure]]
    findings: list[Measure]
    merges: pd.DataFrame
    pairs: pd.DataFrame


def structure(
    matrix: Compatibility,
    family: Mapping[str, str],
    dimension: Mapping[str, int],
    permutations: int,
    stream: Callable[[str], np.random.Generator],
) -> Structure:
    """Take a matrix of compatibility apart.

    Models are left out until no cell is empty. What families say (`within`, `between`, `within - between`, `cluster
    agreement`) has no meaning where all models are of one family, and what dimensions say (`asymmetry by dimension
    gap`) none where all spaces have one: these are then left out. Every other number that cannot be given is a
    failed one.

    Args:
        matrix: of two or more models; its diagonal holds the ceilings.
        family: of each model.
        dimension: of the space of each model.
        permutations: random permutations of the models, if not all.
        stream: random numbers of a test, by its name.

    Returns:
        Findings: means `within` and `between` families and their difference; `cluster agreement`, the adjusted Rand
        index of clusters and families; `asymmetry by dimension gap` and `incoming by own` (the ceiling of the
        target), Spearman's rho; `cophenetic`, how well the tree keeps the distances, without an interval of its own.

    Raises:
        ValueError: A model has no family or no dimension.
    """
    whole, out = matrix.complete()
    count = len(whole.models)
    unit = "model" if matrix.samples is None else "identity"
    models = {
        model: [Measure.failed(metric, 0, unit, why) for metric in (INCOMING, OUTGOING)]
        for model, why in out.items()
    }
    several = len({family[name] for name in matrix.models}) > 1
    uneven = len({dimension[name] for name in matrix.models}) > 1
    if count < _FEWEST:
        why = f"{count} of {len(matrix.models)} models have numbers with each other"
        models |= {
            model: [Measure.failed(metric, 0, unit, why) for metric in (INCOMING, OUTGOING)]
            for model in whole.models
        }
        names = [WITHIN, BETWEEN, DIFFERENCE, AGREEMENT] if several else []
        names += [*([BY_GAP] if uneven else []), BY_OWN, COPHENETIC]
        findings = [
            Measure.failed(name, 0, unit, why)
            for metric in names
            for name in ((metric, metric + P_VALUE) if metric in TESTED else (metric,))
        ]
        empty = pd.DataFrame(columns=list(_MERGES)), pd.DataFrame()
        return Structure(_ordered(models, matrix.models), findings, *empty)
    models |= {central.model: [central.incoming, central.outgoing] for central in centrality(whole)}
    tree = dendrogram(whole)
    findings = []
    if several:
        within, between, difference = family_structure(
            whole, family, permutations, stream("family_structure")
        )
        agreement = cluster_agreement(whole, family, permutations, stream("cluster_agreement"))
        findings += [within, between, *_with_p(DIFFERENCE, difference)]
        findings += _with_p(AGREEMENT, agreement)
    pairs, by_gap = asymmetry(whole, dimension, permutations, stream("asymmetry"))
    if uneven:
        findings += _with_p(BY_GAP, by_gap)
    findings += _by_own(whole, permutations, partial(stream, "separability_relation"))
    findings.append(_cophenetic(tree, unit))
    return Structure(_ordered(models, matrix.models), findings, _merges(tree), pairs)


def _ordered(models: Mapping[str, list[Measure]], order: Sequence[str]) -> dict[str, list[Measure]]:
    return {model: models[model] for model in order}


def _with_p(metric: str, found: Association) -> list[Measure]:
    """A measure under its name here, and its p value."""
    measure, p = replace(found.measure, metric=metric), found.p_value
    if measure.status != "ok":
        why = measure.status.removeprefix("failed: ")
        return [measure, Measure.failed(metric + P_VALUE, 0, "permutation", why)]
    return [measure, Measure(metric + P_VALUE, p, p, p, found.permutations, "permutation")]


def _by_own(
    whole: Compatibility, permutations: int, rng: Callable[[], np.random.Generator]
) -> list[Measure]:
    """Is a model the better as a target, the higher its own ceiling?"""
    own = dict(zip(whole.models, np.diagonal(whole.value), strict=True))
    lost = [model for model, ceiling in own.items() if np.isnan(ceiling)]
    if lost:
        why = f"{lost[0]} has no ceiling"
        failed = Measure.failed(BY_OWN, len(own), "identity", why)
        return [failed, Measure.failed(BY_OWN + P_VALUE, 0, "permutation", why)]
    return _with_p(BY_OWN, separability_relation(whole, own, permutations, rng()))


def _cophenetic(tree: Dendrogram, unit: str) -> Measure:
    pairs = len(tree.models) * (len(tree.models) - 1) // 2
    if np.isnan(tree.cophenetic):
        why = "two models, or equal distances between all"
        return Measure.failed(COPHENETIC, pairs, unit, why)
    kept = tree.cophenetic
    return Measure(COPHENETIC, kept, kept, kept, pairs, "tree")


def _merges(tree: Dendrogram) -> pd.DataFrame:
    """The steps of the clustering, each with the leaves below it from left to right."""
    below = [[model] for model in tree.models]
    rows = []
    for step, (left, right, distance, size) in enumerate(tree.linkage):
        leaves = below[int(left)] + below[int(right)]
        below.append(leaves)
        rows.append((step, int(left), int(right), float(distance), int(size), leaves))
    return pd.DataFrame(rows, columns=list(_MERGES))
