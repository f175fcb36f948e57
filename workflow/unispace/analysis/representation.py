"""Are two models alike in what they find similar? RSA and linear CKA of the same images in both.

RSA is the Spearman correlation of the upper triangles of the two matrices of 1 - cosine. Linear CKA is the
correlation of the centred Gram matrices of vectors of unit length: biased, as published for compatibility, and
debiased, with HSIC estimated without bias. The biased one rises with d / n whatever the data hold: what it gives for
images in a random order is its `chance` here, exactly, and 0 for the other two.

Sources: N. Kriegeskorte, M. Mur and P. Bandettini, "Representational similarity analysis", Frontiers in Systems
Neuroscience 2008; S. Kornblith et al., "Similarity of neural network representations revisited", ICML 2019; L. Song
et al., "Feature selection via dependence maximization", JMLR 2012; A. Murphy, J. Zylberberg and A. Fyshe, "Correcting
biased centered kernel alignment measures in biological and artificial neural networks", 2024.

Intervals resample identities by the first-order expansion in the number of times that each was drawn, so they cost
one evaluation and not one a resample. No resample ever compares an image with a copy of itself, which would be similar
in both models and raise the number. In RSA a pair of images weighs as in verification: w_a within identity a and
w_a w_b between two, the copies of an identity drawn twice being two people who are not compared; ranks follow the
weights. The expansion of CKA is the jackknife's: one identity is left out at a time. Sources: B. Efron, "The jackknife,
the bootstrap and other resampling plans", 1982; A. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 2007.
Where there is nothing in common both err on the wide side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import unit_rows
from unispace.evaluation.bootstrap import TooFewClusters, percentile_interval
from unispace.evaluation.measure import Measure

Doubles = NDArray[np.float64]
Integers = NDArray[np.integer]
MOST = 5000
"""Images beyond which a matrix of all pairs is refused; choose some with `analysis.choice` (paper: 500)."""
_FEWEST = 4
"""Images below which HSIC has no unbiased estimate."""
_ROUNDING = 1e-12
"""Share of the mean square of a Gram matrix below which its HSIC with itself is rounding."""
_Estimate = Callable[..., Doubles]


@dataclass(frozen=True, eq=False)
class Representation:
    """What one model finds similar among some images, made ready for comparison with any other.

    Attributes:
        identity: `(n,)` identity of each image, 0 .. identities - 1, rising: images are put in this order.
        order: `(n,)` row that each image had.
        ranks: of 1 - cosine of all pairs.
        biased: centred Gram matrix with its diagonal.
        debiased: centred Gram matrix without it.
    """

    identity: NDArray[np.intp]
    order: NDArray[np.intp]
    ranks: _Ranks
    biased: _Gram
    debiased: _Gram

    @classmethod
    def of(
        cls, vectors: NDArray[np.floating], identity: Iterable[str] | Integers
    ) -> Representation:
        """Compare all pairs of images.

        Args:
            vectors: `(n, d)`; normalised here. After a map: what it gives for the source, or the placed target.
            identity: `(n,)` of each image.

        Raises:
            ValueError: Lengths differ, fewer than 4 or more than `MOST` images, a row is zero or not finite, or
                all rows have one direction.
        """
        names, index = np.unique(np.asarray(list(identity)), return_inverse=True)
        n = len(index)
        if len(vectors) != n:
            raise ValueError(f"{len(vectors)} vectors for {n} identities")
        if not _FEWEST <= n <= MOST:
            raise ValueError(
                f"{n} images; representations are compared on {_FEWEST} to {MOST}, "
                "see `some_images` and `whole_labels` in unispace.analysis.choice"
            )
        order = np.argsort(index, kind="stable")
        unit = unit_rows(vectors)[order].astype(np.float64)
        size = np.bincount(index, minlength=len(names))
        cosine = unit @ unit.T
        # Centred before the products, so that nothing small comes out as a difference of what is large.
        centred = unit - unit.mean(axis=0)
        gram = centred @ centred.T
        if not np.trace(gram) > n * np.finfo(np.float32).eps ** 2:
            raise ValueError(f"all {n} vectors have one direction, so no images are more alike")
        hollow = gram.copy()
        np.fill_diagonal(hollow, 0.0)
        return cls(
            index[order],
            order,
            _Ranks.of(1 - cosine[np.triu_indices(n, 1)]),
            _Gram.of(gram, size, _biased),
            _Gram.of(hollow, size, _unbiased),
        )

    @property
    def identities(self) -> int:
        """How many there are."""
        return int(self.identity[-1]) + 1


def compare_representations(
    first: Representation, second: Representation, multiplicity: Integers
) -> list[Measure]:
    """RSA, biased and debiased linear CKA of two models on the same images.

    Args:
        first: of one model.
        second: of the other; the order of the two does not matter.
        multiplicity: `(resamples, identities)` from `bootstrap.draw`, at least 40 resamples; the same for all
            models, so that the difference of two numbers is one of a paired bootstrap.

    Returns:
        Measures `RSA` in [-1, 1] (n: pairs of images), `CKA` in [0, 1] and `CKA-debiased` in [-1, 1] (n: images).
        `chance` is the mean over all orders of the images of one model. Failed where there are fewer than 2
        identities, where one model finds all pairs equally similar, and, of CKA, where no 4 images would be left
        without some identity.

    Raises:
        ValueError: The images differ, or the resamples are of another number of identities.
    """
    if not (
        np.array_equal(first.identity, second.identity)
        and np.array_equal(first.order, second.order)
    ):
        raise ValueError("two representations are compared on the same images in the same order")
    if multiplicity.ndim != 2 or multiplicity.shape[1] != first.identities:
        raise ValueError(
            f"resamples of shape {multiplicity.shape} for {first.identities} identities; "
            "draw them with bootstrap.draw(identities, resamples, rng)"
        )
    n = len(first.identity)
    weight = multiplicity.astype(np.float64) - 1
    return [
        _measured("RSA", n * (n - 1) // 2, weight, _rsa, first, second),
        _measured("CKA", n, weight, _cka_biased, first, second),
        _measured("CKA-debiased", n, weight, _cka_debiased, first, second),
    ]


@dataclass(frozen=True, eq=False)
class _Expanded:
    """A number, its derivative by the multiplicity of each identity `(identities,)`, its chance and its least value."""

    value: float
    influence: Doubles
    chance: float = 0.0
    least: float = -1.0


class _Undefined(ValueError):
    """A correlation of something that does not vary."""


def _measured(
    metric: str,
    n: int,
    weight: Doubles,
    statistic: Callable[[Representation, Representation], _Expanded],
    first: Representation,
    second: Representation,
) -> Measure:
    try:
        if first.identities < 2:
            raise TooFewClusters("an interval needs at least 2 identities to resample, got 1")
        found = statistic(first, second)
    except (TooFewClusters, _Undefined) as reason:
        return Measure.failed(metric, n, "identity", reason)
    samples = np.clip(found.value + weight @ found.influence, found.least, 1.0)
    ends = percentile_interval(samples)
    return Measure(metric, found.value, *ends, n, "identity", chance=found.chance, samples=samples)


@dataclass(frozen=True, eq=False)
class _Ranks:
    """Mid-ranks of the values of P pairs, as shares of P: their mean is one half.

    Attributes:
        share: `(P,)` share of the values below each, equal ones counted as one half.
        order: `(P,)` pairs by rising value.
        start: `(P,)` of each pair in that order, the first place of its equals.
        end: `(P,)` the place after its equals.
        variance: of `share`.
    """

    share: Doubles
    order: NDArray[np.intp]
    start: NDArray[np.intp]
    end: NDArray[np.intp]
    variance: float

    @classmethod
    def of(cls, values: Doubles) -> _Ranks:
        order = np.argsort(values, kind="stable")
        rising = values[order]
        first = np.concatenate([[True], rising[1:] != rising[:-1]])
        starts = np.flatnonzero(first)
        group = np.cumsum(first) - 1
        ends = np.append(starts[1:], len(values))
        start, end = starts[group], ends[group]
        share = np.empty(len(values))
        share[order] = (start + end) / (2 * len(values))
        return cls(share, order, start, end, float(np.mean(share * share)) - 0.25)

    def above(self, of: Doubles) -> Doubles:
        """Mean over all pairs of `of`, counted where the value is higher than a pair's, and half where equal."""
        total = np.concatenate([[0.0], np.cumsum(of[self.order])])
        found = np.empty(len(of))
        found[self.order] = total[-1] - (total[self.start] + total[self.end]) / 2
        return found / len(of)


