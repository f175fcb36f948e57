"""Parts of claims: numbers of which each must stand on one side of a threshold, or within a margin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol

import numpy as np

from unispace.evaluation.bootstrap import TooFewClusters, percentile_interval
from unispace.evaluation.hypotheses import Side
from unispace.evaluation.measure import Measure

AND = " and "
"""Between the metrics, or the units, that a mean is over."""
OwnTest = Callable[[float, Side], float]
"""P value of a number being `greater` or `less` than a threshold, by a test of its own."""


@dataclass(frozen=True, eq=False)
class Part:
    """A number that a claim is about.

    Attributes:
        about: what it is of, by names such as model, against, dataset, protocol, metric.
        measure: the number, of which samples give the p value; or why there is none.
        rows: tidy rows that it was made of.
        test: a test of its own, in place of that by resamples or by the interval.
        seeds: the number for each seed of the models, where there are several.
    """

    about: Mapping[str, str]
    measure: Measure
    rows: int = 1
    test: OwnTest | None = None
    seeds: tuple[float, ...] = field(default=())

    def words(self) -> str:
        """What it is of, in a line, without its metric."""
        told = self.about
        ends = [told[name] for name in ("model", "source") if name in told]
        ends += [f"to {told['target']}"] if "target" in told else []
        ends += [f"against {told['against']}"] if "against" in told else []
        ends += [f"by {told['method']}"] if "method" in told else []
        ends += [f"fitted on {told['fitted_on']}"] if "fitted_on" in told else []
        ends += [f"on {told['dataset']}"] if "dataset" in told else []
        beside = [told[name] for name in ("components", "size", "protocol") if name in told]
        return " ".join([*ends, *([f"({', '.join(beside)})"] if beside else [])])


class Numbers(Protocol):
    """The published numbers of single models, with their resamples."""

    def models(self) -> Sequence[str]:
        """Their names, backbone/curriculum/seedN."""
        ...

    def protocols(self, model: str, dataset: str, experiment: str, metric: str) -> list[str]:
        """By which protocols a metric was taken."""
        ...

    def measure(
        self, model: str, dataset: str, experiment: str, protocol: str, metric: str
    ) -> Measure:
        """One of them."""
        ...


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of these, or fits one of these patterns."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def named(model: str) -> dict[str, str]:
    """The names that a model backbone/curriculum/seedN stands for."""
    backbone, curriculum, seed = model.split("/")
    return {"model": model, "backbone": backbone, "curriculum": curriculum, "seed": seed}


def failed(about: Mapping[str, str], why: str, rows: int = 0) -> Part:
    """A part that cannot be tested."""
    return Part(dict(about), Measure.failed(about.get("metric", "number"), 0, "-", why), rows)


def mean_of(parts: Sequence[Part], without: str) -> Part:
    """The mean of some parts, as they are: other images might be drawn, other data sets or seeds not.

    The mean of the samples of each resample is that of a resample of all. Where a part's samples are all alike (a
    share of exactly 0 or 1) they know nothing of how sure it is; then the ends of the intervals are averaged, which
    errs on the wide side. Where each part has a test of its own, that of the mean is that all of them reject.

    Args:
        parts: one or more that differ in `without` alone.
        without: the name in `about` that they differ in; it is left out of the mean's, and of a model's name.

    Returns:
        A failed part where one of them failed.
    """
    first = parts[0]
    if len(parts) == 1 and without == "seed":
        return first
    about = {k: v for k, v in first.about.items() if k != without}
    if without == "seed":
        about |= {
            k: v.rpartition("/")[0]
            for k, v in about.items()
            if k in ("model", "against") and "/" in v
        }
    metrics = dict.fromkeys(part.about.get("metric", "") for part in parts)
    if len(metrics) > 1:
        about["metric"] = AND.join(metrics)
    if len({part.about.get("protocol") for part in parts}) > 1:
        about.pop("protocol", None)
    rows = sum(part.rows for part in parts)
    bad = next((part for part in parts if part.measure.status != "ok"), None)
    if bad is not None:
        why = bad.measure.status.removeprefix("failed: ")
        return failed(about, f"{bad.words()}: {why}" if len(parts) > 1 else why, rows)
    measures = [part.measure for part in parts]
    value = float(np.mean([m.value for m in measures]))
    n = sum(m.n for m in measures) if without != "seed" else min(m.n for m in measures)
    name = "mean" if without != "seed" else first.measure.metric
    unit = AND.join(dict.fromkeys(m.unit for m in measures))
    samples = _mean_samples(measures)
    if samples is None:
        ends = tuple(
            float(np.mean([getattr(m, end) for m in measures])) for end in ("lower", "upper")
        )
    else:
        try:
            ends = percentile_interval(samples)
        except TooFewClusters as reason:
            return failed(about, str(reason), rows)
    measure = Measure(name, value, ends[0], ends[1], n, unit, samples=samples)
    seeds = tuple(m.value for m in measures) if without == "seed" else ()
    return Part(about, measure, rows, _for_each([part.test for part in parts]), seeds)


def _for_each(tests: Sequence[OwnTest | None]) -> OwnTest | None:
    """The test of all parts that have one of their own: the largest p value, so it must reject for each."""
    own = [test for test in tests if test is not None]
    if len(own) < len(tests):
        return None
    return lambda threshold, side: max(test(threshold, side) for test in own)


def _mean_samples(measures: Sequence[Measure]) -> np.ndarray | None:
    found = [m.samples for m in measures if m.samples is not None]
    if len(found) < len(measures) or len({len(samples) for samples in found}) > 1:
        return None
    if any(np.ptp(samples[~np.isnan(samples)]) == 0 for samples in found):
        return None
    return np.mean(found, axis=0)


def over(parts: Iterable[Part], name: str) -> list[Part]:
    """The mean of all parts that differ in one name alone, in the order of their first."""
    groups: dict[tuple[tuple[str, str], ...], list[Part]] = {}
    for part in parts:
        # Names that follow from the one that is averaged over differ with it.
        skipped = {name, "model", "against"} if name == "seed" else {name, "metric", "protocol"}
        key = tuple((k, v) for k, v in part.about.items() if k not in skipped)
        if name == "seed" and "against" in part.about:
            key = (*key, ("against", part.about["against"].rpartition("/")[0]))
        groups.setdefault(key, []).append(part)
    return [mean_of(group, name) for group in groups.values()]
