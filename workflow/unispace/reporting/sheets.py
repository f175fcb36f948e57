"""Contact sheets: what the images of a data set look like, chosen by hash and never by eye."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from unispace.config.base import BONA_FIDE
from unispace.data.splits import fractions
from unispace.errors import UserError
from unispace.records.files import replacing
from unispace.records.images import ImageStore
from unispace.reporting.looks import shortened

COLUMNS = ["label", "column", "image_id", "row", "split"]
SECOND = "second person"
_CELL = 96
_GAP = 4
_INK, _PAPER = (34, 34, 34), (255, 255, 255)
# Height of the labels as a share of a cell, so that both shrink alike on the page.
_TEXT = 0.16
_LONGEST = 26
_MAX_BYTES = 700_000


@dataclass(frozen=True)
class Sheet:
    """A contact sheet and the images on it."""

    picture: Image.Image
    table: pd.DataFrame


def choose(manifest: pd.DataFrame, labels: int, images: int) -> pd.DataFrame:
    """The images of a sheet: labels and, of each, images in the order of their hashes.

    Returns:
        Columns `COLUMNS`, sheet row by sheet row.
    """
    names = sorted(manifest["label"].unique())
    kept = [names[i] for i in np.argsort(fractions(names), kind="stable")[:labels]]
    rows = manifest[manifest["label"].isin(kept)]
    order = np.lexsort((fractions(rows["image_id"]), rows["label"].map(kept.index).to_numpy()))
    rows = rows.iloc[order]
    column = rows.groupby("label", sort=False).cumcount()
    rows = rows.assign(column=column)
    return rows[column < images][COLUMNS].reset_index(drop=True)


def choose_attacks(manifest: pd.DataFrame, persons: int) -> pd.DataFrame:
    """The images of a sheet of attacks: a column for each person, a row for bona fide images and each kind.

    Under morphs stands a bona fide image of the second person in them.

    Args:
        manifest: of domain pad or mad.
        persons: how many; those with most kinds first, then in the order of their hashes.

    Returns:
        Columns `COLUMNS`, sheet row by sheet row.
    """
    first = manifest.drop_duplicates(["identity", "label"])
    kinds = first.groupby("identity").size()
    order = np.lexsort((fractions(kinds.index), -kinds.to_numpy()))
    place = {name: i for i, name in enumerate(kinds.index[order[:persons]])}
    shown = first[first["identity"].isin(list(place))]
    shown = shown.assign(column=shown["identity"].map(place))
    if "identity_2" in shown:
        partner = shown.dropna(subset="identity_2").drop_duplicates("identity")
        bona_fide = first[first["label"] == BONA_FIDE].drop(columns=["identity_2"])
        second = partner[["identity_2", "column"]].merge(
            bona_fide, left_on="identity_2", right_on="identity"
        )
        shown = pd.concat([shown, second.assign(label=SECOND)])
    names = [name for name in dict.fromkeys(shown["label"]) if name not in (BONA_FIDE, SECOND)]
    rank = {name: i for i, name in enumerate([BONA_FIDE, *names, SECOND])}
    shown = shown.assign(rank=shown["label"].map(rank)).sort_values(["rank", "column"])
    return shown[COLUMNS].reset_index(drop=True)


def draw_sheet(chosen: pd.DataFrame, store: ImageStore) -> Sheet:
    """Put the chosen images into rows by label.

    Small images grow by a whole factor, so that every pixel stays visible; large ones shrink to the cell.

    Raises:
        UserError: where the manifest names images that the store does not hold.
    """
    if chosen["row"].max() >= len(store):
        raise UserError(
            f"{store.path}: holds {len(store)} images, the manifest names image {chosen['row'].max()}; "
            f"delete both files and run snakemake again"
        )
    labels = list(dict.fromkeys(chosen["label"]))
    cells = [_cell(store.image(int(row))) for row in chosen["row"]]
    wide, high = max(c.width for c in cells), max(c.height for c in cells)
    font = ImageFont.truetype(_font(), max(12, round(_TEXT * high)))
    shown = {label: shortened(label, _LONGEST) for label in labels}
    margin = int(max(font.getlength(text) for text in shown.values())) + 14
    columns = int(chosen["column"].max()) + 1
    size = (margin + columns * (wide + _GAP) - _GAP, len(labels) * (high + _GAP) - _GAP)
    picture = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(picture)
    for line, label in enumerate(labels):
        y = line * (high + _GAP) + high // 2
        pen.text((margin - 10, y), shown[label], fill=_INK, font=font, anchor="rm")
    for cell, label, column in zip(cells, chosen["label"], chosen["column"], strict=True):
        left = margin + int(column) * (wide + _GAP) + (wide - cell.width) // 2
        top = labels.index(label) * (high + _GAP) + (high - cell.height) // 2
        picture.paste(cell, (left, top))
    return Sheet(picture, chosen)


def save_sheet(sheet: Sheet, image: Path, table: Path) -> None:
    """Write a sheet as PNG, with fewer colours where it would weigh too much for a page."""
    content = _png(sheet.picture)
    if len(content) > _MAX_BYTES:
        content = _png(sheet.picture.quantize(256, Image.Quantize.MEDIANCUT))
    if len(content) > _MAX_BYTES:
        # Fewer pixels hold more of what compresses badly, hence a little less than the share.
        share = 0.95 * (_MAX_BYTES / len(content)) ** 0.5
        smaller = sheet.picture.resize(
            (int(sheet.picture.width * share), int(sheet.picture.height * share)),
            Image.Resampling.LANCZOS,
        )
        content = _png(smaller.quantize(256, Image.Quantize.MEDIANCUT))
    with replacing(image) as temporary:
        temporary.write_bytes(content)
    with replacing(table) as temporary:
        sheet.table.to_csv(temporary, index=False, lineterminator="\n")


def _cell(image: Image.Image) -> Image.Image:
    side = max(image.size)
    # Of two equally near, the smaller factor: the same pixels in a smaller file.
    factor = math.ceil(_CELL / side - 0.5)
    if factor >= 1 and side <= _CELL * 1.25:
        size = (image.width * factor, image.height * factor)
        return image.resize(size, Image.Resampling.NEAREST)
    size = (max(1, image.width * _CELL // side), max(1, image.height * _CELL // side))
    return image.resize(size, Image.Resampling.LANCZOS)


def _font() -> str:
    # The font of the figures: it comes with matplotlib and is the same on every machine.
    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