def _rsa(first: Representation, second: Representation) -> _Expanded:
    """Spearman's rho of the pairs, with the derivative of ranks and of their correlation by the weight of a pair."""
    x, y = first.ranks, second.ranks
    if not (x.variance > 0 and y.variance > 0):
        raise _Undefined("all pairs of images are equally similar, so they have no order")
    product = float(np.mean(x.share * y.share))
    scale = np.sqrt(x.variance * y.variance)
    value = (product - 0.25) / scale
    by_pair = (x.share * y.share + x.above(y.share) + y.above(x.share) - 3 * product) / scale
    for ranks in (x, y):
        spread = ranks.share**2 + 2 * ranks.above(ranks.share) - 3 * (ranks.variance + 0.25)
        by_pair -= value / 2 * spread / ranks.variance
    one, other = np.triu_indices(len(first.identity), 1)
    one, other = first.identity[one], first.identity[other]
    # A pair within an identity weighs w_a and counts once, one between two weighs w_a w_b and counts for both.
    influence = np.bincount(one, by_pair, first.identities)
    influence += np.bincount(other, np.where(one == other, 0.0, by_pair), first.identities)
    return _Expanded(float(np.clip(value, -1, 1)), influence / len(by_pair))


@dataclass(frozen=True, eq=False)
class _Gram:
    """A Gram matrix and the sums from which that without one identity follows.

    Attributes:
        matrix: `(n, n)`, images of an identity next to each other.
        size: `(identities,)` images of each.
        start: `(identities,)` first image of each.
        columns: `(n, identities)` sums over the images of each identity.
        row: `(n,)` sums over all images.
        own: HSIC with itself, of all images and, `(identities,)`, without each identity.
    """

    matrix: Doubles
    size: Integers
    start: Integers
    columns: Doubles
    row: Doubles
    own: tuple[float, Doubles]

    @classmethod
    def of(cls, matrix: Doubles, size: Integers, estimate: _Estimate) -> _Gram:
        start = np.cumsum(size) - size
        columns = np.add.reduceat(matrix, start, axis=1)
        bare = cls(matrix, size, start, columns, matrix.sum(axis=1), (0.0, np.zeros(0)))
        return cls(matrix, size, start, columns, bare.row, bare.hsic(bare, estimate))

    def total(self) -> tuple[float, Doubles]:
        """Sum of the matrix, of all images and without each identity."""
        gone = 2 * self._of_identity(self.row) - self._within(self.columns)
        whole = float(self.row.sum())
        return whole, whole - gone

    def hsic(self, other: _Gram, estimate: _Estimate) -> tuple[float, Doubles]:
        """HSIC with another matrix up to a factor, of all images and without each identity.

        With K and L the two matrices it is made of tr(K L), the sums 1'K1 and 1'L1, and 1'K L1.
        """
        n = len(self.row)
        product = self.matrix * other.matrix
        trace = product.sum(axis=1)
        blocks = np.add.reduceat(product, self.start, axis=1)
        traces = trace.sum() - 2 * self._of_identity(trace) + self._within(blocks)
        # Rows without an identity, of the images that are left.
        left = (self.row[:, None] - self.columns) * (other.row[:, None] - other.columns)
        chains = left.sum(axis=0) - self._within(left)
        (ours, ours_left), (theirs, theirs_left) = self.total(), other.total()
        whole = estimate(n, trace.sum(), ours * theirs, float(self.row @ other.row))
        return float(whole), estimate(n - self.size, traces, ours_left * theirs_left, chains)

    def _of_identity(self, rows: Doubles) -> Doubles:
        """Sums over the images of each identity, `(identities, ...)` from `(n, ...)`."""
        return np.add.reduceat(rows, self.start, axis=0)

    def _within(self, columns: Doubles) -> Doubles:
        """Sums over the images of each identity in its own column, `(identities,)` from `(n, identities)`."""
        return np.diagonal(self._of_identity(columns))


