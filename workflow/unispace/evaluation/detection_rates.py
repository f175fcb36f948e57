"""Error rates of attack detection at every threshold, in the data and in every resample of them.

A score says how bona fide a presentation looks: it is taken for bona fide where its score is at or above the
threshold, and for an attack below it. Terms follow ISO/IEC 30107-3 (presentation attacks) and ISO/IEC 20059 (morphs,
where the same rates are called MACER and BSCER):

- APCER, attack presentation classification error rate: share of the attacks that are taken for bona fide;
- BPCER, bona fide presentation classification error rate: share of the bona fide ones that are taken for attacks.

Thresholds stand between scores: equal scores are taken together, whatever they are of. All counts are whole numbers
below 2**53, so that rates are exact quotients and ties are no matter of rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Steps:
    """Scores in falling order, and where the thresholds between them lie.

    Attributes:
        order: `(n,)` the presentations by falling score.
        ends: `(k,)` place in `order` of the last presentation with each distinct score.
        scores: `(k,)` the distinct scores, falling.
        threshold: `(k + 1,)` falling, from +inf, at which everything is an attack, to -inf, at which nothing is. The
            others lie in the middle between two neighbouring scores, as far from both as they can: so a threshold
            that is found on some images keeps its distance from them on others.
    """

    order: NDArray[np.intp]
    ends: NDArray[np.intp]
    scores: Doubles
    threshold: Doubles

    @classmethod
    def of(cls, scores: NDArray[np.floating]) -> Steps:
        """The steps of some scores.

        Raises:
            ValueError: there are none, or one is not finite.
        """
        scores = np.asarray(scores, np.float64)
        if scores.ndim != 1 or not len(scores):
            raise ValueError(f"scores must be (n,) with n > 0, got {scores.shape}")
        if not np.isfinite(scores).all():
            raise ValueError(f"score {int(np.argmin(np.isfinite(scores)))} is not finite")
        order = np.argsort(-scores, kind="stable")
        falling = scores[order]
        ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
        distinct = falling[ends]
        # Halves first: the sum of two large scores might not be finite. The middle of two neighbouring numbers
        # is one of them; the upper one is right, since a score at the threshold is bona fide.
        middle = distinct[:-1] / 2 + distinct[1:] / 2
        middle = np.where(middle > distinct[1:], middle, distinct[:-1])
        return cls(order, ends, distinct, np.concatenate([[np.inf], middle, [-np.inf]]))

    def place(self, threshold: float) -> int:
        """The place of the threshold here that divides these scores as a given one does, found on others."""
        return int(np.searchsorted(-self.scores, -threshold, side="right"))


@dataclass(frozen=True, eq=False)
class Rates:
    """Weights on both sides of every threshold, of b resamples.

    The first threshold takes everything for an attack, the last nothing. Where a resample holds no attack or no bona
    fide presentation, its metrics are NaN.

    Attributes:
        steps: the thresholds.
        passed: `(b, k + 1)` weight of the attacks that are taken for bona fide.
        refused: `(b, k + 1)` weight of the bona fide presentations that are taken for attacks.
    """

    steps: Steps
    passed: Doubles
    refused: Doubles

    @classmethod
    def of(cls, steps: Steps, bona_fide: NDArray[np.bool_], weight: Doubles) -> Rates:
        """Weigh presentations.

        Args:
            steps: of their scores.
            bona_fide: `(n,)` whether each is.
            weight: `(b, n)` whole numbers, how often each counts.
        """
        weight = weight[:, steps.order]
        bona_fide = np.asarray(bona_fide)[steps.order]
        none = np.zeros((len(weight), 1))
        taken = [
            np.hstack([none, np.cumsum(np.where(kind, weight, 0.0), axis=1)[:, steps.ends]])
            for kind in (~bona_fide, bona_fide)
        ]
        return cls(steps, taken[0], taken[1][:, -1:] - taken[1])

    @property
    def attacks(self) -> Doubles:
        """`(b, 1)` weight of all attacks."""
        return self.passed[:, -1:]

    @property
    def bona_fides(self) -> Doubles:
        """`(b, 1)` weight of all bona fide presentations."""
        return self.refused[:, :1]

    @cached_property
    def apcer(self) -> Doubles:
        """`(b, k + 1)` in [0, 1], rising."""
        return _share(self.passed, self.attacks)

    @cached_property
    def bpcer(self) -> Doubles:
        """`(b, k + 1)` in [0, 1], falling."""
        return _share(self.refused, self.bona_fides)

    @cached_property
    def _row(self) -> NDArray[np.intp]:
        return np.arange(len(self.passed))

    @property
    def _lost(self) -> NDArray[np.bool_]:
        """`(b,)` whether a resample lacks one of the two kinds."""
        return ((self.attacks == 0) | (self.bona_fides == 0))[:, 0]

    def _defined(self, values: Doubles) -> Doubles:
        return np.where(self._lost, np.nan, values)

    def auc(self) -> Doubles:
        """`(b,)` area under the ROC of 1 - BPCER over APCER.

        It is the probability that a bona fide presentation scores higher than an attack, ties counted as one half
        (Mann-Whitney). Source: J. Hanley and B. McNeil, Radiology 1982.
        """
        accepted = self.bona_fides - self.refused
        stopped = self.attacks - self.passed
        won = np.diff(accepted, axis=1) * (stopped[:, 1:] + stopped[:, :-1])
        total = 2 * self.attacks[:, 0] * self.bona_fides[:, 0]
        return self._defined(np.sum(won, axis=1) / np.where(total > 0, total, 1))

    def _crossing(self) -> NDArray[np.intp]:
        """`(b,)` the first threshold at which APCER is not below BPCER; never the first of all."""
        # Compared as whole numbers: p / a >= r / b.
        crossed = self.passed * self.bona_fides >= self.refused * self.attacks
        return np.maximum(np.argmax(crossed, axis=1), 1)

    def d_eer(self) -> Doubles:
        """`(b,)` detection equal error rate: where APCER = BPCER on the DET.

        The two thresholds on either side of the equality are joined by a straight line, as in `verification.eer`.
        Neither the nearest point nor the convex hull is taken.
        """
        after = self._crossing()
        before = after - 1
        gap = self.bpcer[self._row, before] - self.apcer[self._row, before]
        rest = self.apcer[self._row, after] - self.bpcer[self._row, after]
        share = gap / np.where(gap + rest > 0, gap + rest, 1)
        low, high = self.apcer[self._row, before], self.apcer[self._row, after]
        return self._defined(low + share * (high - low))

    def nearest_eer(self) -> NDArray[np.intp]:
        """`(b,)` the threshold at which APCER and BPCER differ least: an operating point that exists.

        Of two equally near the one with the smaller sum of both rates, then the higher one, at which fewer attacks
        pass. Published protocols take this point for the EER (FoundPAD: where TPR + FPR is nearest to 1).
        """
        after = self._crossing()
        before = after - 1
        far, total = [], []
        for place in (before, after):
            passed = self.passed[self._row, place] * self.bona_fides[:, 0]
            refused = self.refused[self._row, place] * self.attacks[:, 0]
            far.append(np.abs(passed - refused))
            total.append(passed + refused)
        later = (far[1] < far[0]) | ((far[1] == far[0]) & (total[1] < total[0]))
        return np.where(later, after, before)

    def at_apcer(self, most: float) -> NDArray[np.intp]:
        """`(b,)` the lowest threshold at which APCER does not exceed `most`: never the nearest point."""
        return np.sum(self.apcer <= most, axis=1) - 1

    def at_bpcer(self, most: float) -> NDArray[np.intp]:
        """`(b,)` the highest threshold at which BPCER does not exceed `most`: never the nearest point."""
        return np.argmax(self.bpcer <= most, axis=1)

    def at(self, threshold: float) -> NDArray[np.intp]:
        """`(b,)` the place of a threshold that was found on other images, the same in each resample."""
        return np.full(len(self.passed), self.steps.place(threshold))

    def apcer_at(self, place: NDArray[np.intp]) -> Doubles:
        """`(b,)` APCER at a threshold of each resample."""
        return self._defined(self.apcer[self._row, place])

    def bpcer_at(self, place: NDArray[np.intp]) -> Doubles:
        """`(b,)` BPCER at a threshold of each resample."""
        return self._defined(self.bpcer[self._row, place])


def _share(weight: Doubles, total: Doubles) -> Doubles:
    """Rates; 0 where there is nothing to take a share of, which the metrics blank."""
    return weight / np.where(total > 0, total, 1)
