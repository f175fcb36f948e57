"""Object sets: classes by folders, with the official lists of train, val and test."""

from __future__ import annotations

import csv

import pandas as pd

from unispace.data.sources.layouts.named import IMAGE, Lists, Named, from_list, stems
from unispace.errors import UserError

FOLDS = 10
"""Official divisions of DTD; the first is the one of which publications tell."""


def _caltech101(listing: pd.DataFrame, _lists: Lists) -> pd.DataFrame:
    """Without the class of background images, which is none of the 101."""
    return listing[listing["label"] != "BACKGROUND_Google"].reset_index(drop=True)


def _splits_of(lists: Lists, names: dict[str, str]) -> dict[str, str]:
    """The split of each key, from one list of keys for each split.

    Raises:
        UserError: where two lists share a key.
    """
    splits: dict[str, str] = {}
    for split, name in names.items():
        for key in lists.lines(name):
            if splits.setdefault(key, split) != split:
                raise UserError(
                    f"{lists.path}: {key} stands in the lists of {splits[key]} and {split}"
                )
    return splits


def _food101(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    splits = _splits_of(lists, {s: rf"meta/{s}\.txt" for s in ("train", "test")})
    return from_list(listing, listing["label"] + "/" + stems(listing), splits, "split", lists)


def _dtd(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    """`split` is the first of the official divisions; the columns fold_2 to fold_10 are the others."""
    keys = listing["label"] + "/" + listing["image_id"].str.rsplit("/", n=1).str[-1]
    made = listing
    for fold in range(1, FOLDS + 1):
        named = {s: rf"labels/{s}{fold}\.txt" for s in ("train", "val", "test")}
        splits = _splits_of(lists, named)
        column = "split" if fold == 1 else f"fold_{fold}"
        made = from_list(made, keys, splits, column, lists)
        keys = made["label"] + "/" + made["image_id"].str.rsplit("/", n=1).str[-1]
    return made


def _aircraft(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    """The class is the variant, as in publications; family and manufacturer are columns."""
    keys = stems(listing)
    split: dict[str, str] = {}
    given: dict[str, dict[str, str]] = {"variant": {}, "family": {}, "manufacturer": {}}
    for part in ("train", "val", "test"):
        for level, labels in given.items():
            labels |= lists.pairs(rf"data/images_{level}_{part}\.txt")
        for key in lists.pairs(rf"data/images_variant_{part}\.txt"):
            if split.setdefault(key, part) != part:
                raise UserError(
                    f"{lists.path}: {key} stands in the lists of {split[key]} and {part}"
                )
    listing = listing.assign(
        label=keys.map(given["variant"]),
        family=keys.map(given["family"]),
        manufacturer=keys.map(given["manufacturer"]),
    )
    return from_list(listing, keys, split, "split", lists)


def _pets(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    splits = {
        line.split()[0]: split
        for split in ("trainval", "test")
        for line in lists.lines(rf"annotations/{split}\.txt")
    }
    made = from_list(listing, stems(listing), splits, "split", lists)
    return made.assign(split=made["split"].replace({"trainval": "train"}))


def _flowers(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    """The class is its number of three digits: the set gives no names."""
    (labels,) = lists.matlab(r"imagelabels\.mat", "labels")
    names = ("trnid", "valid", "tstid")
    numbers = lists.matlab(r"setid\.mat", *names)
    parts = zip(("train", "val", "test"), numbers, strict=True)
    splits = {f"{int(i):05d}": split for split, ids in parts for i in ids.ravel()}
    made = from_list(listing, listing["number"], splits, "split", lists)
    place = made["number"].astype(int)
    if place.max() > labels.size:
        raise UserError(f"{lists.path}: imagelabels.mat names {labels.size} images, there are more")
    return made.assign(label=[f"{int(labels.flat[i - 1]):03d}" for i in place])


def _cars(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    (names,) = lists.matlab(r"devkit/cars_meta\.mat", "class_names")
    labels, splits = {}, {}
    lists_of = {"train": r"cars_train_annos\.mat", "test": r"cars_test_annos_withlabels\.mat"}
    for split, name in lists_of.items():
        (annotations,) = lists.matlab(name, "annotations")
        for row in annotations.ravel():
            key = f"cars_{split}/{row['fname']}"
            labels[key] = str(names.flat[int(row["class"]) - 1])
            splits[key] = split
    keys = listing["folder"] + "/" + listing["image_id"].str.rsplit("/", n=1).str[-1]
    listing = listing.assign(label=keys.map(labels)).drop(columns=["folder"])
    return from_list(listing, keys, splits, "split", lists)


def _gtsrb(listing: pd.DataFrame, lists: Lists) -> pd.DataFrame:
    """The class is its number; images of one track show one sign."""
    rows = csv.DictReader(lists.lines(r"GT-final_test\.csv"), delimiter=";")
    tested = {row["Filename"]: f"{int(row['ClassId']):05d}" for row in rows}
    names = listing["image_id"].str.rsplit("/", n=1).str[-1]
    test = listing["label"].isna()
    absent = sorted(set(names[test]) - set(tested))
    if absent:
        raise UserError(f"{lists.path}: GT-final_test.csv gives no class to {absent[0]}")
    return listing.assign(
        label=listing["label"].where(~test, names.map(tested)),
        split=test.map({True: "test", False: "train"}),
        track=listing["label"].str.cat(listing["track"], "/").fillna(""),
    )


OBJECTS = {
    "label-folders": Named(rf"{{root}}(?P<label>.+)/{IMAGE}", "LABEL/IMAGE.jpg"),
    "split-folders": Named(
        rf"{{root}}(?P<split>[^/]+)/(?P<label>.+)/{IMAGE}",
        "SPLIT/LABEL/IMAGE.jpg",
        has_splits=True,
    ),
    "caltech101": Named(
        r"{root}101_ObjectCategories/(?P<label>[^/]+)/image_\d{{4}}\.jpg",
        "101_ObjectCategories/accordion/image_0001.jpg",
        _caltech101,
        inner=r"(?:.+/)?101_ObjectCategories\.tar\.gz",
    ),
    "food101": Named(
        r"{root}images/(?P<label>[^/]+)/\d+\.jpg", "images/apple_pie/1005649.jpg", _food101, True
    ),
    "dtd": Named(
        r"{root}images/(?P<label>[^/]+)/[^/]+\.jpg", "images/banded/banded_0002.jpg", _dtd, True
    ),
    "fgvc-aircraft": Named(
        r"{root}data/images/\d+\.jpg", "data/images/0034309.jpg", _aircraft, True
    ),
    "pets": Named(
        r"{root}images/(?P<label>[^/]+)_\d+\.jpg",
        "images/Abyssinian_1.jpg",
        _pets,
        True,
        others=("annotations.tar.gz",),
    ),
    "flowers102": Named(
        r"{root}jpg/image_(?P<number>\d{{5}})\.jpg",
        "jpg/image_00001.jpg",
        _flowers,
        True,
        others=("imagelabels.mat", "setid.mat"),
    ),
    "stanford-cars": Named(
        r"{root}(?P<folder>cars_train|cars_test)/\d{{5}}\.jpg",
        "cars_train/00001.jpg",
        _cars,
        True,
        others=("cars_test.tgz", "car_devkit.tgz", "cars_test_annos_withlabels.mat"),
    ),
    "gtsrb": Named(
        r"{root}(?:Training/(?P<label>\d{{5}})/(?P<track>\d{{5}})_\d{{5}}|Final_Test/Images/\d{{5}})\.ppm",
        "Training/00000/00000_00000.ppm",
        _gtsrb,
        True,
        others=("GTSRB_Final_Test_Images.zip", "GTSRB_Final_Test_GT.zip"),
    ),
}
