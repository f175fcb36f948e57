"""Lists of images without the images: of a data set, and of the rows of an array of embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.config.base import IDENTITY_DOMAINS, Domain
from unispace.data.sources.tables import read_table_file
from unispace.errors import UserError

_SHOWN = 3


def read_listing(table: Path, domain: Domain) -> pd.DataFrame:
    """The images of a data set, in the order of the table.

    Args:
        table: CSV or parquet, with the columns image_id and identity (of objects: label).
        domain: of the data set.

    Returns:
        Columns image_id, label, and the further ones of the table, such as camera or split, all as text.

    Raises:
        UserError: where the table is missing or malformed, or an image stands in it twice.
    """
    label = label_column(domain)
    frame = read_table_file(table, ("image_id", label), _renamed(label))
    _refuse_repeated(frame, table)
    return frame


def read_rows(table: Path, domain: Domain) -> pd.DataFrame:
    """Which image each row of an array of embeddings is of.

    Returns:
        Column image_id; label, where the table says who or what is in the images.

    Raises:
        UserError: as `read_listing`.
    """
    frame = read_table_file(table, ("image_id",), _renamed(label_column(domain)))
    _refuse_repeated(frame, table)
    return frame[[column for column in ("image_id", "label") if column in frame]]


def label_column(domain: Domain) -> str:
    """What an index calls the labels of a domain."""
    return "identity" if domain in IDENTITY_DOMAINS else "label"


def match_rows(
    rows: pd.DataFrame, images: pd.DataFrame, where: str, table: str
) -> NDArray[np.int64]:
    """Which row of an array belongs to each image, `(n,)`; rows of other images are left.

    Args:
        rows: image_id and maybe label of each row of the array, as `read_rows` gives them.
        images: `(n,)` the images of the data set that are asked for, with image_id and label.
        where: the place in the study, for errors.
        table: name of the index, for errors.

    Raises:
        UserError: where images have no row, or the two disagree on who or what is in an image.
    """
    place = pd.Index(rows["image_id"]).get_indexer(pd.Index(images["image_id"]))
    absent = place < 0
    if absent.any():
        names = ", ".join(repr(i) for i in images["image_id"][absent].iloc[:_SHOWN])
        more = f" and {absent.sum() - _SHOWN} more" if absent.sum() > _SHOWN else ""
        raise UserError(
            f"{where}: {table} lacks {absent.sum()} of the {len(images)} images of the data set: {names}{more}; "
            f"it lists {len(rows)}, the first is {rows['image_id'].iloc[0]!r}. Rows are matched by image_id, "
            f"in any order: embed these images too, or leave them out of the data set"
        )
    if "label" in rows:
        told, known = rows["label"].to_numpy(object)[place], images["label"].to_numpy(object)
        differing = np.flatnonzero(told != known)
        if len(differing):
            first = differing[0]
            raise UserError(
                f"{where}: {table} and the data set disagree on {len(differing)} images: "
                f"{images['image_id'].iloc[first]!r} is {told[first]!r} in the one and {known[first]!r} in the other"
            )
    return place


def _renamed(label: str) -> dict[str, str]:
    return {"image_id": "image_id", label: "label"}


def _refuse_repeated(frame: pd.DataFrame, table: Path) -> None:
    ids = frame["image_id"]
    empty = ids.str.strip() == ""
    if empty.any():
        raise UserError(f"{table}: image {int(empty.argmax()) + 1} has an empty image_id")
    again = ids.duplicated()
    if again.any():
        raise UserError(
            f"{table}: image_id {ids[again].iloc[0]!r} stands there twice, {again.sum()} rows repeat an image; "
            f"each row needs an id of its own"
        )
