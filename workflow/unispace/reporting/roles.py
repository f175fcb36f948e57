"""What the curricula of a study are for: the reference, the experts, what is judged, and controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from unispace.config.curricula import Curriculum
from unispace.config.study import Study

Shown = TypeVar("Shown")
KINDS = ("base", "expert", "IMIC", "comparison", "interpolated", "control")
"""In the order in which tables show them."""
TASK_METRICS = {"object": "top-1"}
IDENTITY_METRIC = "AUC"
SECOND_METRIC = "Rank-1"
"""Stands below the AUC of identities."""


@dataclass(frozen=True)
class Tuned:
    """A model of the study, taken apart.

    Attributes:
        name: backbone/curriculum/seedN.
        kind: one of `KINDS`.
    """

    name: str
    backbone: str
    curriculum: str
    seed: str
    kind: str

    def sibling(self, curriculum: str) -> str:
        """The model of another curriculum with the same backbone and seed."""
        return f"{self.backbone}/{curriculum}/{self.seed}"


@dataclass(frozen=True)
class Line(Generic[Shown]):
    """A model as a line of a table.

    Attributes:
        backbone: its backbone.
        curriculum: its curriculum, and its seed where there are several.
        kind: one of `KINDS`.
        title: backbone/curriculum/seedN.
        cells: one for each column.
    """

    backbone: str
    curriculum: str
    kind: str
    title: str
    cells: tuple[Shown, ...]


def line_of(study: Study, model: Tuned, cells: tuple[Shown, ...]) -> Line[Shown]:
    """The line of a model with these cells."""
    several = len(study.seeds) > 1
    name = f"{model.curriculum}, {model.seed}" if several else model.curriculum
    return Line(model.backbone, name, model.kind, model.name, cells)


def task_metric(domain: str) -> str:
    """The metric that stands for a data set of this domain."""
    return TASK_METRICS.get(domain, IDENTITY_METRIC)


def kind_of(study: Study, curriculum: str) -> str:
    """What a curriculum is for, one of `KINDS`."""
    settings = study.curricula[curriculum]
    if curriculum == study.base_curriculum():
        return "base"
    if settings.interpolate is not None:
        return "interpolated"
    if not settings.train_on:
        return "control"
    if curriculum in study.tasks().values():
        return "expert"
    return "IMIC" if curriculum.startswith("imic") else "comparison"


def tuned_models(study: Study, order: Sequence[str]) -> list[Tuned]:
    """Models of networks by backbone and kind, else as in `order`.

    Controls of raw pixels are left out, and embeddings that were made elsewhere.

    Args:
        study: the study; where it has been canonical JSON, its own order is lost.
        order: its models.
    """
    kinds = {curriculum: kind_of(study, curriculum) for curriculum in study.curricula}
    controls = study.control_backbones()
    models = [
        Tuned(name, backbone, curriculum, seed, kinds[curriculum])
        for name in order
        for backbone, curriculum, seed in [name.split("/")]
        if backbone not in controls and backbone not in study.embeddings
    ]
    backbones = list(dict.fromkeys(m.backbone for m in models))
    return sorted(models, key=lambda m: (backbones.index(m.backbone), KINDS.index(m.kind)))


def tasks_in_order(study: Study, datasets: Sequence[str]) -> dict[str, str]:
    """The tasks with their experts, in the order of `datasets`."""
    tasks = study.tasks()
    return {dataset: tasks[dataset] for dataset in datasets if dataset in tasks}


def schedule_in_words(settings: Curriculum, order: Sequence[str]) -> str:
    """How a curriculum tunes: data sets with their batch sizes, steps and coupling."""
    if settings.interpolate is not None:
        share = settings.interpolate.share
        return (
            f"not trained: {1 - share:g} of base and {share:g} of {settings.interpolate.curriculum}"
        )
    if settings.untrained:
        return "not tuned, weights drawn at random"
    if not settings.train_on:
        return "not tuned"
    sizes = {
        name: settings.train_on[name].batch_size for name in order if name in settings.train_on
    }
    if settings.sequence:
        parts = ", then ".join(f"{name} ({sizes[name]})" for name in settings.sequence)
        return f"{settings.steps:,} steps on each of {parts}"
    parts = ", ".join(f"{name} ({size})" for name, size in sizes.items())
    coupled = f", {settings.coupling}" if len(sizes) > 1 else ""
    blocks = f", in {len(settings.blocks)} repeated blocks" if settings.blocks else ""
    return f"{settings.steps:,} steps on {parts}{coupled}{blocks}"
