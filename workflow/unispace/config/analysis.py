"""What is asked about the embedding spaces themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from unispace.config.base import ATTACK_DOMAINS, Distinct, Name, Settings
from unispace.errors import did_you_mean

if TYPE_CHECKING:
    from unispace.config.study import Study

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Separability(Settings):
    """Can a linear classifier tell the domain of an image from its embedding?"""

    fit_share: Share = 0.5
    """Share of the identities and classes of the tested split that the classifier is fitted on; the rest is tested."""
    penalty: Annotated[float, Field(gt=0)] = 1.0
    """Inverse strength C of the classifier's L2 penalty, on standardised features."""
    shuffles: Annotated[int, Field(ge=1, le=100)] = 5
    """Repetitions of the control in which every identity and class gets a domain at random."""
    images: Annotated[int, Field(ge=100, le=100_000)] = 2000
    """At most about this many images of a data set, whole labels chosen by hash."""
    statistics_size: Annotated[int, Field(ge=16, le=512)] = 64
    """Side in pixels at which the image statistics of the controls are taken."""


class Transfer(Settings):
    """How many principal components of one task carry another?"""

    components: Distinct[Count] = (1, 2, 5, 10, 20, 50, 75, 100, 200, 500, 1000)
    """Numbers of components that are kept, as far as a space has them; the whole space is added."""
    removed: Distinct[Count] = (1, 2, 5, 10, 20)
    """Numbers of first components that are left out, in the control that keeps all others."""
    random_subspaces: Annotated[int, Field(ge=1, le=100)] = 3
    """Random subspaces that are averaged in the control."""
    unrelated: Name | None = None
    """An evaluated data set, none of the tasks, whose components are the control of unrelated images."""
    images: Annotated[int, Field(ge=100, le=20_000)] = 2000
    """At most about this many test images of a task, whole labels chosen by hash, and four times as many to fit on."""
    pairs: Annotated[int, Field(ge=1000, le=10_000_000)] = 20_000
    """At most this many genuine and this many impostor pairs behind an AUC, drawn once for all subspaces."""


class Analysis(Settings):
    """Separability of the domains, and transfer of principal components between tasks."""

    models: Distinct[str] | None = None
    """Models as backbone/curriculum/seedN, which are drawn too; left out: those tuned on several domains, and those not
    tuned at all."""
    datasets: Distinct[Name] | None = None
    """The tasks; left out: the evaluated data sets that some curriculum trains on, without those of attacks."""
    separability: Separability = Separability()
    """Linear separability of the domains."""
    transfer: Transfer = Transfer()
    """Transfer of principal components."""


def analysed_datasets(study: Study) -> tuple[str, ...]:
    """The tasks whose embeddings are analysed, in the order of the study."""
    if study.analysis.datasets is not None:
        return study.analysis.datasets
    trained = {dataset for c in study.curricula.values() for dataset in c.train_on}
    # Attacks are no task of telling persons or things apart, which is what is transferred.
    return tuple(
        d
        for d in study.evaluation.datasets
        if d in trained and study.datasets[d].domain not in ATTACK_DOMAINS
    )


def analysed_domains(study: Study) -> tuple[str, ...]:
    """The domains of the tasks, each once."""
    return tuple(dict.fromkeys(study.datasets[d].domain for d in analysed_datasets(study)))


def analysed_models(study: Study) -> tuple[str, ...]:
    """The models that are analysed, in the order of the study."""
    if study.analysis.models is not None:
        return study.analysis.models

    def chosen(model: str) -> bool:
        if model in study.own_models():
            return True
        curriculum = study.curricula[model.split("/")[1]]
        if curriculum.interpolate is not None:
            return False
        on = curriculum.train_on
        return not on or len({study.datasets[d].domain for d in on}) > 1

    return tuple(model for model in study.models() if chosen(model))


def analysis_problems(study: Study) -> list[str]:
    """What the analysis names and the study does not have."""
    problems, models, tasks = [], study.models(), analysed_datasets(study)
    for model in study.analysis.models or ():
        if model not in models:
            problems.append(
                f"analysis.models: `{model}` is not defined; {did_you_mean(model, models)}"
            )
    evaluated = study.evaluation.datasets
    for dataset in study.analysis.datasets or ():
        if dataset not in evaluated:
            problems.append(
                f"analysis.datasets: `{dataset}` is not in evaluation.datasets; "
                f"{did_you_mean(dataset, evaluated)}"
            )
        elif study.datasets[dataset].domain in ATTACK_DOMAINS:
            problems.append(
                f"analysis.datasets: `{dataset}` holds attacks, and is no task that persons or classes are told "
                f"apart in; take it out"
            )
    for dataset in tasks if analysed_models(study) else ():
        splits = study.datasets[dataset].splits if dataset in study.datasets else None
        if splits is not None and splits.by == "hash" and splits.train == 0:
            problems.append(
                f"datasets.{dataset}.splits.train: is 0, but principal components are taken of the train split of "
                f"`{dataset}`, which is analysed; write `train: 0.5`, or take it out of analysis.datasets"
            )
    unrelated = study.analysis.transfer.unrelated
    if unrelated is not None and unrelated not in evaluated:
        problems.append(
            f"analysis.transfer.unrelated: `{unrelated}` is not in evaluation.datasets; "
            f"{did_you_mean(unrelated, evaluated)}"
        )
    elif unrelated in tasks:
        problems.append(
            f"analysis.transfer.unrelated: `{unrelated}` is one of the tasks; name another data set"
        )
    return problems
