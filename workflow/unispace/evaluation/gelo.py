"""GELO: what share of its general ability a model keeps when it is tuned.

T. Chettaoui, N. Damer and F. Boutros (arXiv 2509.14921, 2025) divide the average accuracy over general data sets after
tuning by that before it. This is a ratio of averages: sets that are easy for the base weigh more, and accuracy that
guessing gives counts as ability. Three other definitions stand beside it, which do not do the one or the other.

Below, t_s and b_s are the accuracies of the tuned and of the base model on set s of S, and c_s is that of a guess
without looking at the images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unispace.evaluation.bootstrap import TooFewClusters, percentile_interval
from unispace.evaluation.changes import change, unpaired_change
from unispace.evaluation.measure import Measure

Doubles = NDArray[np.float64]

GELO = "GELO"
MEAN_OF_RATIOS = "GELO-mean-of-ratios"
GEOMETRIC = "GELO-geometric"
CHANCE_CORRECTED = "GELO-chance-corrected"
AVERAGE = "average"
DROP = "drop"
GAIN_IN = "gain in "
"""Beginning of the metric of a gain; what follows is the metric that rose, or the error rate that fell."""
EXPERIMENT = "gelo"
GENERAL = "general"
"""What the data set is called in rows over all general sets."""
FIXED_SETS = "fixed-sets"
"""Further part of the protocol: the interval resamples images, and the sets are as they are."""
BY_SETS = "set"
"""Unit of the intervals over sets and, within each, over its images."""


def gelo(tuned: ArrayLike, base: ArrayLike) -> Doubles:
    """GELO as published: (sum of t_s / S) / (sum of b_s / S).

    Args:
        tuned: `(..., sets)` accuracies after tuning, not negative; their scale does not matter.
        base: `(..., sets)` accuracies of the same sets before it, in the same scale.

    Returns:
        `(...)`, 1 where nothing was lost and above 1 where ability was gained; NaN where the base is 0 on average.

    Raises:
        ValueError: The shapes differ, or there is no set.
    """
    after, before = _same_sets(tuned, base)
    return _ratio(after.mean(axis=-1), before.mean(axis=-1))


def mean_of_ratios(tuned: ArrayLike, base: ArrayLike) -> Doubles:
    """The mean over the sets of t_s / b_s: each set counts alike.

    Args, raises: as `gelo`.

    Returns:
        `(...)`; NaN where the base is 0 on a set.
    """
    after, before = _same_sets(tuned, base)
    return _ratio(after, before).mean(axis=-1)


def geometric(tuned: ArrayLike, base: ArrayLike) -> Doubles:
    """The geometric mean over the sets of t_s / b_s: a half and a doubling cancel out.

    Args, raises: as `gelo`.

    Returns:
        `(...)`, 0 where the tuned model is 0 on a set; NaN where the base is.
    """
    after, before = _same_sets(tuned, base)
    # The logarithm of 0 becomes 0 again; negative numbers have none and become NaN.
    with np.errstate(divide="ignore", invalid="ignore"):
        # Not by scipy.stats, whose import takes longer than all else that a job does.
        return np.exp(np.log(_ratio(after, before)).mean(axis=-1))


def chance_corrected(tuned: ArrayLike, base: ArrayLike, chance: ArrayLike) -> Doubles:
    """GELO of the abilities (t_s - c_s) / (1 - c_s) and (b_s - c_s) / (1 - c_s).

    This scale, 0 for guessing and 1 for no error, is that of Cohen's kappa (Educational and Psychological
    Measurement, 1960) with a fixed guess.

    Args:
        tuned: `(..., sets)` accuracies after tuning, as shares.
        base: `(..., sets)` accuracies before it, as shares.
        chance: `(..., sets)` accuracies by chance, as shares below 1.

    Returns:
        `(...)`, 0 for a tuned model that guesses and below 0 for one that does worse; NaN where the base is not above
        chance on average.

    Raises:
        ValueError: The shapes differ, there is no set, or a chance is not from 0 to below 1.
    """
    after, before = _same_sets(tuned, base)
    guess = np.broadcast_to(np.asarray(chance, float), after.shape)
    if not np.all((guess >= 0) & (guess < 1)):
        raise ValueError(f"chance must be a share below 1, got {np.asarray(chance)}")
    ability = [((x - guess) / (1 - guess)).mean(axis=-1) for x in (after, before)]
    return _ratio(ability[0], ability[1])


def _same_sets(tuned: ArrayLike, base: ArrayLike) -> tuple[Doubles, Doubles]:
    after, before = np.asarray(tuned, float), np.asarray(base, float)
    if after.shape != before.shape or after.ndim == 0 or after.shape[-1] == 0:
        raise ValueError(
            f"GELO takes the accuracies of both models on the same sets, got {after.shape} and {before.shape}"
        )
    return after, before


def _ratio(above: Doubles, below: Doubles) -> Doubles:
    """The ratio; NaN where what stands below is not above 0."""
    above, below = np.asarray(above, float), np.asarray(below, float)
    return np.divide(above, below, out=np.full(above.shape, math.nan), where=below > 0)


def _plain(of: Callable[[ArrayLike, ArrayLike], Doubles]) -> Callable[..., Doubles]:
    """A definition that takes no notice of chance, called as one that does."""
    return lambda tuned, base, chance: of(tuned, base)


@dataclass(frozen=True)
class _Definition:
    """How GELO is defined.

    Attributes:
        of: from the accuracies of tuned and base model and those of guessing.
        by_set: whether it divides by the base on each set, where a base that guesses leaves nothing to be lost.
        guess: whether it takes the accuracy by chance.
    """

    of: Callable[..., Doubles]
    by_set: bool
    guess: bool


DEFINITIONS = {
    GELO: _Definition(_plain(gelo), by_set=False, guess=False),
    MEAN_OF_RATIOS: _Definition(_plain(mean_of_ratios), by_set=True, guess=False),
    GEOMETRIC: _Definition(_plain(geometric), by_set=True, guess=False),
    CHANCE_CORRECTED: _Definition(chance_corrected, by_set=True, guess=True),
}


def measure_gelo(
    tuned: Mapping[str, Measure],
    base: Mapping[str, Measure],
    rng: np.random.Generator | None,
) -> list[Measure]:
    """GELO by every definition, with intervals.

    A resample draws as many sets as there are, with replacement, and of each drawn set one of its stored resamples of
    images at random, the same one for both models: sets outside, images inside. Fewer than some ten sets make the
    outer part optimistic, as every bootstrap of few clusters is. Without random numbers the sets stay as they are and
    images alone are resampled.

    A cell that failed on any set, or has no resamples, fails GELO, which would be of other sets without it. A base that does not exceed
    guessing, on average or, for definitions that divide by each set, on a set, has nothing to lose there: that fails
    too, with the names of the sets.

    Args:
        tuned: the accuracy of the tuned model on each set, with samples.
        base: that of the base model, of the same metric and resamples.
        rng: what draws sets; None: they are fixed.

    Returns:
        A measure for each of `DEFINITIONS`; n: sets, or with fixed sets images.

    Raises:
        ValueError: The sets, metrics or numbers of resamples of the two differ.
    """
    if list(tuned) != list(base) or not tuned:
        raise ValueError(f"GELO takes the same sets, got {list(tuned)} and {list(base)}")
    n = len(base) if rng is not None else sum(m.n for m in base.values())
    unit = BY_SETS if rng is not None else next(iter(base.values())).unit
    why = _failed({"the model": tuned, "the base": base}) or _without_samples(tuned, base)
    if not why and rng is not None and len(base) < 2:
        why = "an interval over sets takes at least two sets"
    if why:
        return [Measure.failed(name, n, unit, why) for name in DEFINITIONS]
    values = [np.array([m.value for m in part.values()]) for part in (tuned, base)]
    guess = np.array([math.nan if m.chance is None else m.chance for m in base.values()])
    samples = _drawn([tuned, base], rng)
    inner = guess if rng is None else guess[samples.sets]
    measures = []
    for name, definition in DEFINITIONS.items():
        refused = _nothing_to_lose(definition, list(base), values[1], guess)
        if refused:
            measures.append(Measure.failed(name, n, unit, refused))
            continue
        value = float(definition.of(*values, guess))
        found = definition.of(*samples.accuracy, inner)
        measures.append(_with_interval(name, value, found, n, unit))
    return measures


def average(model: Mapping[str, Measure], rng: np.random.Generator | None) -> Measure:
    """The average accuracy over the sets, drawn as in `measure_gelo`; failed where a cell is."""
    n = len(model) if rng is not None else sum(m.n for m in model.values())
    unit = BY_SETS if rng is not None else next(iter(model.values())).unit
    guesses = [m.chance for m in model.values() if m.chance is not None]
    chance = float(np.mean(guesses)) if len(guesses) == len(model) else None
    why = _failed({"the model": model}) or _without_samples(model)
    if why:
        return Measure.failed(AVERAGE, n, unit, why, chance)
    samples = _drawn([model], rng).accuracy[0].mean(axis=-1)
    value = float(np.mean([m.value for m in model.values()]))
    return replace(_with_interval(AVERAGE, value, samples, n, unit), chance=chance)


def drop(tuned: Measure, base: Measure) -> Measure:
    """What tuning cost on one set: accuracy of the base minus that of the tuned model, with a paired interval.

    Above 0 where ability was lost; failed where one of the two is.

    Raises:
        ValueError: The measures are of different metrics, images or resamples.
    """
    return _difference(DROP, tuned, base, rising=False)


def gain(tuned: Measure, base: Measure, *, rising: bool) -> Measure:
    """What tuning gained in a biometric task, as a measure `gain in <metric>`.

    Args:
        tuned: of the tuned model.
        base: the same metric of the base model on the same images.
        rising: whether more of the metric is better; of an error rate the gain is what it fell by.

    Returns:
        Above 0 where tuning helped. The interval is paired where both have samples, else put together from both.

    Raises:
        ValueError: The measures are of different metrics, images or resamples.
    """
    return _difference(f"{GAIN_IN}{tuned.metric}", tuned, base, rising=rising)


def _difference(name: str, tuned: Measure, base: Measure, *, rising: bool) -> Measure:
    """Tuned minus base where the metric rises, else base minus tuned."""
    why = "; ".join(
        f"{who}: {measure.status.removeprefix('failed: ')}"
        for who, measure in (("the model", tuned), ("the base", base))
        if measure.status != "ok"
    )
    if why:
        return Measure.failed(name, tuned.n, tuned.unit, why)
    ends = (tuned, base) if rising else (base, tuned)
    resampled = all(measure.samples is not None for measure in ends)
    return replace(change(*ends) if resampled else unpaired_change(*ends), metric=name)


@dataclass(frozen=True)
class _Drawn:
    """Accuracies in every resample.

    Attributes:
        sets: `(resamples, S)` numbers of the drawn sets; empty where they are fixed.
        accuracy: of each model, `(resamples, S)`.
    """

    sets: NDArray[np.intp]
    accuracy: list[Doubles]


def _drawn(models: Sequence[Mapping[str, Measure]], rng: np.random.Generator | None) -> _Drawn:
    found: list[Doubles] = []
    for model in models:
        kept = [m.samples for m in model.values()]
        found.append(np.stack([np.asarray(samples, float) for samples in kept], axis=-1))
    if len({part.shape for part in found}) > 1:
        raise ValueError(
            f"{[part.shape for part in found]} resamples and sets, which cannot be paired"
        )
    resamples, sets = found[0].shape
    if rng is None:
        return _Drawn(np.empty((0, sets), np.intp), found)
    # Which sets first, so that it is the same draw whatever the number of resamples inside.
    outer = rng.integers(sets, size=(resamples, sets))
    inside = rng.integers(resamples, size=(resamples, sets))
    return _Drawn(outer, [part[inside, outer] for part in found])


def _failed(models: Mapping[str, Mapping[str, Measure]]) -> str:
    """Which cells failed and why, each reason once; empty where none did."""
    told = []
    for who, part in models.items():
        reasons: dict[str, list[str]] = {}
        for dataset, measure in part.items():
            if measure.status != "ok":
                reasons.setdefault(measure.status.removeprefix("failed: "), []).append(dataset)
        for why, sets in reasons.items():
            # A model that diverged failed everywhere, by one reason.
            where = "" if len(sets) == len(part) > 1 else f" on {', '.join(sets)}"
            told.append(f"{who}{where}: {why}")
    return "; ".join(told)


def _without_samples(*models: Mapping[str, Measure]) -> str:
    """Which sets have accuracies without resamples, such as means over draws; empty where none has."""
    bare = [name for part in models for name, measure in part.items() if measure.samples is None]
    sets = ", ".join(dict.fromkeys(bare))
    return f"no resamples are stored of the accuracy on {sets}" if sets else ""


def _nothing_to_lose(
    definition: _Definition, sets: Sequence[str], base: Doubles, chance: Doubles
) -> str:
    """Why a base cannot show a loss; empty where it can."""
    unknown = [name for name, guess in zip(sets, chance, strict=True) if math.isnan(guess)]
    if unknown and definition.guess:
        return f"chance is not known on {', '.join(unknown)}"
    floor = np.where(np.isnan(chance), 0.0, chance)
    if definition.by_set:
        low = [name for name, b, f in zip(sets, base, floor, strict=True) if b <= f]
        return f"the base is not above chance on {', '.join(low)}" if low else ""
    return "" if base.mean() > floor.mean() else "the base is not above chance on average"


def _with_interval(name: str, value: float, samples: Doubles, n: int, unit: str) -> Measure:
    try:
        ends = percentile_interval(samples)
    except TooFewClusters:
        there = int(np.count_nonzero(~np.isnan(samples)))
        why = (
            f"it exists in only {there} of {len(samples)} resamples; in the others the base is not above 0, "
            f"or not above chance"
        )
        return Measure.failed(name, n, unit, why)
    return Measure(name, value, *ends, n, unit, samples=samples)
