"""PCA transfer: how many principal components of one task carry another?

Test embeddings of a target task are centred, projected on the first k components of a source task, made unit
length again and tested with the target's own metric. What is kept of the whole space's performance is given of
the value, and of what the value gains over chance, which is the stricter of the two: an AUC of 0.50 is 95 % of one
of 0.52 and none of its gain.

Intervals resample identities or classes by the first-order expansion of the metric in the number of times that
each was drawn (the infinitesimal jackknife: B. Efron, "The jackknife, the bootstrap and other resampling plans",
1982). The same draws serve every subspace of a target, so that a share kept is a paired comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unispace.analysis.subspaces import Basis, Cosines, growing
from unispace.evaluation.bootstrap import TooFewClusters, draw, percentile_interval
from unispace.evaluation.chance import majority
from unispace.evaluation.classification import vote

Doubles = NDArray[np.float64]
Integers = NDArray[np.integer]
KEPT = (0.95, 0.99)
"""Shares of the whole space's performance for which the number of components is given."""


@dataclass(frozen=True, eq=False)
class Score:
    """A metric and how it hangs on each identity or class.

    Attributes:
        value: in [0, 1].
        influence: `(clusters,)` its derivative by the number of times that a cluster is drawn.
    """

    value: float
    influence: Doubles

    def samples(self, weight: Doubles) -> Doubles:
        """Its value in resamples, `(resamples,)`, from multiplicities `(resamples, clusters)`."""
        return self.value + (weight - 1) @ self.influence


class Task(Protocol):
    """What is tested in a subspace: cosines of `left` with `right` give a score."""

    left: NDArray[np.floating]
    right: NDArray[np.floating]
    metric: str
    unit: str
    chance: float
    n: int
    clusters: int

    def score(self, cosines: Cosines) -> Score:
        """Test with these cosines."""
        ...


class Verification:
    """AUC of all pairs of test images, or of a part of them that is drawn once."""

    metric, unit, chance = "AUC", "identity", 0.5

    def __init__(
        self,
        vectors: NDArray[np.floating],
        identity: Iterable[str],
        most: int,
        rng: np.random.Generator,
    ) -> None:
        """Choose the pairs.

        Args:
            vectors: `(n, d)`.
            identity: of each image.
            most: genuine pairs at most, and impostor pairs at most.
            rng: draws the pairs where there are more.

        Raises:
            ValueError: There are no genuine or no impostor pairs.
        """
        self.left = self.right = vectors
        names, index = np.unique(np.asarray(list(identity), str), return_inverse=True)
        self.clusters = len(names)
        first, second = np.triu_indices(len(index), 1)
        genuine = index[first] == index[second]
        self._pairs, self._people = [], []
        for kind, chosen in (("genuine", genuine), ("impostor", ~genuine)):
            rows = np.flatnonzero(chosen)
            if len(rows) == 0:
                raise ValueError(f"verification needs {kind} pairs, and there are none")
            if len(rows) > most:
                rows = np.sort(rng.choice(rows, most, replace=False))
            self._pairs.append((first[rows], second[rows]))
            self._people.append((index[first[rows]], index[second[rows]]))
        self.n = sum(len(rows) for rows, _ in self._pairs)

    def score(self, cosines: Cosines) -> Score:
        """AUC, ties counted as one half."""
        genuine, impostor = (cosines.of(*pair) for pair in self._pairs)
        beats = _below(genuine, impostor)
        beaten = 1 - _below(impostor, genuine)
        area = float(beats.mean())
        influence = np.bincount(self._people[0][0], beats - area, self.clusters) / len(genuine)
        for people in self._people[1]:
            influence += np.bincount(people, beaten - area, self.clusters) / len(impostor)
        return Score(area, influence)


class Classification:
    """Top-1 of test images by the vote of their nearest fit images."""

    metric, unit = "top-1", "class"

    def __init__(
        self,
        test: NDArray[np.floating],
        test_label: Iterable[str],
        fit: NDArray[np.floating],
        fit_label: Iterable[str],
        neighbours: int,
    ) -> None:
        """Take the images.

        Args:
            test: `(n, d)`.
            test_label: class of each.
            fit: `(m, d)`.
            fit_label: class of each.
            neighbours: that vote, at most m.

        Raises:
            ValueError: Fewer than two classes are tested, or one that no fit image shows.
        """
        self.left, self.right = test, fit
        labels = np.asarray(list(test_label), str)
        self._names, self._fit = np.unique(np.asarray(list(fit_label), str), return_inverse=True)
        classes, self._class = np.unique(labels, return_inverse=True)
        unknown = sorted(set(classes) - set(self._names))
        if unknown:
            raise ValueError(f"class `{unknown[0]}` is tested, and no fit image shows it")
        if len(classes) < 2:
            raise ValueError("classification needs at least 2 classes to test, got 1")
        self._label, self.clusters, self.n = labels, len(classes), len(labels)
        self._neighbours, self.chance = min(neighbours, len(self._fit)), majority(labels)

    def score(self, cosines: Cosines) -> Score:
        """Top-1."""
        right = self._names[vote(cosines.all(), self._fit, self._neighbours)] == self._label
        value = float(right.mean())
        return Score(value, np.bincount(self._class, right - value, self.clusters) / self.n)


def _below(scores: NDArray[np.floating], others: NDArray[np.floating]) -> Doubles:
    """Share of `others` below each score, equal ones counted as one half."""
    ordered = np.sort(others)
    left, right = (np.searchsorted(ordered, scores, side) for side in ("left", "right"))
    return (left + right) / (2 * len(ordered))


