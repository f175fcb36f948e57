"""Recognition of identities in one space or across two, as tidy rows and curves."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.evaluation import Evaluation
from unispace.evaluation.bootstrap import TooFewClusters
from unispace.evaluation.identification import enrol_probe, identify, search
from unispace.evaluation.measure import Measure
from unispace.evaluation.tidy import Cell, points, rows
from unispace.evaluation.verification import compare, thin, verify

Tidy = tuple[pd.DataFrame, pd.DataFrame]


@dataclass(frozen=True)
class Images:
    """The images that are compared.

    Attributes:
        probe: `(n, d)` vectors as probes; across models, after the map.
        target: `(n, d)` vectors of the same images as gallery; the same array within one space.
        identity: `(n,)` names.
        image_id: `(n,)` names.
        camera: `(n,)` names, or None.
    """

    probe: NDArray[np.floating]
    target: NDArray[np.floating]
    identity: Sequence[str]
    image_id: Sequence[str]
    camera: Sequence[str] | None = None

    def codes(self) -> NDArray[np.int64]:
        """Identities as numbers, in the order of their names."""
        return np.unique(np.asarray(self.identity, str), return_inverse=True)[1].astype(np.int64)


def verify_images(
    cell: Cell, images: Images, settings: Evaluation, rng: np.random.Generator
) -> Tidy:
    """Verification over all pairs of different images: protocol `all-pairs`."""
    cell = dataclasses.replace(cell, experiment="verification", protocol="all-pairs")
    pairs = compare(
        images.probe, images.target, images.codes(), same_space=images.probe is images.target
    )
    try:
        measures, curve = verify(pairs, settings.fmr, settings.resamples, rng)
    except ValueError as error:
        metrics = ["AUC", "EER", *(f"TMR@FMR={target:g}" for target in settings.fmr)]
        failed = [Measure.failed(m, len(pairs.scores), "identity", error) for m in metrics]
        return rows(cell, failed), points(cell, np.zeros(0), np.zeros(0))
    shown = thin(curve)
    return rows(cell, measures), points(cell, shown.fmr, shown.tmr)


def identify_images(
    cell: Cell, images: Images, settings: Evaluation, rng: np.random.Generator
) -> Tidy:
    """Identification with one enrolled image per identity: protocol `enrol-one`.

    With cameras, probes come from another camera than the enrolled image: `enrol-one-cross-camera`.
    """
    camera = None if images.camera is None else np.asarray(images.camera, str)
    protocol = "enrol-one" if camera is None else "enrol-one-cross-camera"
    cell = dataclasses.replace(cell, experiment="identification", protocol=protocol)
    codes = images.codes()
    enrolment = enrol_probe(codes, list(images.image_id), camera)
    gallery, probe = enrolment.gallery, enrolment.probe
    try:
        if not len(probe):
            raise TooFewClusters("no identity has a second image to search with")
        ranking = search(images.probe[probe], images.target[gallery], codes[probe], codes[gallery])
        measures, cmc = identify(
            ranking, codes[probe], settings.ranks, resamples=settings.resamples, rng=rng
        )
    except TooFewClusters as error:
        metrics = [*(f"Rank-{k}" for k in settings.ranks), "mAP"]
        failed = [Measure.failed(m, len(probe), "identity", error) for m in metrics]
        return rows(cell, failed), points(cell, np.zeros(0), np.zeros(0))
    return rows(cell, measures), points(cell, cmc.rank, cmc.value, cmc.lower, cmc.upper)
