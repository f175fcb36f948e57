"""Every detector of a model on a data set of attacks, by every protocol that the study asks for, as tidy rows.

Protocols are `<detector>` and `<detector>/<variant>`. Detectors: `probe`, `head`, `text:<texts>`. Variants:

- `attack=<kind>`: this kind alone against all bona fide presentations; `mean-of-attacks` and `worst-attack`: over them;
- `held_out`: kinds that no training may see, against bona fide presentations of the tested split (of the split
  `held_out` where that has some of its own);
- `without=<kind>`: neither probe nor penalty nor threshold has seen this kind, which is tested alone;
- `from=<dataset>`: fitted on another data set, with thresholds from that set's val split.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.attacks import Attacks
from unispace.config.base import BONA_FIDE
from unispace.data.held_out import HELD_OUT
from unispace.data.prompts.attack_texts import ATTACK
from unispace.data.protocols.attacks import leave_one_attack_out
from unispace.evaluation import tidy
from unispace.evaluation.attack_detection import detect
from unispace.evaluation.attack_points import Points, Thresholds
from unispace.evaluation.attack_probe import fit_attack_probe, text_scores
from unispace.evaluation.bootstrap import TooFewClusters, draw
from unispace.evaluation.linear_probe import NotConverged
from unispace.evaluation.measure import Measure
from unispace.evaluation.presentations import Subjects, presentations
from unispace.evaluation.tasks import ATTACK_DETECTION
from unispace.evaluation.tidy import Cell
from unispace.records.heads import AttackHead
from unispace.records.prompts import Prompts

log = logging.getLogger(__name__)

Scorer = Callable[[NDArray[np.floating]], NDArray[np.float64]]
Mask = NDArray[np.bool_]
Tidy = tuple[pd.DataFrame, pd.DataFrame]


@dataclass(frozen=True, eq=False)
class AttackSet:
    """A data set of attacks as a model embeds it.

    Attributes:
        name: of the data set.
        vectors: `(n, d)`.
        index: `(n,)` rows of the embeddings' index.
    """

    name: str
    vectors: NDArray[np.floating]
    index: pd.DataFrame

    def split(self, *names: str) -> Mask:
        """`(n,)` which images are in one of some splits."""
        return self.index["split"].isin(names).to_numpy(bool)

    @property
    def bona_fide(self) -> Mask:
        """`(n,)` which images are no attack."""
        return (self.index["label"] == BONA_FIDE).to_numpy(bool)

    def lacks(self, rows: Mask, where: str) -> str:
        """What is missing in some rows to learn from them; empty where nothing is."""
        for kind, there in (("bona fide image", self.bona_fide), ("attack", ~self.bona_fide)):
            if not (rows & there).any():
                return f"{self.name} has no {kind} in {where}"
        return ""


@dataclass(frozen=True, eq=False)
class _Detector:
    """Something that scores images, or the reason why there is nothing.

    Attributes:
        name: as in the protocol.
        score: `(n, d)` vectors to `(n,)` scores, or why not.
        thresholds: where thresholds come from.
        val: its rows.
    """

    name: str
    score: Scorer | str
    thresholds: AttackSet
    val: Mask


def detect_attacks(
    cell: Cell,
    tested: AttackSet,
    others: Mapping[str, AttackSet],
    heads: Mapping[str, AttackHead | str],
    texts: Mapping[str, Prompts],
    settings: Attacks,
    split: str,
    resamples: int,
    rng: np.random.Generator,
) -> Tidy:
    """All measures of a model on a data set of attacks, and the DET curves.

    Every detector and variant takes the same resamples, and so does every model, if its stream of random numbers and
    its images are the same.

    Args:
        cell: what the numbers are about; experiment and protocol are filled in.
        tested: the data set.
        others: data sets whose detectors are tested here too, by name.
        heads: of the model, by the data set they were trained on, or why there is none; empty where none is asked for.
        texts: vectors of the classes `attack` and `bona_fide`, by the name of the texts.
        settings: the study's part on attacks.
        split: the split that is tested.
        resamples: how many.
        rng: source of randomness.
    """
    bench = _Bench.of(cell, tested, settings, split, resamples, rng)
    detectors = _detectors(tested, others, heads, texts, settings)
    for detector in detectors:
        bench.test(detector, tested.split(split), kinds="/" not in detector.name)
        held = tested.split(HELD_OUT)
        if held.any() and "/" not in detector.name:
            own = held & tested.bona_fide
            known = own if own.any() else tested.split(split) & tested.bona_fide
            bench.test(detector, (held & ~tested.bona_fide) | known, HELD_OUT, points=False)
    if settings.wants("probe") and settings.leave_one_out:
        for detector, rows in _left_out(tested, settings, split):
            bench.test(detector, rows, points=False)
    return bench.tables()


class _Bench:
    """Tests detectors on one data set, all in the same resamples."""

    def __init__(
        self,
        cell: Cell,
        tested: AttackSet,
        settings: Attacks,
        subjects: Subjects,
        multiplicity: NDArray[np.integer],
        why: str,
    ) -> None:
        self._cell, self._tested, self._settings = cell, tested, settings
        self._subjects, self._multiplicity, self._why = subjects, multiplicity, why
        self._points = Points(settings.points, settings.errors)
        self._found: list[tuple[Cell, Measure]] = []
        self._curves: list[pd.DataFrame] = []

    @classmethod
    def of(
        cls,
        cell: Cell,
        tested: AttackSet,
        settings: Attacks,
        split: str,
        resamples: int,
        rng: np.random.Generator,
    ) -> _Bench:
        """Draw the resamples."""
        index = tested.index[tested.split(split, HELD_OUT)]
        subjects = Subjects.of(index, per_video=settings.per_video)
        if subjects.unit != "identity":
            log.warning(
                "%s: nobody says who is in some of its images, so each of these counts as a subject of its own; "
                "intervals may be too narrow",
                tested.name,
            )
        try:
            drawn, why = draw(len(subjects.names), resamples, rng), ""
        except TooFewClusters as reason:
            drawn, why = np.empty((0, len(subjects.names)), np.int32), str(reason)
        return cls(cell, tested, settings, subjects, drawn, why)

    def test(
        self,
        detector: _Detector,
        rows: Mask,
        variant: str = "",
        *,
        kinds: bool = False,
        points: bool = True,
    ) -> None:
        """Test a detector on some images of the data set.

        Args:
            detector: what scores them.
            rows: which images.
            variant: added to the name of the detector.
            kinds: whether each kind of attack is told apart.
            points: whether operating points are taken at thresholds of the development data too.
        """
        name = f"{detector.name}/{variant}" if variant else detector.name
        per_video = self._settings.per_video
        index = self._tested.index[rows]
        why, score = self._why, detector.score
        if isinstance(score, str):
            why, scores = score, np.zeros(len(index))
            thresholds = Thresholds.none(score, self._points)
        else:
            scores = score(self._tested.vectors[rows])
            thresholds = _thresholds(detector, score, self._points, per_video=per_video)
        found = detect(
            presentations(index, scores, self._subjects, per_video=per_video),
            thresholds if points else thresholds.only_eer(),
            self._points,
            self._multiplicity,
            self._subjects.unit,
            why,
        )
        tables = {"": found.whole}
        if kinds:
            tables |= {f"attack={kind}": measures for kind, measures in found.of_kind.items()}
            tables |= {"mean-of-attacks": found.mean, "worst-attack": found.worst}
        for part, measures in tables.items():
            about = self._about(f"{name}/{part}" if part else name)
            self._found += [(about, measure) for measure in measures]
        self._curves.append(tidy.points(self._about(name), *found.det))

    def _about(self, protocol: str) -> Cell:
        return dataclasses.replace(self._cell, experiment=ATTACK_DETECTION, protocol=protocol)

    def tables(self) -> Tidy:
        """All that was found."""
        return tidy.rows_of_cells(self._found), pd.concat(self._curves, ignore_index=True)


def _thresholds(
    detector: _Detector, score: Scorer, points: Points, *, per_video: bool
) -> Thresholds:
    """Thresholds from the development data of a detector."""
    source, val = detector.thresholds, detector.val
    if why := source.lacks(val, "split val, which thresholds are taken from"):
        return Thresholds.none(why, points)
    index = source.index[val]
    subjects = Subjects.of(index, per_video=per_video)
    scored = presentations(index, score(source.vectors[val]), subjects, per_video=per_video)
    return Thresholds.of(scored, points)


def _detectors(
    tested: AttackSet,
    others: Mapping[str, AttackSet],
    heads: Mapping[str, AttackHead | str],
    texts: Mapping[str, Prompts],
    settings: Attacks,
) -> Iterable[_Detector]:
    """The detectors that are tested on all kinds of attack."""
    if settings.wants("probe"):
        # A set without train split, which others' detectors are tested on, has no probe of its own.
        if tested.split("train").any() or not others:
            yield _probe("probe", tested, tested.split("train"), tested.split("val"), settings)
        for name, other in others.items():
            parts = other.split("train"), other.split("val")
            yield _probe(f"probe/from={name}", other, *parts, settings)
    for source in (tested, *others.values()):
        if source.name in heads:
            head = heads[source.name]
            name = "head" if source is tested else f"head/from={source.name}"
            score = head if isinstance(head, str) else head.scores
            yield _Detector(name, score, source, source.split("val"))
    for name, prompts in texts.items():
        attack, bona_fide = prompts.of_labels((ATTACK, BONA_FIDE)).vectors
        yield _Detector(
            f"text:{name}",
            lambda vectors, a=attack, b=bona_fide: text_scores(vectors, b, a),
            tested,
            tested.split("val"),
        )


def _probe(name: str, source: AttackSet, train: Mask, val: Mask, settings: Attacks) -> _Detector:
    """A probe that is fitted on some images of a data set, or why it cannot be."""
    for rows, part in ((train, "train"), (val, "val")):
        if why := source.lacks(rows, f"split {part}, which the probe learns from"):
            return _Detector(name, why, source, val)
    try:
        fitted = fit_attack_probe(
            source.vectors[train],
            source.bona_fide[train],
            source.vectors[val],
            source.bona_fide[val],
            settings.penalties,
            settings.iterations,
        )
    except NotConverged as reason:
        return _Detector(name, str(reason), source, val)
    shown = ", ".join(f"{error:.3f}" for error in fitted.error)
    log.info("%s: C = %g, D-EER on val for each C: %s", name, fitted.penalty, shown)
    return _Detector(name, fitted.scores, source, val)


def _left_out(tested: AttackSet, settings: Attacks, split: str) -> Iterable[tuple[_Detector, Mask]]:
    """A probe for each kind of attack that has not seen it, and what it is tested on."""
    label, parts = tested.index["label"].tolist(), tested.index["split"].tolist()
    kinds = {kind for kind, part in zip(label, parts, strict=True) if part == "train"} - {BONA_FIDE}
    if len(kinds) < 2:
        log.info(
            "%s: fewer than two kinds of attack to learn from, so none is left out", tested.name
        )
        return
    for found in leave_one_attack_out(label, parts, split):
        train, val, rows = (
            _mask(len(label), chosen) for chosen in (found.train, found.val, found.test)
        )
        yield _probe(f"probe/without={found.attack}", tested, train, val, settings), rows


def _mask(n: int, rows: Sequence[int] | NDArray[np.intp]) -> Mask:
    mask = np.zeros(n, bool)
    mask[rows] = True
    return mask
