"""Sets of persons: faces and bodies, by folders and lists of identities, templates and cameras."""

from __future__ import annotations

import csv
import logging

import pandas as pd

from unispace.data.sources.layouts.named import Lists, Named, from_list, stems
from unispace.errors import UserError

log = logging.getLogger(__name__)

_YES = {True: "yes", False: "no"}


def _market1501(listing: pd.DataFrame, _lists: Lists) -> pd.DataFrame:
    """Splits from folders; junk left out, distractors told apart.

    Junk (-1) is neither right nor wrong by the set's protocol, which ignores it. Distractors (0000) are false
    detections: each becomes a label of its own, so that two of them never count as one person.
    """
    junk = listing["label"] == "-1"
    if junk.any():
        log.info("%d junk images (identity -1) left out, as the protocol says", int(junk.sum()))
    kept = listing[~junk].reset_index(drop=True)
    distractor = kept["label"] == "0000"
    stem = kept["image_id"].str.rsplit("/", n=1).str[-1].str.split(".").str[0]
    splits = {"bounding_box_train": "train", "query": "query", "bounding_box_test": "gallery"}
    return kept.assign(
        label=kept["label"].where(~distractor, "distractor-" + stem),
        split=kept["folder"].map(splits),
        distractor=distractor.map(_YES),
    ).drop(columns=["folder"])


