"""What pretraining needs of the rest of the study: captions and teachers."""

from __future__ import annotations

from collections.abc import Mapping

from unispace.config.backbones import Backbone
from unispace.config.datasets import Dataset
from unispace.config.pretraining import Pretrain
from unispace.errors import did_you_mean

# Sources that give an image and its label and no more; what the others hold is seen in their tables.
_WITHOUT_CAPTIONS = ("torchvision", "huggingface", "registered")


def pretraining_problems(
    backbones: Mapping[str, Backbone], datasets: Mapping[str, Dataset]
) -> list[str]:
    """What stands in the way of pretraining, a line each; data sets that are not defined are told elsewhere."""
    problems = []
    for name, backbone in backbones.items():
        weights = backbone.weights
        if not isinstance(weights, Pretrain):
            continue
        for learnt in weights.datasets if weights.objective == "contrastive" else ():
            dataset = datasets.get(learnt)
            if dataset is not None and not _captioned(dataset):
                problems.append(
                    f"backbones.{name}.weights.dataset: `{learnt}` has no captions, which objective "
                    f"`contrastive` learns from; take rendered objects, or a source whose table has a column `caption`"
                )
        if weights.teacher is not None:
            problems += _teacher_problems(name, weights.teacher, backbones)
    return problems


def _captioned(dataset: Dataset) -> bool:
    """Whether a data set may have captions, as far as a study file tells."""
    if dataset.source.kind == "studio":
        return dataset.domain == "object"
    return dataset.source.kind not in _WITHOUT_CAPTIONS


def _teacher_problems(name: str, teacher: str, backbones: Mapping[str, Backbone]) -> list[str]:
    where = f"backbones.{name}.weights.teacher"
    towers = [n for n, b in backbones.items() if b.provider == "open_clip"]
    if teacher not in backbones:
        allowed = towers or list(backbones)
        return [f"{where}: `{teacher}` is not defined; {did_you_mean(teacher, allowed)}"]
    if teacher not in towers:
        return [f"{where}: `{teacher}` is no backbone of provider `open_clip`"]
    if backbones[teacher].weights.kind == "random":
        return [f"{where}: `{teacher}` has random weights, from which nothing can be learnt"]
    return []
