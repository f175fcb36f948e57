"""What of a source is not in the manifest: the record that prepare leaves for the audit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from unispace.errors import UserError
from unispace.records.files import read_json, write_json


@dataclass(frozen=True)
class LeftOut:
    """How many images the source lists, and the ids of the chosen ones that could not be decoded."""

    listed: int
    unreadable: tuple[str, ...]


def write_left_out(record: LeftOut, path: Path) -> None:
    """Write the record of a data set."""
    write_json(path, asdict(record))


def read_left_out(path: Path) -> LeftOut:
    """Read the record of a data set.

    Raises:
        UserError: where it is missing, damaged or of another kind.
    """
    content = read_json(path)
    match content:
        case {"listed": int(listed), "unreadable": list(unreadable)}:
            return LeftOut(listed, tuple(str(image) for image in unreadable))
    raise UserError(f"{path}: no record of left out images; delete it and run snakemake again")
