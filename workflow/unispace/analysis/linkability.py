"""Linkability of two template databases: how much does a score tell about whether two templates are of one person?

D(s) = 2 w LR(s) / (1 + w LR(s)) - 1 where w LR(s) > 1, else 0, with LR the likelihood ratio of mated over non-mated
scores and w the ratio of their prior probabilities (1: as likely). D_sys is its mean over mated scores: 0 where no
score tells anything, 1 where mated and non-mated scores never meet. Source: M. Gomez-Barrero, J. Galbally, C. Rathgeb
and C. Busch, "General framework to evaluate unlinkability in biometric template protection systems", IEEE
Transactions on Information Forensics and Security 2018.

The densities are histograms over equal bins from the lowest to the highest score, min(mated / 10, 100) of them as in
the authors' own program, unless told. A histogram of few scores is uneven by chance, and D_sys only counts where mated
scores are more: it is above 0 without any link. So D_sys of shuffled identities stands beside it, as its `chance`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation.bootstrap import TooFewClusters, draw, percentile_interval
from unispace.evaluation.measure import Measure

Doubles = NDArray[np.float64]
Integers = NDArray[np.integer]
_MOST_BINS, _IN_A_BIN, _FEWEST_BINS = 100, 10, 2


@dataclass(frozen=True, eq=False)
class Linkage:
    """Scores of all templates of database A against all of B, in bins.

    Attributes:
        bin: `(n, m)` bin of each score, 0 .. bins - 1.
        bins: number of bins.
        first: `(n,)` identity of the templates of A, 0 .. identities - 1.
        second: `(m,)` identity of those of B, likewise.
        identities: how many there are in both.
        prior: ratio of the probabilities of mated and non-mated.
    """

    bin: NDArray[np.intp]
    bins: int
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    identities: int
    prior: float

    @classmethod
    def of(
        cls,
        scores: NDArray[np.floating],
        first: Integers,
        second: Integers,
        bins: int | None = None,
        prior: float = 1.0,
    ) -> Linkage:
        """Put scores into bins.

        Args:
            scores: `(n, m)`, higher is more alike.
            first: `(n,)` identity of each template of A, any integers.
            second: `(m,)` identity of each of B.
            bins: 2 or more; None takes min(mated / 10, 100), but at least 2.
            prior: above 0.

        Raises:
            ValueError: Shapes differ, a score is not finite, fewer than 2 bins, the prior is not positive, or an
                identity is in one database alone.
        """
        if scores.shape != (len(first), len(second)):
            raise ValueError(
                f"scores {scores.shape} for {len(first)} and {len(second)} identities; they must belong together"
            )
        if not np.isfinite(scores).all():
            raise ValueError("a score is not finite")
        if not (np.isfinite(prior) and prior > 0):
            raise ValueError(f"the ratio of priors must be positive, got {prior}")
        lone = np.setxor1d(first, second)
        if len(lone):
            raise ValueError(f"identity {lone[0]} is in one of the two databases alone")
        names, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
        first, second = codes[: len(first)], codes[len(first) :]
        if bins is None:
            mated = int(np.bincount(first) @ np.bincount(second))
            bins = max(_FEWEST_BINS, min(mated // _IN_A_BIN, _MOST_BINS))
        if bins < _FEWEST_BINS:
            raise ValueError(f"a histogram needs at least 2 bins, got {bins}")
        low, high = float(scores.min()), float(scores.max())
        # Equal scores tell nothing: then all lie in the first bin.
        width = (high - low) / bins if high > low else 1.0
        place = np.minimum(((scores.astype(np.float64) - low) / width).astype(np.intp), bins - 1)
        return cls(place, bins, first, second, len(names), prior)

    def d_sys(self) -> float:
        """D_sys of the data, in [0, 1]; NaN with a single identity, which has no non-mated score."""
        return self._of_mated(self.first[:, None] == self.second)

    def shuffled(self, rng: np.random.Generator, times: int) -> float:
        """Mean D_sys of identities of B that were shuffled so that nobody keeps their own; NaN with a single identity.

        Args:
            rng: shuffles them.
            times: how often, 1 or more.
        """
        if self.identities < 2:
            return np.nan
        values = []
        for _ in range(times):
            # A cycle through all identities in a random order moves every one.
            order = rng.permutation(self.identities)
            other = np.empty(self.identities, np.intp)
            other[order] = np.roll(order, 1)
            values.append(self._of_mated(self.first[:, None] == other[self.second]))
        return float(np.mean(values))

    def measure(self, resamples: int, shuffles: int, rng: np.random.Generator) -> Measure:
        """`D_sys` in [0, 1] with an interval that resamples identities (n: scores).

        It is the first-order expansion in the number of times that each identity was drawn (infinitesimal jackknife:
        B. Efron, 1982): mated scores weigh w_a and non-mated ones w_a w_b. Its upward bias is not in the interval;
        that is what `chance` shows. Failed with fewer than 2 identities.

        Args:
            resamples: at least 40.
            shuffles: of identities behind `chance`.
            rng: draws both.
        """
        n = self.bin.size
        try:
            weight = draw(self.identities, resamples, rng).astype(np.float64) - 1
        except TooFewClusters as reason:
            return Measure.failed("D_sys", n, "identity", reason)
        samples = np.clip(self.d_sys() + weight @ self._influence(), 0.0, 1.0)
        lower, upper = percentile_interval(samples)
        return Measure(
            "D_sys",
            self.d_sys(),
            lower,
            upper,
            n,
            "identity",
            chance=self.shuffled(rng, shuffles),
            samples=samples,
        )

    @cached_property
    def _every(self) -> NDArray[np.intp]:
        """Number of scores in each bin."""
        return np.bincount(self.bin.ravel(), minlength=self.bins)

    def _histograms(self, mated: NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
        """Shares of the mated and of the non-mated scores in each bin."""
        ours = np.bincount(self.bin[mated], minlength=self.bins)
        rest = self._every - ours
        return ours / ours.sum(), rest / rest.sum()

    def _of_mated(self, mated: NDArray[np.bool_]) -> float:
        if mated.all():
            return np.nan
        ours, theirs = self._histograms(mated)
        return float(np.sum(ours * self._linkable(ours, theirs)))

    def _linkable(self, ours: Doubles, theirs: Doubles) -> Doubles:
        """D of each bin, from the shares of mated and non-mated scores."""
        known = self.prior * ours
        either = known + theirs
        share = np.divide(known - theirs, either, out=np.zeros(len(ours)), where=either > 0)
        return np.maximum(share, 0.0)

    def _influence(self) -> Doubles:
        """Derivative of D_sys by the multiplicity of each identity, `(identities,)`."""
        mated = self.first[:, None] == self.second
        ours, theirs = self._histograms(mated)
        counts = self._linkable(ours, theirs) > 0
        square = np.where(counts, (self.prior * ours + theirs) ** 2, 1.0)
        # D_sys is the sum of m (w m - n) / (w m + n) over the bins that count, m and n being the two shares.
        by_ours = (self.prior * ours) ** 2 + 2 * self.prior * ours * theirs - theirs**2
        by_ours = np.where(counts, by_ours, 0.0) / square
        by_theirs = np.where(counts, -2 * self.prior * ours**2, 0.0) / square
        # Of a score: what one more in its bin does, with less of every other.
        mate = (by_ours - by_ours @ ours) / mated.sum()
        rest = (by_theirs - by_theirs @ theirs) / (~mated).sum()
        of_score = np.where(mated, mate[self.bin], rest[self.bin])
        found = np.bincount(self.first, of_score.sum(axis=1), self.identities).astype(np.float64)
        # A mated score is of one identity and counts once, another one for both of its identities.
        others = np.where(mated, 0.0, of_score)
        return found + np.bincount(self.second, others.sum(axis=0), self.identities)