def _msmt17(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    """Splits from the four lists. Training and test number their persons from 0 each, so both get a prefix."""
    splits: dict[str, str] = {}
    for split, part in (
        ("train", "train"),
        ("val", "train"),
        ("query", "test"),
        ("gallery", "test"),
    ):
        splits |= {f"{part}/{key}": split for key in lists.pairs(rf"list_{split}\.txt")}
    name = listing["image_id"].str.rsplit("/", n=2).str[-2:].str.join("/")
    made = listing.assign(label=listing["part"] + "-" + listing["label"])
    return from_list(made, listing["part"] + "/" + name, splits, "split", lists).drop(
        columns=["part"]
    )


def _cuhk03(listing: pd.DataFrame, _lists: Lists) -> pd.DataFrame:
    """Persons are numbered within each of the five pairs of cameras."""
    return listing.assign(
        label=listing["pair"] + "-" + listing["person"],
        camera=listing["pair"] + "-" + listing["camera"],
    ).drop(columns=["pair", "person"])


def _identities(lists: Lists, name: str, images: str, identities: str) -> dict[str, str]:
    """Identity of each image from one of the set's MATLAB lists."""
    names, numbers = lists.matlab(name, images, identities)
    return {
        str(key): str(int(number))
        for key, number in zip(names.ravel(), numbers.ravel(), strict=True)
    }


def _of_test_set(
    listing: pd.DataFrame, lists: Lists, parts: dict[str, tuple[str, dict[str, str] | None]]
) -> pd.DataFrame:
    """Labels and splits where training lies in folders of identities and the test set in folders of roles.

    Args:
        listing: columns label (of training), part (of the test set).
        lists: where it is from.
        parts: of each part its split, and the identity of each of its images; None where each image is a
            person of its own, who has no mate.
    """
    name = listing["image_id"].str.rsplit("/", n=1).str[-1]
    label = "train-" + listing["label"]
    split = listing["part"].map({part: split for part, (split, _) in parts.items()})
    mated = pd.Series("yes", index=listing.index)
    for part, (_, known) in parts.items():
        here = listing["part"] == part
        if known is None:
            label = label.where(~here, part.lower() + "-" + stems(listing))
            mated = mated.where(~here, "no")
            continue
        absent = sorted(set(name[here]) - set(known))
        if absent:
            raise UserError(f"{lists.path}: its lists give no identity to {part}/{absent[0]}")
        label = label.where(~here, "test-" + name.map(known))
    return listing.assign(label=label, split=split.fillna("train"), mated=mated).drop(
        columns=["part"]
    )


def _tinyface(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    gallery = _identities(lists, r"gallery_match_img_ID_pairs\.mat", "gallery_set", "gallery_ids")
    probes = _identities(lists, r"probe_img_ID_pairs\.mat", "probe_set", "probe_ids")
    parts = {
        "Gallery_Match": ("gallery", gallery),
        "Probe": ("query", probes),
        "Gallery_Distractor": ("gallery", None),
    }
    return _of_test_set(listing, lists, parts)


def _survface(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    gallery = _identities(lists, r"gallery_img_ID_pairs\.mat", "gallery_set", "gallery_ids")
    mated = r"mated_probe_img_ID_pairs\.mat"
    probes = _identities(lists, mated, "mated_probe_set", "mated_probe_ids")
    parts = {
        "gallery": ("gallery", gallery),
        "mated_probe": ("query", probes),
        "unmated_probe": ("query", None),
    }
    made = _of_test_set(listing, lists, parts)
    return made.assign(camera=made["image_id"].str.extract(r"_cam(\d+)_", expand=False).fillna(""))


def _ijb(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    """Template and media of each crop, and the subject of each template.

    Splits: gallery-1 and gallery-2, the two galleries of the identification protocol, and probe.
    """
    subjects, splits = {}, {}
    files = {
        "gallery-1": r"ijb[bc]_1N_gallery_[GS]1\.csv",
        "gallery-2": r"ijb[bc]_1N_gallery_[GS]2\.csv",
        "probe": r"ijb[bc]_1N_probe_mixed\.csv",
    }
    for split, name in files.items():
        for row in list(csv.reader(lists.lines(name)))[1:]:
            subjects[row[0]], splits[row[0]] = row[1], split
    template, media = {}, {}
    for line in lists.lines(r"ijb[bc]_face_tid_mid\.txt"):
        try:
            name, template_id, media_id = line.split()
        except ValueError as error:
            raise UserError(
                f"{lists.path}: `{line}` in its list of templates is no name, template and media"
            ) from error
        template[name], media[name] = template_id, media_id
    names = listing["image_id"].str.rsplit("/", n=1).str[-1]
    made = from_list(listing.assign(media=names.map(media)), names, template, "template", lists)
    unknown = sorted(set(made["template"]) - set(subjects))
    if unknown:
        raise UserError(
            f"{lists.path}: no list of gallery or probe names the subject of template {unknown[0]}"
        )
    return made.assign(label=made["template"].map(subjects), split=made["template"].map(splits))


PERSONS = {
    "lfw": Named(
        r"{root}lfw[^/]*/(?P<label>[^/]+)/(?P=label)_(?P<number>\d{{4}})\.jpg",
        "lfw/Ann_Lee/Ann_Lee_0001.jpg",
    ),
    "cfp": Named(
        r"{root}(?:[^/]+/)?Data/Images/(?P<label>\d{{3}})/(?P<pose>frontal|profile)/\d{{2}}\.jpg",
        "cfp-dataset/Data/Images/001/frontal/01.jpg",
    ),
    "market1501": Named(
        r"{root}(?:[^/]+/)?(?P<folder>bounding_box_train|query|bounding_box_test)/"
        r"(?P<label>-1|\d{{4}})_c(?P<camera>\d)s(?P<sequence>\d)_\d{{6}}_\d{{2}}\.jpg(?:\.jpg)?",
        "Market-1501-v15.09.15/query/0001_c1s1_001051_00.jpg",
        _market1501,
        True,
    ),
    "msmt17": Named(
        r"{root}(?:[^/]+/)?(?:mask_)?(?P<part>train|test)(?i:_v\d)?/(?P<label>\d{{4}})/"
        r"\d{{4}}_\d{{3}}_(?P<camera>\d{{2}})_(?P<time>\d{{4}}[a-z]+)_\d{{4}}_\d+\.jpg",
        "MSMT17_V1/train/0000/0000_000_01_0303morning_0008_0.jpg",
        _msmt17,
        True,
    ),
    "cuhk03": Named(
        r"{root}(?P<pair>\d)_(?P<person>\d{{3,4}})_(?P<camera>\d)_\d{{2}}\.png",
        "1_001_1_01.png",
        _cuhk03,
    ),
    "tinyface": Named(
        r"{root}(?:[^/]+/)?(?:Training_Set/(?P<label>[^/]+)|"
        r"Testing_Set/(?P<part>Gallery_Match|Probe|Gallery_Distractor))/[^/]+\.jpg",
        "tinyface/Testing_Set/Probe/1_106.jpg",
        _tinyface,
        True,
    ),
    "survface": Named(
        r"{root}(?:[^/]+/)?(?:training_set/(?P<label>[^/]+)|"
        r"Face_Identification_Test_Set/(?P<part>gallery|mated_probe|unmated_probe))/[^/]+\.jpg",
        "QMUL-SurvFace/Face_Identification_Test_Set/gallery/10002_cam3_1.jpg",
        _survface,
        True,
    ),
    "ijb": Named(
        r"{root}(?:[^/]+/)?loose_crop/\d+\.jpg",
        "IJBC/loose_crop/1.jpg",
        _ijb,
        True,
    ),
}
