"""What a matrix of compatibility says of families, dimensions and single models, tested by permuting the models.

Pairs of models are not independent, since each model is in many of them. So every p value permutes the names of the
models, never pairs: N. Mantel, "The detection of disease clustering and a generalized regression approach", Cancer
Research 1967; L. Hubert and J. Schultz, "Quadratic assignment as a general data analysis strategy", British Journal
of Mathematical and Statistical Psychology 1976. All permutations are compared where they are no more than asked for;
otherwise so many random ones, with (hits + 1) / (permutations + 1). A two-sided p value is twice the smaller tail.

Intervals resample the tested identities where each pair has samples of the same resamples. Otherwise they are those
of the jackknife over models, with Student's t, which is wide because models are few: T. Snijders and S. Borgatti,
"Non-parametric standard errors and tests for network statistics", Connections 1999 (their standard error for pairs
that are independent is smaller by up to the root of 2; models are not assumed to be so here).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.analysis.compatibility import (
    Compatibility,
    average_clusters,
    correlation,
    dendrogram,
    partition_agreement,
    student,
)
from unispace.evaluation.bootstrap import TooFewClusters, percentile_interval
from unispace.evaluation.measure import Measure

Doubles = NDArray[np.float64]
Alternative = Literal["greater", "two-sided"]
_Known = TypeVar("_Known", str, int, float)
_CELLS = 2**22
"""Cells of matrices that are permuted at a time."""
_FEWEST = 3
"""Models below which there is nothing to permute."""


@dataclass(frozen=True)
class Association:
    """A number about models, with its interval and the p value of a permutation of their names.

    Attributes:
        measure: the number. Its interval is of `identity` or, by the jackknife, of `model`; n is the number of
            models or of their pairs.
        p_value: share of the permutations with a number as large, or as far from the middle; NaN where it failed.
        permutations: how many were compared.
        alternative: `greater` or `two-sided`.
        left_out: least and largest number when each model in turn is left out; NaN where none can be.
    """

    measure: Measure
    p_value: float
    permutations: int
    alternative: Alternative
    left_out: tuple[float, float]


def family_structure(
    matrix: Compatibility,
    family: Mapping[str, str],
    permutations: int,
    rng: np.random.Generator,
) -> tuple[Measure, Measure, Association]:
    """Are models of one family more compatible than models of two?

    Args:
        matrix: without empty cells.
        family: of each model.
        permutations: random permutations of the families over the models, if not all.
        rng: draws them.

    Returns:
        Measures `within` and `between`, the means over pairs of one family and of two, both directions (n: unordered
        pairs of the kind); and `within - between` (n: models) with the p value of its being as large by chance.
        Failed where there are fewer than 3 models, or no pairs of a kind that is needed.

    Raises:
        ValueError: A cell beside the diagonal is empty, or a model has no family.
    """
    matrix.need_complete()
    same = _same_family(matrix.models, family)

    def mean(value: Doubles, kept: NDArray[np.intp], *, within: bool) -> float:
        upper = np.triu_indices(len(kept), 1)
        here = same[np.ix_(kept, kept)][upper] == within
        pairs = ((value + value.T) / 2)[upper][here]
        return float(pairs.mean()) if len(pairs) else np.nan

    def difference(value: Doubles, kept: NDArray[np.intp]) -> float:
        return mean(value, kept, within=True) - mean(value, kept, within=False)

    one, other = np.triu_indices(len(matrix.models), 1)
    inside = int(same[one, other].sum())
    absent = "there is no pair of models of {}"

    def part(metric: str, count: int, kind: str) -> Measure:
        statistic = partial(mean, within=metric == "within")
        return _measured(metric, matrix, count, statistic, (0.0, 1.0), absent.format(kind))[0]

    measure, left_out = _measured(
        "within - between",
        matrix,
        len(matrix.models),
        difference,
        (-1.0, 1.0),
        absent.format("one family, or none of two"),
        chance=0.0,
    )
    tested = _tested(measure, left_out, (matrix.symmetric, same), permutations, rng, "greater")
    within = part("within", inside, "one family")
    return within, part("between", len(one) - inside, "two families"), tested


def cluster_agreement(
    matrix: Compatibility,
    family: Mapping[str, str],
    permutations: int,
    rng: np.random.Generator,
) -> Association:
    """Do the clusters of the dendrogram follow the families?

    The tree is cut into as many clusters as there are families. The adjusted Rand index is 1 where clusters and
    families agree and 0 on average for families given at random. Source: L. Hubert and P. Arabie, "Comparing
    partitions", Journal of Classification 1985.

    Args:
        matrix: without empty cells.
        family: of each model; two or more families, one of them of two models or more.
        permutations: random permutations of the families over the models, if not all.
        rng: draws them.

    Returns:
        `adjusted Rand index` in [-1, 1] (n: models). Failed where all models are of one family or each has its own.

    Raises:
        ValueError: A cell beside the diagonal is empty, or a model has no family.
    """
    same = _same_family(matrix.models, family)
    label = np.unique([family[name] for name in matrix.models], return_inverse=True)[1]

    def agreement(value: Doubles, kept: NDArray[np.intp]) -> float:
        families = len(np.unique(label[kept]))
        if not 1 < families < len(kept):
            return np.nan
        return partition_agreement(label[kept], average_clusters(value, families))

    measure, left_out = _measured(
        "adjusted Rand index",
        matrix,
        len(matrix.models),
        agreement,
        (-1.0, 1.0),
        "all models are of one family, or each has its own",
        chance=0.0,
    )
    cluster = dendrogram(matrix).clusters(int(label.max()) + 1)
    # Sizes of clusters and families stay, so the index rises with the pairs that are together in both.
    together = (cluster[:, None] == cluster).astype(np.float64)
    return _tested(measure, left_out, (together, same), permutations, rng, "greater")


def asymmetry(
    matrix: Compatibility,
    dimension: Mapping[str, int],
    permutations: int,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, Association]:
    """Is a map the more asymmetric, the more the dimensions of the two spaces differ?

    Args:
        matrix: without empty cells.
        dimension: of the space of each model.
        permutations: random permutations of the dimensions over the models, if not all.
        rng: draws them.

    Returns:
        A row for each unordered pair: first, second, forward (first to second), backward, difference (forward -
        backward) with lower and upper (empty without samples), asymmetry (its absolute value), gap (absolute
        difference of the dimensions). And `rho`, Spearman's correlation of asymmetry and gap, in [-1, 1] (n: pairs),
        with a two-sided p value; failed where either is the same in all pairs. Asymmetry is an absolute value, so
        noise alone makes it positive; the interval of `difference` tells which ones are more than noise.

    Raises:
        ValueError: A cell beside the diagonal is empty, or a model has no dimension.
    """
    matrix.need_complete()
    width = _of_models(dimension, matrix.models, "dimension").astype(np.float64)
    gap = np.abs(width[:, None] - width)
    one, other = np.triu_indices(len(matrix.models), 1)

    def rho(value: Doubles, kept: NDArray[np.intp]) -> float:
        upper = np.triu_indices(len(kept), 1)
        return correlation(
            _ranks(np.abs(value - value.T)[upper]), _ranks(gap[np.ix_(kept, kept)][upper])
        )

    difference = matrix.value - matrix.value.T
    lower = upper = np.full(len(one), np.nan)
    if matrix.samples is not None:
        drawn = (matrix.samples - matrix.samples.transpose(0, 2, 1))[:, one, other]
        lower, upper = np.transpose([percentile_interval(column) for column in drawn.T])
    names = np.array(matrix.models)
    table = pd.DataFrame(
        {
            "first": names[one],
            "second": names[other],
            "forward": matrix.value[one, other],
            "backward": matrix.value[other, one],
            "difference": difference[one, other],
            "lower": lower,
            "upper": upper,
            "asymmetry": np.abs(difference[one, other]),
            "gap": gap[one, other],
        }
    )
    measure, left_out = _measured(
        "rho",
        matrix,
        len(one),
        rho,
        (-1.0, 1.0),
        "the dimensions, or the asymmetries, are the same in all pairs",
        chance=0.0,
    )
    ranked = [np.zeros_like(gap), np.zeros_like(gap)]
    for table_of, values in zip(ranked, (np.abs(difference), gap), strict=True):
        table_of[one, other] = table_of[other, one] = _ranks(values[one, other])
    first, second = ranked
    return table, _tested(measure, left_out, (first, second), permutations, rng, "two-sided")


def separability_relation(
    matrix: Compatibility,
    own: Mapping[str, float],
    permutations: int,
    rng: np.random.Generator,
) -> Association:
    """Is a model the better as a target, the better it separates identities by itself?

    Args:
        matrix: without empty cells.
        own: what each model reaches alone, e.g. its ceiling or its AUC.
        permutations: random permutations of the models, if not all.
        rng: draws them.

    Returns:
        `rho`, Spearman's correlation of `own` and the mean over incoming sources, in [-1, 1] (n: models), with a
        two-sided p value; failed where either is the same for all models. Where samples give the interval, `own` is
        taken as known.

    Raises:
        ValueError: A cell beside the diagonal is empty, or a model has no number in `own`.
    """
    matrix.need_complete()
    alone = _of_models(own, matrix.models, "number of its own").astype(np.float64)

    def incoming(value: Doubles) -> Doubles:
        return (value.sum(axis=0) - np.diagonal(value)) / (len(value) - 1)

    def rho(value: Doubles, kept: NDArray[np.intp]) -> float:
        # The diagonal may be empty.
        return correlation(_ranks(alone[kept]), _ranks(incoming(_without_diagonal(value))))

    measure, left_out = _measured(
        "rho",
        matrix,
        len(matrix.models),
        rho,
        (-1.0, 1.0),
        "all models are equal as targets, or alone",
        chance=0.0,
    )
    first = np.diag(_ranks(alone))
    second = np.diag(_ranks(incoming(_without_diagonal(matrix.value))))
    return _tested(measure, left_out, (first, second), permutations, rng, "two-sided")


def _without_diagonal(value: Doubles) -> Doubles:
    return np.where(np.eye(len(value), dtype=bool), 0.0, value)


def _same_family(models: Sequence[str], family: Mapping[str, str]) -> NDArray[np.bool_]:
    label = _of_models(family, models, "family")
    return label[:, None] == label


def _of_models(known: Mapping[str, _Known], models: Sequence[str], what: str) -> NDArray:
    for name in models:
        if name not in known or pd.isna(known[name]):
            raise ValueError(f"`{name}` has no {what}")
    return np.array([known[name] for name in models])


def _measured(
    metric: str,
    matrix: Compatibility,
    n: int,
    statistic: Callable[[Doubles, NDArray[np.intp]], float],
    bounds: tuple[float, float],
    why: str,
    chance: float | None = None,
) -> tuple[Measure, tuple[float, float]]:
    """A number about a matrix with its interval, and its range when each model in turn is left out.

    Args:
        metric: its name.
        matrix: without empty cells.
        n: items behind the number.
        statistic: of a matrix `(k, k)` and the k models that it holds; NaN where it does not exist.
        bounds: that it cannot pass.
        why: it does not exist, where it does not.
        chance: of the number.
    """
    models = len(matrix.models)
    unit = "model" if matrix.samples is None else "identity"
    if models < _FEWEST:
        too_few = f"{models} models, {_FEWEST} are needed"
        return Measure.failed(metric, n, unit, too_few, chance), (np.nan, np.nan)
    everyone = np.arange(models)
    value = statistic(matrix.value, everyone)
    kept = [np.delete(everyone, place) for place in everyone]
    without = np.array([statistic(matrix.value[np.ix_(rows, rows)], rows) for rows in kept])
    defined = without[~np.isnan(without)]
    left_out = (float(defined.min()), float(defined.max())) if len(defined) else (np.nan, np.nan)
    if np.isnan(value):
        return Measure.failed(metric, n, unit, why, chance), left_out
    samples = None
    if matrix.samples is not None:
        samples = np.array([statistic(sample, everyone) for sample in matrix.samples])
        try:
            lower, upper = percentile_interval(samples)
        except TooFewClusters as reason:
            return Measure.failed(metric, n, unit, reason, chance), left_out
    elif len(defined) < models:
        lost = matrix.models[int(np.argmax(np.isnan(without)))]
        no_interval = f"no interval, since without {lost} it does not exist: {why}"
        return Measure.failed(metric, n, unit, no_interval, chance), left_out
    else:
        half = student(models - 1) * float(without.std()) * np.sqrt(models - 1)
        lower, upper = max(bounds[0], value - half), min(bounds[1], value + half)
    return Measure(metric, value, lower, upper, n, unit, chance=chance, samples=samples), left_out


def _tested(
    measure: Measure,
    left_out: tuple[float, float],
    matrices: tuple[NDArray, NDArray],
    permutations: int,
    rng: np.random.Generator,
    alternative: Alternative,
) -> Association:
    """Test whether two symmetric matrices of the same models go together, by permuting the models of the second.

    The statistic is the sum of products over the upper triangle with the diagonal. All that depends on either matrix
    alone stays under a permutation, so it tests their correlation, too.
    """
    from scipy.stats import permutation_test

    if measure.status != "ok":
        return Association(measure, np.nan, 0, alternative, left_out)
    first, second = (np.asarray(table, np.float64) for table in matrices)
    first = np.triu(first)
    # The diagonal holds ceilings, which may be empty, where it is no part of what is tested.
    first, second = (np.where(np.isnan(table), 0.0, table) for table in (first, second))

    def together(order: NDArray[np.float64], axis: int) -> Doubles:
        rows = np.moveaxis(order, axis, -1).astype(np.intp)
        moved = second[rows[..., :, None], rows[..., None, :]]
        return np.einsum("ij,...ij->...", first, moved)

    models = len(first)
    result = permutation_test(
        (np.arange(models),),
        together,
        permutation_type="pairings",
        vectorized=True,
        n_resamples=permutations,
        batch=max(1, _CELLS // models**2),
        alternative=alternative,
        rng=rng,
    )
    compared = len(result.null_distribution)
    return Association(measure, float(result.pvalue), compared, alternative, left_out)


def _ranks(values: Doubles) -> Doubles:
    from scipy.stats import rankdata

    return rankdata(values)
