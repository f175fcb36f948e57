"""Operating points of attack detection, and the thresholds that development data give for them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from unispace.evaluation.detection_rates import Rates, Steps
from unispace.evaluation.presentations import Presentations


@dataclass(frozen=True)
class Points:
    """Operating points.

    Attributes:
        rates: APCER and BPCER in (0, 1) at which the other one is given.
        errors: errors that must be expected at such a point; one with fewer is refused.
    """

    rates: tuple[float, ...]
    errors: int

    def problem(self, rate: float, metric: str, what: str, number: int) -> str | None:
        """Why a number of presentations does not support a point; None where it does."""
        required = math.ceil(self.errors / Fraction(str(float(rate))))
        if number >= required:
            return None
        return (
            f"{metric} {rate:g} takes at least {required:,} {what} for {self.errors} expected errors, "
            f"there are {number:,}"
        )


@dataclass(frozen=True)
class Thresholds:
    """Thresholds found on development data; a text says why there is none.

    Attributes:
        eer: nearest to the EER.
        apcer: by each rate that is asked for, the lowest one whose APCER does not exceed it.
        bpcer: by each rate, the highest one whose BPCER does not exceed it.
    """

    eer: float | str
    apcer: Mapping[float, float | str]
    bpcer: Mapping[float, float | str]

    @classmethod
    def none(cls, why: str, points: Points) -> Thresholds:
        """No threshold at all."""
        return cls(why, dict.fromkeys(points.rates, why), dict.fromkeys(points.rates, why))

    def only_eer(self) -> Thresholds:
        """Without those of operating points, so that these are not measured."""
        return Thresholds(self.eer, {}, {})

    @classmethod
    def of(cls, development: Presentations, points: Points) -> Thresholds:
        """The thresholds of scored development data."""
        why = lacking(development, "the val split")
        if why:
            return cls.none(why, points)
        rates = rates_of(development)
        threshold = rates.steps.threshold
        attacks = int(rates.attacks[0, 0])
        bona_fide = int(rates.bona_fides[0, 0])

        def found(rate: float, metric: str, what: str, number: int, place: int) -> float | str:
            why = points.problem(rate, metric, what, number)
            return f"val: {why}" if why else float(threshold[place])

        return cls(
            float(threshold[rates.nearest_eer()[0]]),
            {
                rate: found(rate, "APCER", "attacks", attacks, rates.at_apcer(rate)[0])
                for rate in points.rates
            },
            {
                rate: found(
                    rate, "BPCER", "bona fide presentations", bona_fide, rates.at_bpcer(rate)[0]
                )
                for rate in points.rates
            },
        )


def lacking(tested: Presentations, where: str) -> str:
    """Why nothing can be detected there; empty where there are attacks and bona fide presentations."""
    if not tested.bona_fide.any():
        return f"there is no bona fide presentation in {where}"
    return "" if not tested.bona_fide.all() else f"there is no attack in {where}"


def rates_of(tested: Presentations) -> Rates:
    """The rates of the data themselves."""
    ones = np.ones((1, len(tested.scores)))
    return Rates.of(Steps.of(tested.scores), tested.bona_fide, ones)