def _biased(n: Doubles, trace: Doubles, sums: Doubles, chain: Doubles) -> Doubles:
    """tr(K H L H), that is (n - 1)^2 times HSIC; NaN where no image is left."""
    n = np.where(np.asarray(n) < 1, np.nan, n)
    return trace - 2 / n * chain + sums / n**2


def _unbiased(n: Doubles, trace: Doubles, sums: Doubles, chain: Doubles) -> Doubles:
    """The unbiased estimate of HSIC, of matrices without diagonal; Song et al. 2012, equation 5.

    NaN where fewer than 4 images are left.
    """
    n = np.where(np.asarray(n) < _FEWEST, np.nan, n)
    return (trace + sums / ((n - 1) * (n - 2)) - 2 / (n - 2) * chain) / (n * (n - 3))


def _cka_biased(first: Representation, second: Representation) -> _Expanded:
    found = _cka(first.biased, second.biased, _biased)
    # tr(K H) tr(L H) / (n - 1) is the mean of tr(K H P L P' H) over all permutations P.
    traces = [float(np.trace(side.biased.matrix)) for side in (first, second)]
    norm = np.sqrt(first.biased.own[0] * second.biased.own[0])
    chance = traces[0] * traces[1] / ((len(first.identity) - 1) * norm)
    return _Expanded(found.value, found.influence, float(chance), 0.0)


def _cka_debiased(first: Representation, second: Representation) -> _Expanded:
    return _cka(first.debiased, second.debiased, _unbiased)


def _cka(first: _Gram, second: _Gram, estimate: _Estimate) -> _Expanded:
    together, without = first.hsic(second, estimate)
    squares, squares_without = (
        ours * theirs for ours, theirs in zip(first.own, second.own, strict=True)
    )
    if not all(side.own[0] > _ROUNDING * np.mean(side.matrix**2) for side in (first, second)):
        raise _Undefined("all pairs of images are equally similar, so nothing can vary with them")
    if not np.all(squares_without > 0):
        raise TooFewClusters("without one identity too few images are left for an interval")
    value = float(np.clip(together / np.sqrt(squares), -1, 1))
    left_out = without / np.sqrt(squares_without)
    people = len(left_out)
    # Scaled so that the variance of the samples is that of the jackknife.
    influence = (left_out.mean() - left_out) * np.sqrt((people - 1) / people)
    return _Expanded(value, influence)
