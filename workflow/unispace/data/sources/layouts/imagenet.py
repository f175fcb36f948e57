"""ImageNet of 2012: an archive of archives for training, one archive of images for validation, and a kit of labels.

One of the thousand archives is open at a time: together they hold more images than a listing by members should.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pandas as pd

from unispace.data.sources.archive import Archive, of_tar, open_archive, readable
from unispace.data.sources.layouts.layout import beside
from unispace.data.sources.layouts.named import Lists
from unispace.errors import UserError

VALIDATION = "ILSVRC2012_img_val.tar"
KIT = "ILSVRC2012_devkit_t12.tar.gz"

Opener = Callable[[str], AbstractContextManager[Archive]]

_CLASS = re.compile(r"n\d{8}\.tar")


def read_listing(path: Path) -> pd.DataFrame:
    """The images of training and validation.

    Returns:
        Columns image_id and member (the archive and the image), label (its WordNet id), split (train, val).

    Raises:
        UserError: where an archive is damaged or is no such archive, or the kit does not fit.
    """
    rows = []
    with _classes(path) as (classes, inside):
        for name in classes:
            with inside(name) as archive:
                label = name.removesuffix(".tar")
                rows += [(f"{name}/{image}", label, "train") for image in archive.files]
    labels = _validation_labels(path)
    with open_archive(beside(path, VALIDATION)) as archive:
        for image in archive.files:
            found = re.fullmatch(r"(?:.*/)?ILSVRC2012_val_(\d{8})\.JPEG", image)
            if not found or not 1 <= int(found[1]) <= len(labels):
                raise UserError(
                    f"{path.with_name(VALIDATION)}: {image} is no image of the {len(labels)} for validation"
                )
            rows.append((f"{VALIDATION}/{image}", labels[int(found[1]) - 1], "val"))
    listing = pd.DataFrame(rows, columns=["image_id", "label", "split"], dtype=str)
    return listing.assign(member=listing["image_id"])


def contents(path: Path, members: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of images, in the order asked for, one at a time."""
    with _classes(path) as (_, inside):
        for outer, here in itertools.groupby(members, lambda member: member.split("/", 1)[0]):
            opened = open_archive(beside(path, outer)) if outer == VALIDATION else inside(outer)
            with opened as archive:
                for member in here:
                    yield member, archive.read(member.split("/", 1)[1])


@contextmanager
def _classes(path: Path) -> Iterator[tuple[list[str], Opener]]:
    """The names of the archives of classes, and what opens one of them."""
    with readable(path), tarfile.TarFile.open(path) as outer:
        members = {posixpath.basename(m.name): m for m in outer if m.isfile()}
        names = [name for name in members if _CLASS.fullmatch(name)]
        if not names:
            raise UserError(f"{path}: holds no archive of a class, such as n01440764.tar")

        @contextmanager
        def inside(name: str) -> Iterator[Archive]:
            stream = outer.extractfile(members[name])
            if stream is None:
                raise ValueError(f"{name} is a plain file and cannot be opened")
            with readable(path), stream, tarfile.TarFile.open(fileobj=stream) as archive:
                yield of_tar(archive)

        yield names, inside


def _validation_labels(path: Path) -> list[str]:
    """WordNet id of each image for validation, from the kit."""
    kit = beside(path, KIT)
    with open_archive(kit) as archive:
        lists = Lists(kit, archive)
        (synsets,) = lists.matlab(r"data/meta\.mat", "synsets")
        numbers = lists.lines(r"data/ILSVRC2012_validation_ground_truth\.txt")
    # Classes have no children; all others are their groups.
    names = {
        int(row["ILSVRC2012_ID"]): str(row["WNID"])
        for row in synsets.ravel()
        if row["num_children"] == 0
    }
    unknown = sorted({number for number in numbers if int(number) not in names})
    if unknown:
        raise UserError(f"{kit}: the validation labels name class {unknown[0]}, which it has not")
    return [names[int(number)] for number in numbers]
