"""Lists of templates and of their pairs, as tables that a user makes of a publisher's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unispace.errors import UserError, did_you_mean

IMAGES = ("template_id", "image_id", "media_id")
PAIRS = ("first", "second", "same")
_SAME = {"1": True, "true": True, "same": True, "0": False, "false": False, "different": False}


@dataclass(frozen=True, eq=False)
class TemplateLists:
    """A protocol of templates.

    Attributes:
        images: columns template_id, image_id and media_id, as texts; a row for each image of a template.
        pairs: columns first and second, template ids, and same, bool.
    """

    images: pd.DataFrame
    pairs: pd.DataFrame


def check_template_files(images: Path, pairs: Path, where: str) -> None:
    """Check the columns of both tables, without reading them whole.

    Raises:
        UserError: where one is no table, or a column is missing.
    """
    for path, columns in ((images, IMAGES), (pairs, PAIRS)):
        _read(path, columns, where, rows=0)


def read_template_lists(images: Path, pairs: Path, where: str) -> TemplateLists:
    """Read both tables.

    Args:
        images: CSV table, one row for each image of a template.
        pairs: CSV table, one row for each pair.
        where: name of the setting, for errors.

    Raises:
        UserError: a column or a cell is missing, an image stands twice in a template, a pair names a template that
            has no image, compares one with itself, or says neither same nor different.
    """
    listed, compared = _read(images, IMAGES, where), _read(pairs, PAIRS, where)
    twice = listed.duplicated(["template_id", "image_id"])
    if twice.any():
        row = listed[twice].iloc[0]
        raise UserError(
            f"{where}.images: {images}, line {_line(twice)}: image `{row['image_id']}` stands twice in template "
            f"`{row['template_id']}`"
        )
    known = set(listed["template_id"])
    for side in ("first", "second"):
        unknown = ~compared[side].isin(known)
        if unknown.any():
            name = compared.loc[unknown, side].iloc[0]
            raise UserError(
                f"{where}.pairs: {pairs}, line {_line(unknown)}: template `{name}` has no image in {images}; "
                f"{did_you_mean(name, known)}"
            )
    itself = compared["first"] == compared["second"]
    if itself.any():
        raise UserError(
            f"{where}.pairs: {pairs}, line {_line(itself)}: template `{compared.loc[itself, 'first'].iloc[0]}` is "
            f"compared with itself"
        )
    same = compared["same"].str.lower().map(_SAME)
    if same.isna().any():
        said = compared.loc[same.isna(), "same"].iloc[0]
        raise UserError(
            f"{where}.pairs: {pairs}, line {_line(same.isna())}: same is `{said}`; write 1 or 0"
        )
    return TemplateLists(listed, compared.assign(same=same.astype(bool)))


def _read(path: Path, columns: Sequence[str], where: str, rows: int | None = None) -> pd.DataFrame:
    """The columns of a table, as texts."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, nrows=rows)
    except (ValueError, OSError) as error:
        raise UserError(f"{where}: {path} is no CSV table ({error})") from error
    missing = [name for name in columns if name not in table]
    if missing:
        raise UserError(
            f"{where}: {path} has no column `{missing[0]}`; its first line must name {', '.join(columns)}"
        )
    empty = (table[list(columns)] == "").any(axis=1)
    if empty.any():
        raise UserError(f"{where}: {path}, line {_line(empty)}: a cell is empty")
    if rows is None and table.empty:
        raise UserError(f"{where}: {path} has no row below its first line")
    return table[list(columns)]


def _line(wrong: pd.Series) -> int:
    """The first wrong line of a file, whose first line names the columns."""
    return int(wrong.to_numpy().argmax()) + 2
