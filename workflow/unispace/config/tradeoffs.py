"""The trade-offs study: what general ability tuning for biometrics costs, and what it gains."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field, field_validator

from unispace.config.base import (
    ATTACK_DOMAINS,
    IDENTITY_DOMAINS,
    Distinct,
    DistinctSome,
    Domain,
    Name,
    Settings,
)
from unispace.config.controlled import controlled
from unispace.errors import did_you_mean

if TYPE_CHECKING:
    from unispace.config.study import Study

DETECTION = "attack-detection"
"""The experiment that attacks are detected in."""
OF_VAL = "-of-val"
"""End of the metrics whose threshold was found on the development data."""
_RATES = ("TMR@FMR", "APCER@BPCER", "BPCER@APCER")
_VERIFIED = ("AUC", "EER", "accuracy")
_DETECTED = ("AUC", "D-EER", "APCER", "BPCER", "ACER", "HTER", "HTER@EER-of-test")
_HIGHER_IS_BETTER = ("AUC", "accuracy", "TMR@FMR")


class Gained(NamedTuple):
    """The number that says how well a model does its biometric task.

    Attributes:
        task: the name of the task in the study.
        dataset, experiment, protocol, metric: where it stands in the tidy results.
        rising: whether more of it is better.
    """

    task: str
    dataset: str
    experiment: str
    protocol: str
    metric: str
    rising: bool


class Gain(Settings):
    """Which number says what tuning gained in a biometric task."""

    dataset: Name
    """A tested data set of identities or attacks."""
    metric: Annotated[str, Field(min_length=2, max_length=40)] = "AUC"
    """Of identities `AUC`, `EER`, `accuracy` (over folds or official pairs) or `TMR@FMR=0.01`, with a rate of
    evaluation.fmr; of attacks `AUC`, `D-EER`, `HTER`, `ACER`, `APCER`, `BPCER`, `BPCER@APCER=0.1`,
    `BPCER@APCER=0.1-of-val` and the like. Of an
    error rate the gain is what it fell by."""
    protocol: Annotated[str, Field(min_length=2, max_length=80)] | None = None
    """How it was taken; left out: `all-pairs` of identities (of the accuracy `folds`, else `official`), `probe` of
    attacks, which tuned and untuned models have alike."""

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str) -> str:
        name, _, rate = metric.partition("=")
        plain = tuple(dict.fromkeys((*_VERIFIED, *_DETECTED)))
        if metric in plain:
            return metric
        strict = OF_VAL if rate.endswith(OF_VAL) and name in _RATES[1:] else ""
        rate = rate.removesuffix(strict)
        if name in _RATES and re.fullmatch(r"0?\.\d+", rate):
            # As the results have it.
            return f"{name}={float(rate):g}{strict}"
        raise ValueError(
            f"`{metric}` is no metric of verification or attack detection; write one of {', '.join(plain)}, or a rate "
            f"such as TMR@FMR=0.01 or BPCER@APCER=0.1"
        )


class Tradeoffs(Settings):
    """What tuning costs on general data sets, and what it gains on biometric ones; needs a curriculum `base: {}`."""

    datasets: Distinct[Name] = ()
    """The general data sets, at least two, of domain object and evaluated. By texts the average is over those of them
    that are in prompts.datasets, by the linear probe over those that have a train split: each protocol has its own
    sets, as in the paper, and all models have the same. Without any there is no such part."""
    metric: Literal["top-1", "balanced-accuracy"] = "top-1"
    """The accuracy that is averaged over them (paper: top-1)."""
    gain: dict[Name, Gain] = Field(default={})
    """For each biometric task, by a name such as `fr`, `pad` or `mad`, the number that says what tuning gained."""
    sizes: dict[Name, DistinctSome[Name]] = Field(default={})
    """Backbones that are the sizes of one family, from small to large, such as `{clip: [clip-s, clip-m]}`; they stand
    together in tables and figures."""
    references: bool = True
    """Whether the published numbers stand beside these, in a block of their own."""

    @field_validator("datasets")
    @classmethod
    def _several(cls, datasets: tuple[str, ...]) -> tuple[str, ...]:
        if len(datasets) == 1:
            raise ValueError(
                f"`{datasets[0]}` alone is no average; name at least two data sets, or none for no trade-offs"
            )
        return datasets


def gained(study: Study, backbone: str | None = None) -> tuple[Gained, ...]:
    """What tuning gained, for each task of a study whose settings are sound.

    Args:
        study: the study.
        backbone: only what models of this one are tested on; attacks may be detected by some backbones alone.
    """
    return tuple(
        Gained(
            task,
            gain.dataset,
            *_taken(study, gain, study.datasets[gain.dataset].domain),
            gain.metric,
            gain.metric.partition("=")[0] in _HIGHER_IS_BETTER,
        )
        for task, gain in study.tradeoffs.gain.items()
        if backbone is None
        or study.datasets[gain.dataset].domain not in ATTACK_DOMAINS
        or _detects(study, backbone)
    )


def _detects(study: Study, backbone: str) -> bool:
    """Whether models of a backbone detect attacks."""
    chosen = study.evaluation.attacks.backbones
    return chosen is None or backbone in chosen


def _taken(study: Study, gain: Gain, domain: Domain) -> tuple[str, str]:
    """Experiment and protocol of a gain."""
    if domain in ATTACK_DOMAINS:
        return DETECTION, gain.protocol or "probe"
    asked = study.evaluation.verification
    usual = "all-pairs" if "all-pairs" in asked else asked[0]
    if gain.metric == "accuracy":
        usual = "folds" if "folds" in asked else "official"
    return "verification", gain.protocol or usual


def traded(study: Study, backbone: str) -> tuple[tuple[str, str], ...]:
    """The models of a backbone, each with the base model of its seed; none without trade-offs or without a base.

    The base is there too, with itself.
    """
    base, tuned = study.base_curriculum(), study.curricula_of(backbone)
    if not study.tradeoffs.datasets or base not in tuned:
        return ()
    return tuple(
        (f"{backbone}/{curriculum}/seed{seed}", f"{backbone}/{base}/seed{seed}")
        for seed in study.seeds
        for curriculum in tuned
    )


def traded_backbones(study: Study) -> tuple[str, ...]:
    """Backbones of which a tuned model is compared with its base."""
    return tuple(b for b in study.backbones if any(m != base for m, base in traded(study, b)))


def tradeoff_figures(study: Study) -> tuple[str, ...]:
    """The figures that a study has the data of, in the order of the page."""
    if not traded_backbones(study):
        return ()
    gains = gained(study)
    tuned = dict(pair for b in study.backbones for pair in traded(study, b))
    pairs = {frozenset(pair) for pair in study.map_pairs()}
    asked = {
        "gelo": True,
        "gelo_pareto": bool(gains),
        "gelo_path": bool(gains) and any(c.interpolate for c in study.curricula.values()),
        "det": any(gain.experiment == DETECTION for gain in gains),
        "gelo_drops": True,
        "gelo_bond": bool(set(study.prompted_backbones()) & set(traded_backbones(study)))
        and study.evaluation.linear_probe is not None,
        "gelo_factors": bool(controlled(study.curricula)),
        "gelo_compatibility": any(
            frozenset((model, base)) in pairs for model, base in tuned.items() if model != base
        ),
    }
    return tuple(name for name, wanted in asked.items() if wanted)


def tradeoffs_problems(study: Study) -> list[str]:
    """What is wrong with the trade-offs of a study whose other parts are sound."""
    part = study.tradeoffs
    if not part.datasets:
        if part.gain or part.sizes:
            return [
                "tradeoffs.datasets: name the general data sets, without which nothing is traded off; "
                "or take out `gain` and `sizes`"
            ]
        return []
    problems = _general_problems(study)
    for task, gain in part.gain.items():
        problems += _gain_problems(study, f"tradeoffs.gain.{task}", gain)
    problems += _size_problems(part.sizes, tuple(study.backbones))
    if not problems and not traded_backbones(study):
        problems.append(
            "tradeoffs: no backbone has both a base model and a tuned one; add the curriculum `base: {}` to "
            "`curricula`, and to the `curricula` of a backbone that is tuned"
        )
    return problems


def _general_problems(study: Study) -> list[str]:
    problems, prompted = [], study.prompted_backbones()
    for dataset in study.tradeoffs.datasets:
        where = f"tradeoffs.datasets: `{dataset}`"
        if dataset not in study.datasets:
            problems.append(f"{where} is not defined; {did_you_mean(dataset, study.datasets)}")
        elif study.datasets[dataset].domain != "object":
            problems.append(
                f"{where} is of domain {study.datasets[dataset].domain}; general sets are of domain object"
            )
        elif dataset not in study.evaluation.datasets:
            problems.append(f"{where} is not in evaluation.datasets; add it there too")
    named = [d for d in study.tradeoffs.datasets if d in study.prompts.datasets]
    if prompted and len(named) < 2 and not problems:
        problems.append(
            f"tradeoffs.datasets: texts name the images of {named[0] if named else 'none of them'}, and an average "
            f"takes at least two; add more of them to prompts.datasets"
        )
    return problems


def _gain_problems(study: Study, where: str, gain: Gain) -> list[str]:
    if gain.dataset not in study.datasets:
        near = did_you_mean(gain.dataset, study.datasets)
        return [f"{where}.dataset: `{gain.dataset}` is not defined; {near}"]
    domain = study.datasets[gain.dataset].domain
    if domain not in (*IDENTITY_DOMAINS, *ATTACK_DOMAINS):
        return [
            f"{where}.dataset: `{gain.dataset}` is of domain {domain}; a biometric task has identities or attacks"
        ]
    problems = []
    if gain.dataset not in study.evaluation.datasets:
        problems.append(
            f"{where}.dataset: `{gain.dataset}` is not in evaluation.datasets; add it there too"
        )
    name, _, rate = gain.metric.partition("=")
    if domain in ATTACK_DOMAINS:
        if gain.metric not in _DETECTED and name not in _RATES[1:]:
            problems.append(
                f"{where}.metric: attacks have no `{gain.metric}`; write D-EER, AUC or BPCER@APCER=0.1"
            )
        if (gain.protocol or "").startswith("head"):
            problems.append(
                f"{where}.protocol: the base has no head, so nothing can be gained on it; write `probe`"
            )
        return problems
    asked = study.evaluation.verification
    if gain.metric not in _VERIFIED and name != "TMR@FMR":
        problems.append(
            f"{where}.metric: identities have no `{gain.metric}`; write AUC, accuracy or TMR@FMR=0.01"
        )
    if name == "TMR@FMR" and float(rate) not in study.evaluation.fmr:
        problems.append(f"{where}.metric: {rate} is not in evaluation.fmr; add it there too")
    if gain.metric == "accuracy" and not {"folds", "official"} & set(asked):
        problems.append(
            f"{where}.metric: accuracy is taken by `folds` or `official`; add one to evaluation.verification"
        )
    started = (gain.protocol or "").partition("-")[0]
    if gain.protocol is not None and not any(p.partition("-")[0] == started for p in asked):
        problems.append(
            f"{where}.protocol: `{gain.protocol}` is not in evaluation.verification; "
            f"{did_you_mean(gain.protocol, asked)}"
        )
    return problems


def _size_problems(sizes: Mapping[str, tuple[str, ...]], backbones: tuple[str, ...]) -> list[str]:
    problems: list[str] = []
    seen: dict[str, str] = {}
    for family, members in sizes.items():
        for backbone in members:
            where = f"tradeoffs.sizes.{family}: `{backbone}`"
            if backbone not in backbones:
                problems.append(f"{where} is not defined; {did_you_mean(backbone, backbones)}")
            elif backbone in seen:
                problems.append(
                    f"{where} is a size of `{seen[backbone]}` already; take it out of one of the two"
                )
            seen.setdefault(backbone, family)
    return problems
