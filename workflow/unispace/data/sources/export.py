"""Write images that come one at a time as a manifest archive, which `archive` reads."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from unispace.data.sources.archive import COLUMNS
from unispace.errors import UserError
from unispace.records.files import replacing

MANIFEST = "manifest.csv"


def export(images: Iterable[tuple[str, str, str, bytes]], destination: Path) -> int:
    """Write an archive; equal images give equal bytes.

    Args:
        images: path, label, split (may be empty) and bytes of each.
        destination: the tar.

    Returns:
        How many images came.

    Raises:
        UserError: where none came.
    """
    return export_table(
        (((path, label, split), content) for path, label, split, content in images),
        COLUMNS,
        destination,
    )


def export_table(
    images: Iterable[tuple[Sequence[str], bytes]], columns: Sequence[str], destination: Path
) -> int:
    """Write an archive whose manifest has further columns; equal images give equal bytes.

    Args:
        images: the cells of each image's row, and its bytes.
        columns: of the manifest; `path` comes first.
        destination: the tar.

    Returns:
        How many images came.

    Raises:
        UserError: where none came.
    """
    table = io.StringIO(newline="")
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(columns)
    count = 0
    with replacing(destination) as temporary:
        with tarfile.open(temporary, "w") as archive:
            for cells, content in images:
                _add(archive, cells[0], content)
                rows.writerow(cells)
                count += 1
            _add(archive, MANIFEST, table.getvalue().encode())
        if not count:
            raise UserError(f"{destination.name}: the source holds no image")
    return count


def _add(archive: tarfile.TarFile, path: str, content: bytes) -> None:
    member = tarfile.TarInfo(path)  # no time, no owner: nothing but the content decides the bytes
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
