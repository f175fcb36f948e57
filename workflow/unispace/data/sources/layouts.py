"""How published archives lie inside: readers that list and read their images without unpacking.

A layout is named as `reader` or `reader:folder`, where folder is the path in the archive below which it begins.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unispace.data.sources import cifar
from unispace.data.sources.archive import Archive, open_archive, open_inner_archive
from unispace.data.sources.folder import SUFFIXES
from unispace.errors import UserError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Layout:
    """Lists the images of an archive and reads them."""

    read_listing: Callable[[Path], pd.DataFrame]
    """Columns image_id, member, label, `split` where the set has one, and further ones; in the archive's order."""
    contents: Callable[[Path, Iterable[str]], Iterator[tuple[str, bytes]]]
    """The bytes of images, in the order asked for, one at a time."""
    has_splits: bool
    """Whether the set says which image belongs to which split."""


@dataclass(frozen=True)
class _Named:
    """A layout in which an image's path says all about it."""

    pattern: str
    """Of a whole path; named groups become columns. `{root}` stands for the folder."""
    example: str
    """Such a path, for errors."""
    refine: Callable[[pd.DataFrame], pd.DataFrame] = lambda listing: listing
    """What the columns need beyond the path."""
    inner: str | None = None
    """Pattern of the one archive inside the archive that holds the images."""


def _market1501(listing: pd.DataFrame) -> pd.DataFrame:
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
        distractor=distractor.map({True: "yes", False: "no"}),
    ).drop(columns=["folder"])


def _caltech101(listing: pd.DataFrame) -> pd.DataFrame:
    """Without the class of background images, which is none of the 101."""
    return listing[listing["label"] != "BACKGROUND_Google"].reset_index(drop=True)


_IMAGE = r"[^/]+\.(?i:" + "|".join(sorted(s[1:] for s in SUFFIXES)) + ")"

_NAMED = {
    "label-folders": _Named(rf"{{root}}(?P<label>.+)/{_IMAGE}", "LABEL/IMAGE.jpg"),
    "split-folders": _Named(
        rf"{{root}}(?P<split>[^/]+)/(?P<label>.+)/{_IMAGE}", "SPLIT/LABEL/IMAGE.jpg"
    ),
    "lfw": _Named(
        r"{root}lfw[^/]*/(?P<label>[^/]+)/(?P=label)_(?P<number>\d{{4}})\.jpg",
        "lfw/Ann_Lee/Ann_Lee_0001.jpg",
    ),
    "cfp": _Named(
        r"{root}(?:[^/]+/)?Data/Images/(?P<label>\d{{3}})/(?P<pose>frontal|profile)/\d{{2}}\.jpg",
        "cfp-dataset/Data/Images/001/frontal/01.jpg",
    ),
    "market1501": _Named(
        r"{root}(?:[^/]+/)?(?P<folder>bounding_box_train|query|bounding_box_test)/"
        r"(?P<label>-1|\d{{4}})_c(?P<camera>\d)s(?P<sequence>\d)_\d{{6}}_\d{{2}}\.jpg(?:\.jpg)?",
        "Market-1501-v15.09.15/query/0001_c1s1_001051_00.jpg",
        _market1501,
    ),
    "caltech101": _Named(
        r"{root}101_ObjectCategories/(?P<label>[^/]+)/image_\d{{4}}\.jpg",
        "101_ObjectCategories/accordion/image_0001.jpg",
        _caltech101,
        inner=r"(?:.+/)?101_ObjectCategories\.tar\.gz",
    ),
}

LAYOUTS = ("cifar-python", *_NAMED)
_WITH_SPLITS = frozenset({"cifar-python", "split-folders", "market1501"})


def layout_of(name: str) -> Layout:
    """The reader of a layout.

    Args:
        name: `reader` or `reader:folder`, the reader one of `LAYOUTS`.
    """
    kind, _, root = name.partition(":")
    if kind == "cifar-python":
        return Layout(cifar.read_listing, cifar.contents, True)
    named = _NAMED[kind]
    return Layout(
        lambda path: _read_listing(path, named, root),
        lambda path, members: _contents(path, named, members),
        kind in _WITH_SPLITS,
    )


def _open(path: Path, named: _Named) -> AbstractContextManager[Archive]:
    return open_archive(path) if named.inner is None else open_inner_archive(path, named.inner)


def _read_listing(path: Path, named: _Named, root: str) -> pd.DataFrame:
    prefix = f"{re.escape(root)}/" if root else ""
    pattern = re.compile(named.pattern.format(root=prefix))
    rows: list[dict[str, str]] = []
    with _open(path, named) as archive:
        images = [
            name
            for name in archive.files
            if Path(name).suffix.lower() in SUFFIXES
            and not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
        ]
        linked = sum(1 for name in archive.links if pattern.fullmatch(name))
    for name in images:
        found = pattern.fullmatch(name)
        if found:
            rows.append({"image_id": name, "member": name, **found.groupdict()})
    if not rows:
        example = f"{root}/{named.example}" if root else named.example
        instead = f"it holds such as {images[0]}" if images else "it holds no image at all"
        raise UserError(
            f"{path}: no image lies as in the official archive, such as {example}; {instead}. "
            f"Use the publisher's own file, not a repacked one"
        )
    if linked:
        log.warning("%s: %d images are links, which are not followed", path, linked)
    if len(rows) < len(images):
        log.info("%s: %d images lie outside the layout", path, len(images) - len(rows))
    return named.refine(pd.DataFrame(rows, dtype=str))


def _contents(path: Path, named: _Named, members: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    with _open(path, named) as archive:
        for name in members:
            yield name, archive.read(name)
