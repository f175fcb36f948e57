"""Attack detection: how well scores tell bona fide presentations from attacks.

Rates are those of `detection_rates`. By ISO/IEC 30107-3 the APCER of a detector is that of the kind of attack
(species) it does worst on; papers average over kinds, or take all attacks for one. All three are given, by name:

- `AUC`, `D-EER`: all attacks as one kind;
- `BPCER@APCER=0.1`: BPCER at the lowest threshold whose APCER does not exceed 10 %, and `APCER@BPCER=0.1` the other
  way round; the threshold is taken from the tested images themselves, as papers have it, and again in every resample;
- `BPCER@APCER=0.1-of-val`: the same with the threshold found on the development data, where APCER does not exceed
  10 %; beside it `APCER@APCER=0.1-of-val`, what became of these 10 % on the tested images;
- `APCER`, `BPCER`, `ACER`, `HTER`: at the threshold nearest to the EER of the development data. APCER is that of the
  worst kind, `APCER-mean` the mean over kinds, `APCER-pooled` that of all attacks as one. ACER is the mean of APCER
  and BPCER, HTER that of APCER-pooled and BPCER;
- `HTER@EER-of-test`: HTER at the threshold nearest to the EER of the tested images, as FoundPAD publishes it.

Two further tables hold the mean over kinds of what is measured on each kind against all bona fide presentations, and
the worst of the kinds, which is what the standard asks for.

Intervals resample subjects. A threshold of the development data is fixed in all resamples: their intervals are those
of a detector as it is deployed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unispace.evaluation.attack_points import Points, Thresholds, lacking, rates_of
from unispace.evaluation.bootstrap import (
    DEFINED,
    MEMORY,
    TooFewClusters,
    proportion_interval,
)
from unispace.evaluation.detection_rates import Rates, Steps
from unispace.evaluation.measure import Measure
from unispace.evaluation.presentations import Presentations

Doubles = NDArray[np.float64]
About = Literal["both", "attacks", "bona fide"]

LARGER_IS_BETTER = "AUC"
"""The one metric that is no error rate."""


@dataclass(frozen=True, eq=False)
class Detection:
    """What a detector reaches.

    Attributes:
        whole: measures with all attacks.
        of_kind: of each kind of attack alone, against all bona fide presentations.
        mean: means over the kinds.
        worst: of the kind on which each is worst.
        det: `(2, k)` APCER and BPCER at falling thresholds; empty where one of both kinds is missing.
    """

    whole: list[Measure]
    of_kind: dict[str, list[Measure]]
    mean: list[Measure]
    worst: list[Measure]
    det: Doubles


@dataclass(frozen=True)
class _Metric:
    """A number that is read off the rates of presentations.

    Attributes:
        name: of it.
        of: its values `(b,)` in b resamples.
        about: which presentations it counts.
        chance: what scores without information would give.
        point: the metric and the rate whose support is asked for.
        why: why there is none; empty where there is one.
    """

    name: str
    of: Callable[[Rates], Doubles]
    about: About
    chance: float | None = None
    point: tuple[str, float] | None = None
    why: str = ""


@dataclass(frozen=True, eq=False)
class _Values:
    """A metric of some presentations: in the data, then in every resample; or why there is none."""

    values: Doubles = field(default_factory=lambda: np.empty(0))
    why: str = ""


def detect(
    tested: Presentations,
    thresholds: Thresholds,
    points: Points,
    multiplicity: NDArray[np.integer],
    unit: str,
    why: str = "",
) -> Detection:
    """All measures of a detector.

    A metric of exactly 0 or 1 gets a Wilson interval on the number of subjects of the presentations it counts. What
    the data cannot give is a failed measure with its reason.

    Args:
        tested: the scored presentations.
        thresholds: of the development data.
        points: operating points.
        multiplicity: `(resamples, subjects)` from `bootstrap.draw`, the same for every model and detector.
        unit: what is resampled.
        why: why nothing can be measured at all, in place of what is found out here.
    """
    metrics = _metrics(thresholds, points)
    kinds = {kind: tested.against(kind) for kind in tested.kinds}
    why = why or lacking(tested, "what is tested")
    found = _all_values(tested, metrics, points, multiplicity, why)
    of_kind = {
        kind: _all_values(part, metrics, points, multiplicity, why) for kind, part in kinds.items()
    }
    by_name = {metric.name: metric for metric in metrics}

    def measure(part: Presentations, metric: _Metric, values: _Values) -> Measure:
        return _measure(part, metric, values, unit)

    worst = {m.name: _over(of_kind.values(), m.name, _worst_of(m.name), why) for m in metrics}
    mean = {m.name: _over(of_kind.values(), m.name, _mean, why) for m in metrics}
    whole = []
    for metric in metrics:
        if metric.name == "ACER":
            # Of the worst kind, as its APCER is.
            whole.append(measure(tested, metric, worst["ACER"]))
            continue
        if metric.name != "APCER":
            whole.append(measure(tested, metric, found[metric.name]))
            continue
        named = (("APCER", worst), ("APCER-mean", mean), ("APCER-pooled", found))
        whole += [
            measure(tested, _renamed(metric, name), values["APCER"]) for name, values in named
        ]
    on_kinds = [by_name[name] for name in by_name if name != "HTER" and "-of-val" not in name]
    return Detection(
        whole,
        {
            kind: [measure(kinds[kind], m, values[m.name]) for m in on_kinds]
            for kind, values in of_kind.items()
        },
        [measure(tested, m, mean[m.name]) for m in on_kinds],
        [measure(tested, m, worst[m.name]) for m in on_kinds],
        np.empty((2, 0)) if why else _det(rates_of(tested)),
    )


def _metrics(thresholds: Thresholds, points: Points) -> list[_Metric]:
    """All metrics, in the order in which they are told."""
    found = [
        _Metric("AUC", Rates.auc, "both", 0.5),
        _Metric("D-EER", Rates.d_eer, "both", 0.5),
    ]
    for rate in points.rates:
        found.append(
            _Metric(
                f"BPCER@APCER={rate:g}",
                lambda r, rate=rate: r.bpcer_at(r.at_apcer(rate)),
                "bona fide",
                1 - rate,
                ("APCER", rate),
            )
        )
    for rate in points.rates:
        found.append(
            _Metric(
                f"APCER@BPCER={rate:g}",
                lambda r, rate=rate: r.apcer_at(r.at_bpcer(rate)),
                "attacks",
                1 - rate,
                ("BPCER", rate),
            )
        )
    fixed = partial(_fixed, thresholds.eer)
    found += [
        fixed("APCER", Rates.apcer_at, "attacks"),
        fixed("BPCER", Rates.bpcer_at, "bona fide"),
        fixed("ACER", _half, "both"),
        fixed("HTER", _half, "both", 0.5),
        _Metric("HTER@EER-of-test", lambda r: _half(r, r.nearest_eer()), "both", 0.5),
    ]
    for name, taken in (("APCER", thresholds.apcer), ("BPCER", thresholds.bpcer)):
        for rate in taken:
            point = f"{name}={rate:g}-of-val"
            found += [
                _fixed(taken[rate], f"BPCER@{point}", Rates.bpcer_at, "bona fide"),
                _fixed(taken[rate], f"APCER@{point}", Rates.apcer_at, "attacks"),
            ]
    return found


def _fixed(
    threshold: float | str,
    name: str,
    of: Callable[[Rates, NDArray[np.intp]], Doubles],
    about: About,
    chance: float | None = None,
) -> _Metric:
    """A metric at a threshold of the development data."""
    if isinstance(threshold, str):
        return _Metric(name, lambda rates: np.full(len(rates.passed), np.nan), about, why=threshold)
    return _Metric(name, lambda rates: of(rates, rates.at(threshold)), about, chance)


def _half(rates: Rates, place: NDArray[np.intp]) -> Doubles:
    return (rates.apcer_at(place) + rates.bpcer_at(place)) / 2


def _renamed(metric: _Metric, name: str) -> _Metric:
    return _Metric(name, metric.of, metric.about, metric.chance, metric.point, metric.why)


def _all_values(
    tested: Presentations,
    metrics: Sequence[_Metric],
    points: Points,
    multiplicity: NDArray[np.integer],
    why: str,
) -> dict[str, _Values]:
    """All metrics, of the data first and then of every resample, from scores that are sorted once."""
    if why:
        return {metric.name: _Values(why=why) for metric in metrics}
    steps, resamples = Steps.of(tested.scores), len(multiplicity)
    bona_fide = tested.bona_fide
    values = np.empty((len(metrics), 1 + resamples))
    chunk = max(1, MEMORY // (96 * len(tested.scores)))
    parts = [(slice(0, 1), np.ones((1, len(bona_fide))))]
    for start in range(0, resamples, chunk):
        stop = min(resamples, start + chunk)
        parts.append((slice(1 + start, 1 + stop), tested.weights(multiplicity[start:stop])))
    for place, weight in parts:
        rates = Rates.of(steps, bona_fide, weight)
        for row, metric in enumerate(metrics):
            values[row, place] = metric.of(rates)
    number = {
        "APCER": ("attacks", int(np.count_nonzero(~bona_fide))),
        "BPCER": ("bona fide presentations", int(np.count_nonzero(bona_fide))),
    }
    found = {}
    for metric, row in zip(metrics, values, strict=True):
        problem = metric.why
        if metric.point is not None:
            name, rate = metric.point
            problem = points.problem(rate, name, *number[name]) or ""
        found[metric.name] = _Values(row, problem)
    return found


def _over(
    kinds: Iterable[Mapping[str, _Values]],
    name: str,
    reduce: Callable[[Doubles], Doubles],
    why: str,
) -> _Values:
    """A metric over the kinds of attack, in the data and in every resample."""
    found = [values[name] for values in kinds]
    problem = why or next((values.why for values in found if values.why), "")
    if problem:
        return _Values(why=problem)
    return _Values(reduce(np.stack([values.values for values in found])))


def _mean(values: Doubles) -> Doubles:
    return values.mean(axis=0)


def _worst_of(name: str) -> Callable[[Doubles], Doubles]:
    """The worst over the rows; NaN where one is."""
    if name == LARGER_IS_BETTER:
        return lambda values: values.min(axis=0)
    return lambda values: values.max(axis=0)


def _measure(tested: Presentations, metric: _Metric, found: _Values, unit: str) -> Measure:
    """A value with its interval."""
    bona_fide = tested.bona_fide
    counted = {"both": bona_fide | True, "attacks": ~bona_fide, "bona fide": bona_fide}
    n = int(np.count_nonzero(counted[metric.about]))
    if found.why:
        return Measure.failed(metric.name, n, unit, found.why, metric.chance)
    value, samples = float(found.values[0]), found.values[1:]
    sides = [~bona_fide, bona_fide] if metric.about == "both" else [counted[metric.about]]
    try:
        _require_defined(samples)
        ends = proportion_interval(value, samples, min(map(tested.subjects, sides)))
    except TooFewClusters as reason:
        return Measure.failed(metric.name, n, unit, reason, metric.chance)
    return Measure(metric.name, value, *ends, n, unit, chance=metric.chance, samples=samples.copy())


def _require_defined(samples: Doubles) -> None:
    """Refuse an interval where many resamples lack attacks or bona fide presentations.

    Raises:
        TooFewClusters: the metric exists in less than 95 % of the resamples.
    """
    defined = int(np.count_nonzero(~np.isnan(samples)))
    if defined < DEFINED * len(samples):
        raise TooFewClusters(
            f"only {defined} of {len(samples)} resamples hold attacks of each kind and bona fide presentations; "
            f"there are too few subjects for an interval"
        )


def _det(rates: Rates, points: int = 400) -> Doubles:
    """APCER and BPCER at all thresholds, or at those that a figure with two logarithmic axes can tell apart."""
    apcer, bpcer = rates.apcer[0], rates.bpcer[0]
    if len(apcer) <= points:
        return np.stack([apcer, bpcer])
    least = [1 / float(total[0, 0]) for total in (rates.attacks, rates.bona_fides)]
    spaced = [np.geomspace(smallest, 1.0, points // 2 - 2) for smallest in least]
    kept = np.concatenate(
        [
            [0, len(apcer) - 1],
            np.searchsorted(apcer, np.append(0.0, spaced[0]), side="right") - 1,
            len(bpcer) - np.searchsorted(bpcer[::-1], np.append(0.0, spaced[1]), side="right"),
        ]
    )
    return np.stack([apcer, bpcer])[:, np.unique(kept)]
