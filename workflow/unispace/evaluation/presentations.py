"""What an attack detector is tested on: scored images or videos, their kinds and their subjects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.base import BONA_FIDE
from unispace.errors import UserError

Doubles = NDArray[np.float64]
Integers = NDArray[np.integer]

ALONE = -1
"""Stands for the second subject of what shows one."""


@dataclass(frozen=True, eq=False)
class Presentations:
    """Scored presentations.

    Attributes:
        scores: `(n,)`, higher is more bona fide.
        kind: `(n,)` `bona_fide` or the kind of attack (species).
        first: `(n,)` subject, an index into the columns of the multiplicities.
        second: `(n,)` the other subject of a morph, likewise; -1 where there is none.
    """

    scores: Doubles
    kind: NDArray[np.str_]
    first: Integers
    second: Integers

    @property
    def bona_fide(self) -> NDArray[np.bool_]:
        """`(n,)` whether each is no attack."""
        return self.kind == BONA_FIDE

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of attack, sorted."""
        return tuple(sorted(set(self.kind.tolist()) - {BONA_FIDE}))

    def subset(self, rows: NDArray[np.bool_]) -> Presentations:
        """Some of them."""
        return Presentations(
            self.scores[rows], self.kind[rows], self.first[rows], self.second[rows]
        )

    def against(self, kind: str) -> Presentations:
        """The bona fide ones and one kind of attack."""
        return self.subset(self.bona_fide | (self.kind == kind))

    def subjects(self, rows: NDArray[np.bool_]) -> int:
        """How many subjects some of them show."""
        shown = np.concatenate([self.first[rows], self.second[rows]])
        return len(np.unique(shown[shown != ALONE]))

    def weights(self, multiplicity: Integers) -> Doubles:
        """How often each counts in resamples of subjects.

        A presentation weighs as often as its subject was drawn, and a morph the product of both numbers, as a pair of
        two identities does in verification: see `bootstrap`. Where a subject has few morphs, that errs on the
        wide side: their noise is resampled twice.

        Args:
            multiplicity: `(b, subjects)` from `bootstrap.draw`.

        Returns:
            `(b, n)`.
        """
        weight = multiplicity[:, self.first].astype(np.float64)
        morphed = self.second != ALONE
        weight[:, morphed] *= multiplicity[:, self.second[morphed]]
        return weight


@dataclass(frozen=True, eq=False)
class Subjects:
    """Who is shown in the images of a data set, numbered; the same for all models and variants.

    Attributes:
        unit: what resamples draw: `identity`, or `image` where the data set does not say who is in each image.
        names: sorted.
    """

    unit: str
    names: NDArray[np.str_]

    @classmethod
    def of(cls, index: pd.DataFrame, *, per_video: bool) -> Subjects:
        """The subjects of the tested images of a data set.

        Args:
            index: rows of images, as in the manifest.
            per_video: as in `presentations`.
        """
        whole = bool(index["identity"].notna().all())
        shown = _subject(index, per_video=per_video)
        others = _second(index)
        names = np.unique(np.concatenate([shown, others[others != ""]]))
        return cls("identity" if whole else "image", names)

    def number(self, names: NDArray[np.str_]) -> NDArray[np.intp]:
        """Numbers of names, all of which are known."""
        return np.searchsorted(self.names, names)


def presentations(
    index: pd.DataFrame, scores: NDArray[np.floating], subjects: Subjects, *, per_video: bool
) -> Presentations:
    """Scored images as presentations; where the index has a column `video`, its frames as one with their mean score.

    Args:
        index: `(n,)` rows of images: image_id, label, identity; identity_2 of morphs and video where there are.
        scores: `(n,)`, higher is more bona fide.
        subjects: of these images and, may be, of others.
        per_video: whether frames of a video are put together, as FoundPAD and others do.

    Raises:
        UserError: the frames of a video differ in label or subject.
        ValueError: lengths differ.
    """
    if len(index) != len(scores):
        raise ValueError(f"{len(scores)} scores for {len(index)} images")
    second = _second(index)
    frame = pd.DataFrame(
        {
            "score": np.asarray(scores, np.float64),
            "kind": index["label"].to_numpy(str),
            "first": subjects.number(_subject(index, per_video=per_video)),
            "second": np.where(second == "", ALONE, subjects.number(second)),
        }
    )
    if per_video and "video" in index:
        about = ["kind", "first", "second"]
        by_video = frame.groupby(_unit(index), sort=True)
        mixed = by_video[about].nunique().max(axis=1)
        if (mixed > 1).any():
            raise UserError(
                f"video `{mixed[mixed > 1].index[0]}`: its frames differ in label or subject; give each recording a "
                f"name of its own in the column `video`"
            )
        frame = by_video.agg({"score": "mean", **dict.fromkeys(about, "first")})
    return Presentations(
        frame["score"].to_numpy(float),
        frame["kind"].to_numpy(str),
        frame["first"].to_numpy(np.int64),
        frame["second"].to_numpy(np.int64),
    )


def _unit(index: pd.DataFrame) -> NDArray[np.str_]:
    """The video of each image, the image itself where it is of none."""
    video = index["video"].astype(object)
    named = video.notna() & (video != "")
    return video.where(named, "image " + index["image_id"].astype(object)).to_numpy(str)


def _subject(index: pd.DataFrame, *, per_video: bool) -> NDArray[np.str_]:
    """Who is in each image; where nobody says, the image, or its video, stands for a subject of its own."""
    alone = (
        _unit(index) if per_video and "video" in index else index["image_id"].to_numpy(dtype=str)
    )
    named = index["identity"].notna().to_numpy()
    known = np.array([f"subject {name}" for name in index["identity"]], dtype=str)
    return np.where(named, known, alone)


def _second(index: pd.DataFrame) -> NDArray[np.str_]:
    """The other subject of each morph; empty elsewhere."""
    if "identity_2" not in index:
        return np.full(len(index), "", dtype=str)
    return np.array(
        ["" if pd.isna(name) or name == "" else f"subject {name}" for name in index["identity_2"]],
        dtype=str,
    )
