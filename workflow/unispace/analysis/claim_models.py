"""Parts of claims from models: paired differences in task numbers and in GELO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from unispace.analysis.claim_parts import Numbers, Part, failed, matches, named, over
from unispace.config.base import Domain
from unispace.config.claims import OfGelo, OfModels
from unispace.config.evaluation import Evaluation
from unispace.evaluation.bootstrap import TooFewClusters, percentile_interval
from unispace.evaluation.changes import change
from unispace.evaluation.gelo import measure_gelo
from unispace.evaluation.hypotheses import Side
from unispace.evaluation.measure import Measure
from unispace.evaluation.paired_tests import sign_flip
from unispace.evaluation.tasks import task_numbers

_BASE, _EXPERT = "base", "expert"
SMALLER, PROBE = "smaller", "linear-probe"
_CLASSIFICATION = "classification"


@dataclass(frozen=True)
class Roles:
    """What the models and data sets of a study are for.

    Attributes:
        base: the untouched curriculum, or None.
        tasks: data sets that have an expert.
        experts: the expert of each data set that has one of its own or of its domain.
        unseen: data sets that no curriculum trains on.
        held_out: the part of the name of a protocol on held-out classes.
        domains: of the evaluated data sets of persons and classes.
        evaluation: settings of the metrics.
        general: general data sets.
        accuracy: the metric that is averaged over them.
        sizes: backbones of one family, from small to large.
    """

    base: str | None
    tasks: tuple[str, ...]
    experts: Mapping[str, str]
    unseen: tuple[str, ...]
    held_out: str
    domains: Mapping[str, Domain]
    evaluation: Evaluation
    general: tuple[str, ...] = ()
    accuracy: str = "top-1"
    sizes: Mapping[str, tuple[str, ...]] | None = None

    def datasets(self, asked: OfModels) -> list[tuple[str, str]]:
        """The data sets of a comparison, each with what tells the split from the test split as a whole."""
        if asked.datasets == "tasks":
            return [(d, "") for d in self.tasks]
        if asked.datasets == "unseen":
            return [(d, "" if d in self.unseen else self.held_out) for d in self.domains]
        return [(d, "") for d in self.domains if matches(d, asked.datasets)]


def parts_of_models(asked: OfModels, roles: Roles, numbers: Numbers) -> list[Part]:
    """Paired differences of models and references; the mean over seeds, where there are several.

    Args:
        asked: which models, references, data sets and metrics.
        roles: of the study.
        numbers: of the models.
    """
    parts: list[Part] = []
    known = set(numbers.models())
    for model in numbers.models():
        about = named(model)
        if not matches(about["curriculum"], asked.curriculum):
            continue
        if not matches(about["backbone"], asked.backbone) or about["curriculum"] == roles.base:
            continue
        mine: list[Part] = []
        for dataset, split in roles.datasets(asked):
            reference = _reference(asked, roles, about, dataset)
            if reference in known and reference != model:
                mine += _differences(asked, roles, numbers, model, str(reference), dataset, split)
        compared = len({part.about["dataset"] for part in mine})
        if compared < asked.at_least:
            why = (
                f"data sets on which it is compared with `{asked.against}`: {compared}, and "
                f"{asked.at_least} are needed"
            )
            parts.append(failed(about, why, len(mine)))
        else:
            parts += mine
    parts = over(parts, "seed")
    return over(parts, "dataset") if asked.mean else parts


def _reference(asked: OfModels, roles: Roles, about: Mapping[str, str], dataset: str) -> str | None:
    by_role = {_BASE: roles.base, _EXPERT: roles.experts.get(dataset)}
    curriculum = by_role.get(asked.against, asked.against)
    return f"{about['backbone']}/{curriculum}/{about['seed']}" if curriculum else None


def _differences(
    asked: OfModels,
    roles: Roles,
    numbers: Numbers,
    model: str,
    reference: str,
    dataset: str,
    split: str,
) -> list[Part]:
    parts = []
    for number in task_numbers(roles.domains[dataset], roles.evaluation):
        if number.metric not in asked.metrics:
            continue
        for protocol in numbers.protocols(model, dataset, number.experiment, number.metric):
            if number.further(protocol) != split:
                continue
            one, other = (
                numbers.measure(m, dataset, number.experiment, protocol, number.metric)
                for m in (model, reference)
            )
            about = named(model) | {
                "against": reference,
                "dataset": dataset,
                "protocol": protocol,
                "metric": number.metric,
            }
            parts.append(Part(about, difference(one, other), 2))
    return parts


def difference(one: Measure, other: Measure) -> Measure:
    """As `evaluation.changes.change`, with the samples of the difference.

    Where both are perfect in every resample these are all 0 and know nothing; then there are none.
    """
    found = change(one, other)
    if found.status != "ok" or one.samples is None or other.samples is None:
        return found
    samples = one.samples - other.samples
    return replace(found, samples=samples) if np.ptp(samples[~np.isnan(samples)]) > 0 else found


def parts_of_gelo(
    asked: OfGelo, roles: Roles, numbers: Numbers, generator: Callable[[], np.random.Generator]
) -> list[Part]:
    """Differences of GELO as published, of two tuned models over the general sets that both have.

    The interval resamples sets and, within each, images, by the same draws for both (`evaluation.gelo`). Fewer than
    some ten sets make it optimistic, so the test is another one: GELO is a sum over the sets of t_s / (S b), with b
    the average of the base, and the signs of the differences of these shares are flipped over the sets.

    Args:
        asked: which models, protocols and references.
        roles: of the study.
        numbers: of the models.
        generator: makes the random numbers, the same each time.
    """
    parts: list[Part] = []
    known = set(numbers.models())
    for model in numbers.models():
        about = named(model)
        if not matches(about["curriculum"], asked.curriculum) or about["curriculum"] == roles.base:
            continue
        if not matches(about["backbone"], asked.backbone):
            continue
        for protocol in _protocols(asked, roles, numbers, model):
            for other, by in _others(asked, roles, known, about, protocol):
                against = other if other != model else by
                names = about | {"against": against, "protocol": protocol, "metric": "GELO"}
                ends = ((model, protocol), (other, by))
                parts.append(_gelo_difference(names, ends, roles, numbers, generator))
    return over(parts, "seed")


def _protocols(asked: OfGelo, roles: Roles, numbers: Numbers, model: str) -> list[str]:
    found = dict.fromkeys(
        protocol
        for dataset in roles.general
        for protocol in numbers.protocols(model, dataset, _CLASSIFICATION, roles.accuracy)
        if not protocol.endswith(f"/{roles.held_out}")
    )
    return [protocol for protocol in found if matches(protocol, asked.protocols)]


def _others(
    asked: OfGelo, roles: Roles, known: set[str], about: Mapping[str, str], protocol: str
) -> list[tuple[str, str]]:
    """What a model is compared with: (model, protocol)."""
    backbone, curriculum, seed = (about[name] for name in ("backbone", "curriculum", "seed"))
    if asked.against == PROBE:
        return [(about["model"], PROBE)] if protocol != PROBE else []
    if asked.against == SMALLER:
        found = [
            f"{family[family.index(backbone) - 1]}/{curriculum}/{seed}"
            for family in (roles.sizes or {}).values()
            if backbone in family[1:]
        ]
    else:
        found = [
            m
            for m in known
            if m.startswith(f"{backbone}/")
            and m.endswith(f"/{seed}")
            and matches(m.split("/")[1], [asked.against])
        ]
    return [(m, protocol) for m in sorted(found) if m in known and m != about["model"]]


def _gelo_difference(
    about: Mapping[str, str],
    ends: tuple[tuple[str, str], tuple[str, str]],
    roles: Roles,
    numbers: Numbers,
    generator: Callable[[], np.random.Generator],
) -> Part:
    """GELO of the first minus GELO of the second."""
    bases = [f"{m.split('/')[0]}/{roles.base}/{m.split('/')[2]}" for m, _ in ends]
    cells = [(m, by) for (m, by), base in zip(ends, bases, strict=True) for m in (m, base)]
    missing = next((m for m, _ in cells if m not in numbers.models()), None)
    if missing is not None:
        return failed(about, f"{missing} is not in this study")
    sets = [
        d
        for d in roles.general
        if all(by in numbers.protocols(m, d, _CLASSIFICATION, roles.accuracy) for m, by in cells)
    ]
    if len(sets) < 2:
        return failed(about, f"both have {len(sets)} general sets in common, two are needed")
    after, before, later, earlier = (
        {d: numbers.measure(m, d, _CLASSIFICATION, by, roles.accuracy) for d in sets}
        for m, by in cells
    )
    rows = 4 * len(sets)
    found = [measure_gelo(*pair, generator())[0] for pair in ((after, before), (later, earlier))]
    bad = next((m for m in found if m.status != "ok"), None)
    if bad is not None:
        return failed(about, bad.status.removeprefix("failed: "), rows)
    one, other = found
    if one.samples is None or other.samples is None:
        raise ValueError("GELO that did not fail has samples")
    samples = one.samples - other.samples
    try:
        lower, upper = percentile_interval(samples)
    except TooFewClusters as reason:
        return failed(about, str(reason), rows)
    measure = Measure("GELO", one.value - other.value, lower, upper, len(sets), one.unit)
    shares = _shares(after, before) - _shares(later, earlier)

    def test(threshold: float, side: Side) -> float:
        # More than 16 sets have too many signs to try all.
        return sign_flip(shares - threshold / len(shares), side, rng=generator())

    return Part(dict(about), measure, rows, test)


def _shares(tuned: Mapping[str, Measure], base: Mapping[str, Measure]) -> np.ndarray:
    """What each set adds to GELO."""
    whole = sum(m.value for m in base.values())
    return np.array([m.value for m in tuned.values()]) / whole
