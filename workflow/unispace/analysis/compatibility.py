"""Which models are compatible with which: matrix, dendrogram, and how well each does with all others.

R[i, j] is what recognition reaches with probes of model i mapped into the space of model j; the diagonal holds the
ceilings, one model with itself. Two models are at the distance 1 - (R[i, j] + R[j, i]) / 2, and clustered by average
linkage, as published for compatibility. What the matrix says of families, dimensions and single models is tested in
`associations`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.evaluation.bootstrap import LEVEL, TooFewClusters, percentile_interval
from unispace.evaluation.measure import Measure

Doubles = NDArray[np.float64]
_COLUMNS = ("source", "target", "value", "lower", "upper")


@dataclass(frozen=True, eq=False)
class Compatibility:
    """A number in [0, 1] for each ordered pair of models.

    Attributes:
        models: m names.
        value: `(m, m)` from the source (row) to the target (column), NaN where there is none; the diagonal holds the
            ceilings.
        lower: `(m, m)` lower ends of their 95 % intervals.
        upper: `(m, m)` upper ends.
        samples: `(resamples, m, m)` the numbers of every resample of identities, or None.
        why: reason of each empty cell beside the diagonal, by source and target.
    """

    models: tuple[str, ...]
    value: Doubles
    lower: Doubles
    upper: Doubles
    samples: Doubles | None = None
    why: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: pd.DataFrame, models: Sequence[str]) -> Compatibility:
        """Make the matrix from a table of ordered pairs.

        Args:
            pairs: columns source, target, value, lower, upper, one row a pair, of one metric; rows with source ==
                target are ceilings. Where there is `status`, it tells why a number is missing; where there is
                `samples`, it holds `(resamples,)` numbers of the same resamples for all pairs, or None, and all
                pairs with a number must have them for the matrix to have them.
            models: their order; rows of others are refused.

        Raises:
            ValueError: A column is missing, a pair stands twice, a model is unknown, models are fewer than two or
                stand twice, a number lies outside [0, 1], or samples are of different lengths.
        """
        missing = [name for name in _COLUMNS if name not in pairs]
        if missing:
            raise ValueError(f"the table of pairs has no column `{missing[0]}`")
        if len(models) < 2 or len(set(models)) != len(models):
            raise ValueError(f"compatibility needs two or more different models, got {models}")
        unknown = sorted({*pairs["source"], *pairs["target"]} - set(models))
        if unknown:
            raise ValueError(f"`{unknown[0]}` is in the table of pairs and not among the models")
        twice = pairs.duplicated(["source", "target"])
        if twice.any():
            row = pairs[twice].iloc[0]
            raise ValueError(f"{row['source']} to {row['target']} stands twice in the table")
        outside = (pairs["value"] < 0) | (pairs["value"] > 1)
        if outside.any():
            row = pairs[outside].iloc[0]
            raise ValueError(
                f"{row['source']} to {row['target']} is {row['value']}; a compatibility lies in [0, 1]"
            )
        index = {name: place for place, name in enumerate(models)}
        rows = np.array([index[name] for name in pairs["source"]], np.intp)
        columns = np.array([index[name] for name in pairs["target"]], np.intp)

        def cells(name: str) -> Doubles:
            table = np.full((len(models),) * 2, np.nan)
            table[rows, columns] = pairs[name].to_numpy(np.float64)
            return table

        value = cells("value")
        said = dict(
            zip(zip(pairs["source"], pairs["target"], strict=True), _status(pairs), strict=True)
        )
        why = {
            (source, target): said.get((source, target), "it was not measured")
            for source in models
            for target in models
            if source != target and np.isnan(value[index[source], index[target]])
        }
        samples = _samples(pairs, rows, columns, len(models))
        return cls(tuple(models), value, cells("lower"), cells("upper"), samples, why)

    @property
    def symmetric(self) -> Doubles:
        """`(m, m)` mean of both directions."""
        return (self.value + self.value.T) / 2

    def of_models(self, names: Sequence[str]) -> Compatibility:
        """The matrix of some of the models, in their given order."""
        rows = np.array([self.models.index(name) for name in names], np.intp)
        here = np.ix_(rows, rows)
        samples = None if self.samples is None else self.samples[:, rows[:, None], rows]
        why = {pair: text for pair, text in self.why.items() if set(pair) <= set(names)}
        return Compatibility(
            tuple(names), self.value[here], self.lower[here], self.upper[here], samples, why
        )

    def complete(self) -> tuple[Compatibility, dict[str, str]]:
        """The largest part without an empty cell that is found by leaving out the model with most of them, in turn.

        Returns:
            The matrix of the models that are left (ceilings may be empty), and of each other model the reason, to
            be shown beside whatever is made from the matrix.
        """
        left, out = list(self.models), {}
        while True:
            here = self.of_models(left)
            empty = np.isnan(here.value)
            np.fill_diagonal(empty, False)
            count = (empty | empty.T).sum(axis=0)
            if not count.any():
                return here, out
            worst = left[int(np.argmax(count))]
            pair, text = next((pair, text) for pair, text in here.why.items() if worst in pair)
            out[worst] = f"no number for {pair[0]} to {pair[1]}: {text}"
            left.remove(worst)

    def need_complete(self) -> None:
        """Refuse empty cells beside the diagonal.

        Raises:
            ValueError: There is one; it is named.
        """
        if self.why:
            (source, target), text = next(iter(self.why.items()))
            raise ValueError(
                f"{source} to {target} has no number ({text}); take `complete()` of the matrix first"
            )


def _status(pairs: pd.DataFrame) -> list[str]:
    if "status" not in pairs:
        return ["its number is missing"] * len(pairs)
    return [str(text).removeprefix("failed: ") for text in pairs["status"]]


def _samples(
    pairs: pd.DataFrame, rows: NDArray[np.intp], columns: NDArray[np.intp], models: int
) -> Doubles | None:
    """Samples of all cells, or None where a pair with a number has none."""
    if "samples" not in pairs:
        return None
    measured = (rows != columns) & pairs["value"].notna().to_numpy()
    of_pair = list(pairs["samples"])
    have = [values is not None for values in of_pair]
    if not measured.any() or not all(have[i] for i in np.flatnonzero(measured)):
        return None
    length = {len(values) for values in of_pair if values is not None}
    if len(length) != 1:
        raise ValueError(f"samples of {sorted(length)} resamples; they must be the same resamples")
    found = np.full((length.pop(), models, models), np.nan)
    for row, column, values in zip(rows, columns, of_pair, strict=True):
        if values is not None:
            found[:, row, column] = values
    return found


@dataclass(frozen=True, eq=False)
class Dendrogram:
    """Average-linkage clustering of models.

    Attributes:
        models: m names, as the leaves are numbered.
        linkage: `(m - 1, 4)` of `scipy.cluster.hierarchy`, which draws it.
        order: names from left to right, neighbours as near as the tree allows; the order of rows of a heat map.
        distance: `(m, m)` in [0, 1], the diagonal 0.
        cophenetic: correlation of the distances with the heights at which models meet in the tree, in [-1, 1]; NaN
            with two models or where all distances are equal.
    """

    models: tuple[str, ...]
    linkage: Doubles
    order: tuple[str, ...]
    distance: Doubles
    cophenetic: float

    def clusters(self, number: int) -> NDArray[np.intp]:
        """Cluster of each model, `(m,)`, where the tree is cut into so many.

        Raises:
            ValueError: Not 1 .. m clusters.
        """
        from scipy.cluster.hierarchy import cut_tree

        if not 1 <= number <= len(self.models):
            raise ValueError(f"{len(self.models)} models cannot make {number} clusters")
        return cut_tree(self.linkage, n_clusters=number)[:, 0].astype(np.intp)


def dendrogram(matrix: Compatibility) -> Dendrogram:
    """Cluster models by average linkage at the distance 1 - mean of both directions.

    Source: R. Sokal and C. Michener, "A statistical method for evaluating systematic relationships", 1958; the
    order of the leaves is that of Z. Bar-Joseph, D. Gifford and T. Jaakkola, Bioinformatics 2001.

    Raises:
        ValueError: A cell beside the diagonal is empty.
    """
    from scipy.cluster.hierarchy import cophenet, leaves_list, linkage
    from scipy.spatial.distance import squareform

    matrix.need_complete()
    distance = 1 - matrix.symmetric
    np.fill_diagonal(distance, 0.0)
    condensed = squareform(distance, checks=False)
    tree = linkage(condensed, "average", optimal_ordering=True)
    order = tuple(matrix.models[leaf] for leaf in leaves_list(tree))
    heights = np.asarray(cophenet(tree), np.float64)
    return Dendrogram(matrix.models, tree, order, distance, correlation(condensed, heights))


def average_clusters(value: Doubles, number: int) -> NDArray[np.intp]:
    """The cluster of each model, `(m,)`, as `dendrogram` and `Dendrogram.clusters` find them, in a tenth of the time.

    Nothing is made beside the partition; the numbers of its clusters may be others. Only where the merges before and
    after the cut are at one distance does it depend on the order of the leaves which comes first: then the tree is made.

    Args:
        value: `(m, m)` without empty cells beside the diagonal.
        number: of clusters, 1 .. m.
    """
    from scipy.cluster.hierarchy import linkage

    models = len(value)
    distance = 1 - (value + value.T) / 2
    tree = linkage(distance[np.triu_indices(models, 1)], "average")
    merges = models - number
    if 0 < merges < len(tree) and tree[merges - 1, 2] == tree[merges, 2]:
        names = tuple(map(str, range(models)))
        return dendrogram(Compatibility(names, value, value, value)).clusters(number)
    found = np.arange(models, dtype=np.intp)
    # A merge makes a cluster with the next number; rows are in the order of their distances.
    for step, (left, right) in enumerate(tree[:merges, :2].astype(np.intp)):
        found[(found == left) | (found == right)] = models + step
    return found


def partition_agreement(one: NDArray[np.integer], other: NDArray[np.integer]) -> float:
    """Adjusted Rand index of two partitions `(n,)` of the same things, in [-1, 1].

    Source: L. Hubert and P. Arabie, "Comparing partitions", Journal of Classification 1985; in the form and the order
    of operations of scikit-learn, which it equals to the bit.
    """
    first, second = one[:, None] == one, other[:, None] == other
    n = len(one)
    # Ordered pairs of two different things: together in both, in one alone, in the other alone, apart.
    both = int(np.count_nonzero(first & second)) - n
    alone = int(np.count_nonzero(first)) - n - both
    otherwise = int(np.count_nonzero(second)) - n - both
    apart = n * (n - 1) - both - alone - otherwise
    if alone == 0 and otherwise == 0:
        return 1.0
    return (
        2.0
        * (both * apart - alone * otherwise)
        / ((both + alone) * (alone + apart) + (both + otherwise) * (otherwise + apart))
    )


@dataclass(frozen=True)
class Centrality:
    """How well a model does with all others.

    Attributes:
        model: its name.
        incoming: mean over the sources that are mapped into its space; high of a good target.
        outgoing: mean over the targets whose space it is mapped into; high of a good source.
    """

    model: str
    incoming: Measure
    outgoing: Measure


def centrality(matrix: Compatibility) -> list[Centrality]:
    """Mean compatibility of each model as target and as source.

    Args:
        matrix: without empty cells.

    Returns:
        Measures `incoming` and `outgoing` in [0, 1] (n: the other models). Without samples the interval is Student's
        over the other models; failed with a single one.

    Raises:
        ValueError: A cell beside the diagonal is empty.
    """
    matrix.need_complete()
    found = []
    for place, model in enumerate(matrix.models):
        others = np.delete(np.arange(len(matrix.models)), place)
        ends = (("incoming", others, place), ("outgoing", place, others))
        measures = [
            _mean_of_others(
                metric,
                matrix.value[rows, columns],
                None if matrix.samples is None else matrix.samples[:, rows, columns],
            )
            for metric, rows, columns in ends
        ]
        found.append(Centrality(model, *measures))
    return found


def _mean_of_others(metric: str, values: Doubles, samples: Doubles | None) -> Measure:
    n, value = len(values), float(values.mean())
    if samples is not None:
        drawn = samples.mean(axis=1)
        try:
            ends = percentile_interval(drawn)
        except TooFewClusters as reason:
            return Measure.failed(metric, n, "identity", reason)
        return Measure(metric, value, *ends, n, "identity", samples=drawn)
    if n < 2:
        return Measure.failed(metric, n, "model", "there is one other model, so no interval")
    half = student(n - 1) * float(values.std(ddof=1)) / np.sqrt(n)
    return Measure(metric, value, max(0.0, value - half), min(1.0, value + half), n, "model")


def correlation(first: Doubles, second: Doubles) -> float:
    """Pearson's correlation of two `(n,)`, in [-1, 1]; NaN where either does not vary."""
    one, other = first - first.mean(), second - second.mean()
    scale = np.sqrt((one @ one) * (other @ other))
    # What is left of equal numbers is rounding.
    if not scale > np.finfo(np.float64).eps * len(one) * np.abs(first).max() * np.abs(second).max():
        return np.nan
    return float(np.clip(one @ other / scale, -1, 1))


def student(freedom: int) -> float:
    """Quantile of Student's t for a two-sided interval."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + LEVEL / 2))
