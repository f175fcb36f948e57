"""Which images of a data set a model has to embed."""

from __future__ import annotations

from unispace.config.analysis import analysed_datasets, analysed_models
from unispace.config.attacks import attack_datasets, attacked_models
from unispace.config.study import Study
from unispace.data.held_out import HELD_OUT

FIT = "train"
"""The split whose principal components are taken."""


def needed_splits(study: Study, model: str, dataset: str) -> tuple[str, ...] | None:
    """The splits that some part of the study asks of a model's embeddings, sorted; None where it is all of them.

    Identities that a model was trained on are tested by nobody, and a training set can be a thousand times as large as
    its test set. Objects are embedded whole: their classes are known from training images, and probes are chosen on
    val. So are attacks, by the models that detect them: detectors are fitted on train, and take their thresholds from
    val. Networks that detect none embed no image of them.

    Args:
        study: the study.
        model: backbone/curriculum/seedN.
        dataset: one of `evaluation.datasets`.
    """
    if dataset in study.class_datasets() or model == study.audit.model:
        return None
    if dataset in attack_datasets(study):
        idle = model in study.network_models() and model not in attacked_models(study)
        return () if idle else None
    needed = {study.evaluation.split, HELD_OUT}
    if dataset in analysed_datasets(study) and model in analysed_models(study):
        needed.add(FIT)
    if dataset in study.map_datasets() and model in study.maps.mapped():
        needed.add(study.maps.split)
    return tuple(sorted(needed))
