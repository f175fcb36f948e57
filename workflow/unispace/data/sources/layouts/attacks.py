"""Sets of presentation attacks and morphs.

All of them have the same columns: label (`bona_fide` or the kind of attack) and subject where the set tells it.
"""

from __future__ import annotations

import re

import pandas as pd

from unispace.config.base import BONA_FIDE
from unispace.data.sources.layouts.named import IMAGE, Lists, Named, from_list
from unispace.errors import UserError

# The codes of CelebA-Spoof, at place 40 of the list of attributes of an image.
_SPOOF_TYPE = 40
_SPOOF_TYPES = (
    BONA_FIDE,
    "photo",
    "poster",
    "a4",
    "face-mask",
    "upper-body-mask",
    "region-mask",
    "pc",
    "pad",
    "phone",
    "3d-mask",
)


def _nuaa(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    """Live persons and printed photographs of them; the lists name files with backslashes."""
    splits = {
        f"{folder}/{line.replace(chr(92), '/')}": split
        for prefix, folder in (("client", "ClientRaw"), ("imposter", "ImposterRaw"))
        for split in ("train", "test")
        for line in lists.lines(rf"{prefix}_{split}_raw\.txt")
    }
    keys = listing["folder"] + "/" + listing["image_id"].str.rsplit("/", n=2).str[-2:].str.join("/")
    made = from_list(listing, keys, splits, "split", lists)
    kinds = made["folder"].map({"ClientRaw": BONA_FIDE, "ImposterRaw": "print"})
    return made.assign(label=kinds).drop(columns=["folder"])


def _celeba_spoof(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    """Splits and kinds of attack from the labels of the test within the set."""
    kinds: dict[str, str] = {}
    for split in ("train", "test"):
        name = f"metas/intra_test/{split}_label.json"
        for key, attributes in lists.json(re.escape(name)).items():
            try:
                kinds[key] = _SPOOF_TYPES[attributes[_SPOOF_TYPE]]
            except (IndexError, TypeError, KeyError) as error:
                raise UserError(
                    f"{lists.path}: {name} says no kind of attack for {key} (a number of 0 to "
                    f"{len(_SPOOF_TYPES) - 1} at place {_SPOOF_TYPE})"
                ) from error
    keys = listing["image_id"].str.extract(r"(Data/.*)", expand=False)
    made = from_list(listing, keys, kinds, "label", lists)
    wrong = made[(made["folder"] == "live") != (made["label"] == BONA_FIDE)]
    if len(wrong):
        row = wrong.iloc[0]
        raise UserError(
            f"{lists.path}: {row['image_id']} lies in {row['folder']}, its label says `{row['label']}`"
        )
    return made.drop(columns=["folder"])


ATTACKS = {
    # Videos: the frames that the user took from them.
    "attack-frames": Named(
        rf"{{root}}(?P<split>[^/]+)/(?P<subject>[^/]+)/(?P<label>[^/]+)/(?P<session>[^/]+)/{IMAGE}",
        "SPLIT/SUBJECT/bona_fide/SESSION/0001.png",
        has_splits=True,
    ),
    "attack-folders": Named(
        rf"{{root}}(?P<split>[^/]+)/(?P<label>[^/]+)/(?:.+/)?{IMAGE}",
        "SPLIT/bona_fide/0001.png",
        has_splits=True,
    ),
    "nuaa": Named(
        r"{root}(?:[^/]+/)?(?P<folder>ClientRaw|ImposterRaw)/(?P<subject>\d{{4}})/"
        r"\d{{4}}_(?P<glasses>\d\d)_(?P<position>\d\d)_(?P<session>\d\d)_\d+\.jpg",
        "raw/ClientRaw/0001/0001_00_00_01_0.jpg",
        _nuaa,
        True,
    ),
    "celeba-spoof": Named(
        r"{root}(?:[^/]+/)*Data/(?P<split>train|test)/(?P<subject>\d+)/(?P<folder>live|spoof)/[^/]+\.(?:jpg|png)",
        "CelebA_Spoof/Data/train/1/live/000184.jpg",
        _celeba_spoof,
        True,
    ),
}