@dataclass(frozen=True)
class Kept:
    """What a subspace keeps of the whole space's performance, with a 95 % interval.

    Attributes:
        value: NaN where it failed.
        lower: NaN where it failed.
        upper: NaN where it failed.
        status: `ok`, or `failed: why`.
    """

    value: float
    lower: float
    upper: float
    status: str = "ok"

    @classmethod
    def failed(cls, why: str | Exception) -> Kept:
        """Nothing could be said."""
        return cls(np.nan, np.nan, np.nan, f"failed: {why}")


class Resampled:
    """One target's scores under the same resamples of its identities or classes."""

    def __init__(self, task: Task, whole: Score, resamples: int, rng: np.random.Generator) -> None:
        """Draw the resamples.

        Args:
            task: the target.
            whole: its score in the whole space.
            resamples: at least 40.
            rng: Source of randomness.

        Raises:
            TooFewClusters: The task has fewer than 2 identities or classes.
        """
        self._weight = draw(task.clusters, resamples, rng).astype(np.float64)
        self._chance, self._whole = task.chance, whole
        self._samples = whole.samples(self._weight)
        self._low = percentile_interval(self._samples)[0]

    def no_gain(self) -> str:
        """Why nothing can be kept of the gain over chance; empty where something can."""
        if self._low > self._chance:
            return ""
        return f"{self._whole.value:.3f} in the whole space is not above chance, {self._chance:.3f}"

    def interval(self, score: Score) -> tuple[float, float]:
        """95 % interval of a score, within [0, 1]."""
        lower, upper = percentile_interval(score.samples(self._weight))
        return max(lower, 0.0), min(upper, 1.0)

    def kept(self, score: Score, *, gain: bool) -> Kept:
        """The share of the whole space's value that is kept, or of its gain over chance."""
        if gain and self.no_gain():
            return Kept.failed(self.no_gain())
        value, samples = self._share(score, gain)
        try:
            return Kept(float(value), *percentile_interval(samples))
        except TooFewClusters as reason:
            return Kept.failed(reason)

    def components(
        self, scores: Mapping[int, Score], share: float, *, gain: bool
    ) -> tuple[Kept, int]:
        """The smallest number of components that keeps a share, and the number of the whole space.

        It is the smallest of those measured from which on all larger ones keep it too.
        """
        sizes = np.array(sorted(scores))
        if gain and self.no_gain():
            return Kept.failed(self.no_gain()), int(sizes[-1])
        parts = [self._share(scores[k], gain) for k in sizes]
        value = _smallest(np.array([[value for value, _ in parts]]), sizes, share)[0]
        found = _smallest(np.column_stack([samples for _, samples in parts]), sizes, share)
        # Numbers that were measured, not ones between them.
        lower = np.quantile(found, 0.025, method="lower")
        upper = np.quantile(found, 0.975, method="higher")
        return Kept(float(value), float(lower), float(upper)), int(sizes[-1])

    def _share(self, score: Score, gain: bool) -> tuple[float, Doubles]:
        base = self._chance if gain else 0.0
        whole = self._samples - base
        # Where a resample has nothing to keep, its share is unknown.
        share = np.divide(
            score.samples(self._weight) - base,
            whole,
            out=np.full(len(whole), np.nan),
            where=whole > 0,
        )
        rest = self._whole.value - base
        return (score.value - base) / rest if rest > 0 else np.nan, share


def _smallest(kept: Doubles, sizes: Integers, share: float) -> Integers:
    """The first size from which on all keep the share, `(rows,)` from `(rows, sizes)`; the last size keeps all."""
    short = ~(kept[:, :-1] >= share)
    past = short.shape[1] - np.argmax(short[:, ::-1], axis=1)
    return sizes[np.where(short.any(axis=1), past, 0)]


def sizes_within(wanted: Sequence[int], basis: Basis) -> list[int]:
    """The numbers of components that a basis has, with its rank and the whole space."""
    inside = [k for k in wanted if k < basis.rank]
    return sorted({*inside, basis.rank, len(basis.axes)})


def kept_first(task: Task, basis: Basis, centre: Doubles, sizes: Sequence[int]) -> dict[int, Score]:
    """Scores in the subspaces of the first k columns of a basis.

    Args:
        task: the target.
        basis: of the space.
        centre: `(d,)` that is subtracted from all vectors.
        sizes: rising k.
    """
    left = task.left - centre
    right = left if task.right is task.left else task.right - centre
    return {k: task.score(cosines) for k, cosines in growing(left, right, basis, sizes)}


def without_first(
    task: Task, basis: Basis, centre: Doubles, removed: Sequence[int]
) -> dict[int, Score]:
    """Scores in what is left when the first m columns of a basis are removed.

    Args:
        task: the target.
        basis: of the space.
        centre: `(d,)` that is subtracted from all vectors.
        removed: rising m below d.
    """
    dimension = len(basis.axes)
    # Summed from the last column, so that nothing small comes out as a difference of what is large.
    backwards = Basis(np.ascontiguousarray(basis.axes[:, ::-1]), dimension)
    sizes = [dimension - m for m in reversed(removed)]
    scores = kept_first(task, backwards, centre, sizes)
    return {dimension - k: scores[k] for k in reversed(sizes)}


def mean_score(scores: Sequence[Score]) -> Score:
    """Mean of scores of one task."""
    return Score(
        float(np.mean([s.value for s in scores])), np.mean([s.influence for s in scores], axis=0)
    )
