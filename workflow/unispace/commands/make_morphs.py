"""Morph the persons of an archive of aligned face crops, as an archive for a data set of domain mad.

Crops must be square, of one size, and aligned to the usual five points (ArcFace's 112 x 112 or the like, resized): the
points of a mean face stand for those of each person. Nothing checks the alignment; look at some of the morphs. As all
crops have the same points, nothing is bent, so hair and outline leave ghosts, and `blend` would be the same as
`complete`.

Persons of one split who look alike at a glance are coupled, each in one couple, which gives one morph of each recipe.
Bona fide are pictures of the same persons. All pictures are written as JPEG of one quality, lest the way a file was
made tell a morph. The manifest has `subject`, `identity_2` (of a morph), `image` and `image_2` (where they come from).
"""

from __future__ import annotations

import argparse
import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from unispace.config.base import BONA_FIDE
from unispace.data.attacks.aligned import template_points
from unispace.data.attacks.couples import chosen_pictures, couples, likeness, morph_seed, only
from unispace.data.attacks.morphs import RECIPES, SMALLEST, morph
from unispace.data.sources import archive
from unispace.data.sources.archive import COLUMNS
from unispace.data.sources.export import MANIFEST, export_table
from unispace.errors import UserError
from unispace.records.files import sha256_of
from unispace.records.images import decode

log = logging.getLogger(__name__)

POSSIBLE = tuple(recipe for recipe in RECIPES if recipe != "blend")
FURTHER = ("source", "subject", "identity_2", "image", "image_2", "alpha")
QUALITY = 95
MOST = 5000  # persons of a split: every two of them are compared

Row = tuple[tuple[str, ...], bytes]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("archive", type=Path, help="tar or zip with a manifest.csv")
    parser.add_argument("--manifest", default=MANIFEST, help="name of the table in it")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="take these images alone, such as pose=frontal; may be repeated",
    )
    parser.add_argument("--seed", type=_at_least(0), default=0, help="of all that is drawn")
    parser.add_argument(
        "--persons", type=_at_least(2), default=200, help="of each split, at most (200)"
    )
    parser.add_argument(
        "--bona-fide", type=_at_least(1), default=4, help="pictures of each person, at most (4)"
    )
    parser.add_argument("--recipes", nargs="+", choices=POSSIBLE, default=list(POSSIBLE))
    parser.add_argument("--output", type=Path, required=True, help="the tar to write")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    if arguments.persons > MOST:
        raise UserError(f"--persons {arguments.persons}: every two are compared; take {MOST}")
    file: Path = arguments.archive
    listing = only(archive.read_listing(file, arguments.manifest), arguments.only)
    try:
        rows = chosen_pictures(listing, arguments.seed, arguments.persons, arguments.bona_fide)
    except UserError as error:
        raise UserError(f"{file}: {error}") from error
    pictures = _read(file, rows)
    count = export_table(
        _images(rows, pictures, list(dict.fromkeys(arguments.recipes)), arguments.seed),
        (*COLUMNS, *FURTHER),
        arguments.output,
    )
    log.info(
        "%s: %d images, %d of them bona fide, of %d persons; sha256 %s",
        arguments.output,
        count,
        len(rows),
        rows["label"].nunique(),
        sha256_of(arguments.output),
    )


def _read(file: Path, rows: pd.DataFrame) -> NDArray[np.uint8]:
    """The pictures of rows, `(n, s, s, 3)`.

    Raises:
        UserError: where one cannot be read, is not square or too small, or has another size than the first.
    """
    pictures: list[NDArray[np.uint8]] = []
    for name, content in archive.contents(file, rows["member"]):
        image = decode(content, f"{file}: {name}")
        width, height = image.size
        if width != height or width < SMALLEST:
            raise UserError(
                f"{file}: {name} is {width} x {height}; aligned crops are square, of at least {SMALLEST} pixels"
            )
        if pictures and width != len(pictures[0]):
            raise UserError(
                f"{file}: {name} is {width} x {height}, others are {len(pictures[0])} wide; resize all to one size"
            )
        pictures.append(np.asarray(image))
    return np.stack(pictures)


def _images(
    rows: pd.DataFrame, pictures: NDArray[np.uint8], recipes: list[str], seed: int
) -> Iterator[Row]:
    """Bona fide pictures and morphs, with their rows of the manifest."""
    for split, part in rows.groupby("split", sort=True):
        for number, place in enumerate(part.index):
            row = part.loc[place]
            yield (
                _cells(split, BONA_FIDE, number, "picture", (row["label"], ""), (row["image_id"],)),
                _encoded(pictures[place]),
            )
        portraits = part[~part["label"].duplicated()]
        pairs = couples(likeness(pictures[portraits.index]))
        log.info("%s: %d persons, %d couples", split, len(portraits), len(pairs))
        for recipe in recipes:
            yield from _morphs(str(split), portraits, pictures, pairs, recipe, seed)


def _morphs(
    split: str,
    portraits: pd.DataFrame,
    pictures: NDArray[np.uint8],
    pairs: NDArray[np.int64],
    recipe: str,
    seed: int,
) -> Iterator[Row]:
    points = template_points(pictures.shape[1])[None]
    for number, (i, j) in enumerate(pairs):
        first, second = portraits.iloc[i], portraits.iloc[j]
        persons = (first["label"], second["label"])
        made, drawn = morph(
            pictures[[portraits.index[i]]],
            pictures[[portraits.index[j]]],
            points,
            points,
            np.array([recipe], object),
            np.array([morph_seed(seed, *persons, recipe)]),
        )
        images = (first["image_id"], second["image_id"], f"{drawn['alpha'][0]:.6f}")
        yield _cells(split, recipe, number, "morph", persons, images), _encoded(made[0])


def _cells(
    split: object,
    label: str,
    number: int,
    source: str,
    persons: tuple[str, str],
    images: tuple[str, ...],
) -> tuple[str, ...]:
    path = f"{split}/{label}/{number:05}.jpg"
    return (path, label, str(split), source, *persons, *images, *[""] * (3 - len(images)))


def _encoded(picture: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, not {value}")
        return value

    return number
