"""Figures and contact sheets as they stand on the page, within what a page may weigh."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from unispace.errors import UserError
from unispace.records.kept_made import KeptMade
from unispace.reporting.packing import packed

# Bytes in the page, as base64 and for figures compressed. A figure beyond the first is mostly pixels or many thousand
# points, and shown as a picture instead; so are the largest of those that are too much together.
_FIGURE_BUDGET = 1_000_000
_FIGURES_BUDGET = 6_000_000
_SHEETS_BUDGET = 3_000_000
# Text stays sharp, and dots of a scatter plot do too.
_FIGURE_QUALITY = 80
_SHEET_QUALITY = 85
# WebP knows no longer sides.
_LONGEST = 16_383


@dataclass(frozen=True)
class Picture:
    """A figure or sheet on the page.

    Attributes:
        name: of its files.
        uri: the picture itself; of a drawing an empty one of its size, until the page has opened it; empty where it is
            only linked.
        drawing: the SVG, packed; empty where there is none in the page.
        width, height: in CSS pixels.
        files: kind and link of each of its files.
        numbers: beginning of the SHA-256 of the CSV of a figure.
    """

    name: str
    uri: str
    drawing: str
    width: int
    height: int
    files: tuple[tuple[str, str], ...]
    numbers: str = ""

    @property
    def weight(self) -> int:
        """Bytes in the page."""
        return len(self.uri) + len(self.drawing)


def figures(names: Sequence[str], folder: Path, page: Path, kept: KeptMade) -> dict[str, Picture]:
    """The figures of the page: drawings, pictures of those that are too large, or links where even these are too many.

    Args:
        names: of the figures, in the study's order.
        folder: where their files are.
        page: where the page will lie, for relative links.
        kept: what was made of the files before.

    Raises:
        UserError: where a file is missing or none of ours.
    """
    found = {name: _figure(name, folder, page, kept) for name in names}
    for name in sorted(found, key=lambda name: -found[name].weight):
        together = sum(picture.weight for picture in found.values())
        if found[name].weight > _FIGURE_BUDGET or together > _FIGURES_BUDGET:
            found[name] = replace(found[name], uri=_picture(name, folder, page, kept), drawing="")
    for name in sorted(found, key=lambda name: -found[name].weight):
        if sum(picture.weight for picture in found.values()) > _FIGURES_BUDGET:
            found[name] = replace(found[name], uri="", drawing="")
    return found


def sheets(
    datasets: Sequence[str], folder: Path, page: Path, kept: KeptMade
) -> list[tuple[str, Picture]]:
    """The contact sheets of data sets, as pictures; those beyond the budget are linked and not embedded.

    Args:
        datasets: those that have one, in the study's order.
        folder: where the sheets are.
        page: where the page will lie, for relative links.
        kept: what was made of the files before.

    Raises:
        UserError: where one is missing.
    """
    found, spent = [], 0
    for dataset in datasets:
        path = folder / f"sheet_{dataset}.png"
        uri, width, height = _webp(_bytes(path, page), _SHEET_QUALITY, kept)
        fits = spent + len(uri) <= _SHEETS_BUDGET
        spent += len(uri) if fits else 0
        files = (("PNG", _link(path, page)), ("CSV", _link(path.with_suffix(".csv"), page)))
        found.append((dataset, Picture(path.stem, uri if fits else "", "", width, height, files)))
    return found


def _figure(name: str, folder: Path, page: Path, kept: KeptMade) -> Picture:
    content = _bytes(folder / f"{name}.svg", page)
    size = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', content[:2000])
    if size is None:
        raise UserError(
            f"{folder / name}.svg: no figure of ours; delete it and run snakemake again"
        )
    # A point is 4/3 of a CSS pixel: text of all figures comes out in one size.
    width, height = (round(float(side) * 4 / 3) for side in size.groups())
    files = tuple(
        (kind.upper(), _link(folder / f"{name}.{kind}", page)) for kind in ("svg", "png", "csv")
    )
    numbers = hashlib.sha256(_bytes(folder / f"{name}.csv", page)).hexdigest()[:12]
    # Keeps its place, so that nothing moves when the drawing comes.
    empty = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"/>'
    uri = _uri("image/svg+xml", empty.encode())
    drawing = kept.of(content, "packed", make=lambda: packed(content))
    return Picture(name, uri, drawing, width, height, files, numbers)


def _picture(name: str, folder: Path, page: Path, kept: KeptMade) -> str:
    return _webp(_bytes(folder / f"{name}.png", page), _FIGURE_QUALITY, kept)[0]


def _webp(content: bytes, quality: int, kept: KeptMade) -> tuple[str, int, int]:
    """A picture as WebP, and its width and height before."""
    with Image.open(io.BytesIO(content)) as opened:
        width, height = opened.size

        def made() -> str:
            picture = opened.convert("RGB")
            picture.thumbnail((_LONGEST, _LONGEST))
            stream = io.BytesIO()
            picture.save(stream, "webp", quality=quality, method=4)
            return _uri("image/webp", stream.getvalue())

        return kept.of(content, "webp", quality, make=made), width, height


def _bytes(path: Path, page: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: not there, {page} shows it; run `snakemake --cores 2 {path}` to make it"
        ) from error


def _link(path: Path, page: Path) -> str:
    """A link from the page, so that the folder can be moved or zipped."""
    return Path(os.path.relpath(path, page.parent)).as_posix()


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
