"""Recognition of identities in one space or across two, by the protocols of a study, as tidy rows and curves."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.evaluation import Evaluation
from unispace.data.protocols.folds import fold_pairs
from unispace.data.protocols.galleries import (
    Searches,
    enrol_all,
    enrol_probe,
    open_set,
    query_gallery,
)
from unispace.data.protocols.pairs import balanced_pairs
from unispace.evaluation import chance
from unispace.evaluation.all_pairs import AllPairs
from unispace.evaluation.bootstrap import TooFewClusters
from unispace.evaluation.folds import accuracy_over_folds
from unispace.evaluation.identification import identify, search
from unispace.evaluation.measure import Measure
from unispace.evaluation.open_set import detections, measure_open, search_open
from unispace.evaluation.tidy import Cell, Curve, points_of_curves, rows_of_cells
from unispace.evaluation.verification import PairScores, compare_all, compare_pairs, thin, verify

log = logging.getLogger(__name__)

Tidy = tuple[pd.DataFrame, pd.DataFrame]
"""Tidy rows, and points of curves."""
Stream = Callable[[], np.random.Generator]
"""The random numbers of a table, from their beginning: each protocol gets the same, whatever others there are."""

PAPER_DEPTH = 50
"""Rank at which protocol `paper` cuts the average precision."""


@dataclass(frozen=True)
class Images:
    """The images that are compared.

    Attributes:
        probe: `(n, d)` vectors as probes; across models, after the map.
        target: `(n, d)` vectors of the same images as gallery; the same array within one space.
        identity: `(n,)` names.
        image_id: `(n,)` names, all different.
        camera: `(n,)` names, or None.
        role: `(n,)` `query`, `gallery` or other names, or None where the data set tells none.
        official: Official pairs of the whole data set: columns of `records.pairs`; None where it has none.
    """

    probe: NDArray[np.floating]
    target: NDArray[np.floating]
    identity: Sequence[str]
    image_id: Sequence[str]
    camera: Sequence[str] | None = None
    role: Sequence[str] | None = None
    official: pd.DataFrame | None = None

    def codes(self) -> NDArray[np.int64]:
        """Identities as numbers, in the order of their names."""
        return np.unique(np.asarray(self.identity, str), return_inverse=True)[1].astype(np.int64)

    def cameras(self) -> NDArray[np.str_] | None:
        """Cameras as an array."""
        return None if self.camera is None else np.asarray(self.camera, str)


class _Found(NamedTuple):
    """What was measured: made frames of at once, since a frame for each protocol takes longer than to measure it."""

    measures: list[tuple[Cell, Measure]]
    curves: list[Curve]

    @classmethod
    def of(cls, cell: Cell, measures: Iterable[Measure], curve: Curve) -> _Found:
        return cls([(cell, measure) for measure in measures], [curve])

    @classmethod
    def joined(cls, parts: Iterable[_Found]) -> _Found:
        found = cls([], [])
        for part in parts:
            found.measures.extend(part.measures)
            found.curves.extend(part.curves)
        return found

    def tidy(self, cell: Cell) -> Tidy:
        """As frames, empty ones where there is nothing; `cell` is what they would be about."""
        empty = np.zeros(0)
        return (
            rows_of_cells(self.measures),
            points_of_curves(self.curves or [Curve(cell, empty, empty)]),
        )


@dataclass(frozen=True, eq=False)
class _Compared:
    """Scored pairs of one protocol; `fold` is None where the pairs lie in no folds."""

    protocol: str
    pairs: PairScores | AllPairs
    fold: NDArray[np.integer] | None = None


def verify_images(cell: Cell, images: Images, settings: Evaluation, stream: Stream) -> Tidy:
    """Verification by every protocol of the study that the data set allows.

    Args:
        cell: what the numbers are about; experiment and protocol are filled in.
        images: the images.
        settings: the study's part on evaluation.
        stream: random numbers.
    """
    return _verify_images(cell, images, settings, stream).tidy(cell)


def _verify_images(cell: Cell, images: Images, settings: Evaluation, stream: Stream) -> _Found:
    parts = []
    for protocol in settings.verification:
        rng = stream()
        for compared in _comparisons(protocol, images, settings, rng):
            about = dataclasses.replace(cell, experiment="verification", protocol=compared.protocol)
            parts.append(_verified(about, compared, settings, rng))
    return _Found.joined(parts)


def _comparisons(
    protocol: str, images: Images, settings: Evaluation, rng: np.random.Generator
) -> Iterator[_Compared]:
    """The scored pairs of a protocol: none where the data set has no official pairs, several where it has lists."""
    codes = images.codes()
    match protocol:
        case "all-pairs":
            same = images.probe is images.target
            pairs = compare_all(images.probe, images.target, codes, same_space=same)
            yield _Compared(protocol, pairs)
        case "balanced" | "folds":
            # In the order of their names, so that a draw does not depend on that of the rows.
            order = np.argsort(np.asarray(images.image_id, str), kind="stable")
            fold = None
            if protocol == "balanced":
                drawn = balanced_pairs(codes[order], rng)
            else:
                names = np.asarray(images.identity, str)[order]
                drawn, fold = fold_pairs(names.tolist(), settings.folds, rng)
            yield _Compared(
                protocol,
                compare_pairs(
                    images.probe, images.target, codes, order[drawn.first], order[drawn.second]
                ),
                fold,
            )
        case "official":
            yield from _official(images, codes)
        case _:
            raise ValueError(f"no such protocol of verification: {protocol}")


def _official(images: Images, codes: NDArray[np.int64]) -> Iterator[_Compared]:
    """Each official list; one of which some images are not here is no longer the official protocol."""
    if images.official is None or images.official.empty:
        return
    row = pd.Series(np.arange(len(images.image_id)), index=list(images.image_id))
    for name, listed in images.official.groupby("list", sort=True):
        first, second = row.reindex(listed["first"]), row.reindex(listed["second"])
        here = (first.notna().to_numpy() & second.notna().to_numpy()).astype(bool)
        protocol = "-".join(part for part in ("official", str(name)) if part)
        if not here.all():
            protocol += "-part"
            log.warning(
                "%s: %d of its %d pairs are of images that are tested",
                protocol,
                here.sum(),
                len(here),
            )
        fold = listed["fold"].to_numpy()[here]
        pairs = compare_pairs(
            images.probe,
            images.target,
            codes,
            first.to_numpy()[here].astype(np.intp),
            second.to_numpy()[here].astype(np.intp),
        )
        yield _Compared(protocol, pairs, fold if (listed["fold"] > 0).all() else None)


def _verified(
    cell: Cell, compared: _Compared, settings: Evaluation, rng: np.random.Generator
) -> _Found:
    pairs, fold = compared.pairs, compared.fold
    try:
        measures, curve = verify(pairs, settings.fmr, settings.resamples, rng)
        shown = thin(curve)
        drawn = Curve(cell, shown.fmr, shown.tmr)
    except ValueError as error:
        metrics = {"AUC": 0.5, "EER": 0.5, **{f"TMR@FMR={x:g}": x for x in settings.fmr}}
        measures = [
            Measure.failed(metric, len(pairs), "identity", error, by_chance)
            for metric, by_chance in metrics.items()
        ]
        drawn = Curve(cell, np.zeros(0), np.zeros(0))
    if fold is not None and isinstance(pairs, PairScores):
        try:
            measures += accuracy_over_folds(pairs, fold, settings.resamples, rng)
        except ValueError as error:
            n = len(pairs)
            measures.append(Measure.failed("accuracy", n, "identity", error))
            measures.append(Measure.failed("accuracy-SE", len(np.unique(fold)), "fold", error))
    return _Found.of(cell, measures, drawn)


def identify_images(cell: Cell, images: Images, settings: Evaluation, stream: Stream) -> Tidy:
    """Identification by every protocol of the study that the data set allows.

    With cameras, `-cross-camera` is added to the name of a protocol that crosses them: entries of a probe's
    identity and camera are left out of its search, or probes come from another camera than the enrolled image.

    Args:
        cell: what the numbers are about; experiment and protocol are filled in.
        images: the images.
        settings: the study's part on evaluation.
        stream: random numbers.
    """
    return _identify_images(cell, images, settings, stream).tidy(cell)


def _identify_images(cell: Cell, images: Images, settings: Evaluation, stream: Stream) -> _Found:
    parts = []
    for protocol in settings.identification:
        if protocol == "query-gallery" and images.role is None:
            log.info("%s: tells no queries, so nothing is measured by query-gallery", cell.dataset)
            continue
        across = images.camera is not None and protocol not in ("self-in-gallery", "paper")
        name = f"{protocol}-cross-camera" if across else protocol
        if protocol == "open-set":
            about = dataclasses.replace(cell, experiment="open-set", protocol=name)
            parts.append(_identified_open(about, images, settings, stream()))
        else:
            about = dataclasses.replace(cell, experiment="identification", protocol=name)
            depth = PAPER_DEPTH if protocol == "paper" else None
            searches = _searches(protocol, images)
            parts.append(_identified(about, images, searches, depth, settings, stream()))
    return _Found.joined(parts)


def recognise_images(
    cell: Cell, images: Images, settings: Evaluation, stream: Callable[[str], np.random.Generator]
) -> Tidy:
    """Verification, then identification, each with random numbers of its own.

    Args:
        cell: what the numbers are about; experiment and protocol are filled in.
        images: the images.
        settings: the study's part on evaluation.
        stream: random numbers by the name of an experiment, from their beginning.
    """
    found = [
        _verify_images(cell, images, settings, partial(stream, "verification")),
        _identify_images(cell, images, settings, partial(stream, "identification")),
    ]
    return _Found.joined(found).tidy(cell)


def _searches(protocol: str, images: Images) -> Searches:
    codes, camera = images.codes(), images.cameras()
    match protocol:
        case "enrol-one":
            found = enrol_probe(codes, list(images.image_id), camera)
            without = len(codes) - len(found.gallery) - len(found.probe)
            # The enrolled image is of another camera than the probe already, so a search leaves nothing out.
            return Searches(found.gallery, found.probe, None, False, without)
        case "self-excluded":
            return enrol_all(codes, camera, self_included=False)
        case "self-in-gallery" | "paper":
            return enrol_all(codes, self_included=True)
        case "query-gallery":
            return query_gallery(codes, list(images.role or ()), camera)
        case _:
            raise ValueError(f"no such protocol of identification: {protocol}")


def _identified(
    cell: Cell,
    images: Images,
    searches: Searches,
    depth: int | None,
    settings: Evaluation,
    rng: np.random.Generator,
) -> _Found:
    codes, camera = images.codes(), images.cameras()
    gallery, probe = searches.gallery, searches.probe
    if searches.without_mate:
        log.info(
            "%s, %s: %d images have no image to be found by and are no probes",
            cell.dataset,
            cell.protocol,
            searches.without_mate,
        )
    try:
        if not len(probe):
            raise TooFewClusters("no identity has a second image to search with")
        ranking = search(
            images.probe[probe],
            images.target[gallery],
            codes[probe],
            codes[gallery],
            exclude=searches.exclude,
            camera=(camera[probe], camera[gallery])
            if searches.across_cameras and camera is not None
            else None,
            depth=depth,
        )
        measures, cmc = identify(
            ranking, codes[probe], settings.ranks, resamples=settings.resamples, rng=rng
        )
    except TooFewClusters as error:
        metrics = [*(f"Rank-{k}" for k in settings.ranks), "mAP"]
        failed = [Measure.failed(m, len(probe), "identity", error) for m in metrics]
        return _Found.of(cell, failed, Curve(cell, np.zeros(0), np.zeros(0)))
    return _Found.of(cell, measures, Curve(cell, cmc.rank, cmc.value, cmc.lower, cmc.upper))


def _identified_open(
    cell: Cell, images: Images, settings: Evaluation, rng: np.random.Generator
) -> _Found:
    codes = images.codes()
    lists = open_set(list(images.identity), list(images.image_id), settings.known, images.cameras())
    gallery, mated, unmated = lists.gallery, lists.mated, lists.unmated
    try:
        if not len(mated):
            raise TooFewClusters("no known identity has a second image to search with")
        found = search_open(
            images.probe[mated],
            images.probe[unmated],
            images.target[gallery],
            codes[mated],
            codes[gallery],
        )
        measures = measure_open(
            found, codes[mated], codes[unmated], settings.fpir, settings.resamples, rng
        )
    except TooFewClusters as error:
        entries = max(1, len(gallery))
        failed = [
            Measure.failed(f"{m}@FPIR={x:g}", len(mated), "identity", error, by_chance(x, entries))
            for m, by_chance in (("DIR", chance.detected_first), ("FNIR", chance.below_threshold))
            for x in settings.fpir
        ]
        return _Found.of(cell, failed, Curve(cell, np.zeros(0), np.zeros(0)))
    shown = thin(detections(found))
    return _Found.of(cell, measures, Curve(cell, shown.fmr, shown.tmr))
