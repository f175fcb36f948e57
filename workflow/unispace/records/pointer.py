"""A .dvc file at the top of the project: the place in Git of a folder whose bytes DVC keeps.

`dvc add` would put it beside the folder, where Git ignores everything and DVC therefore skips it; at the top, plain
`dvc pull`, `dvc push` and `dvc status` find it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from unispace.errors import UserError
from unispace.records.files import replacing


@dataclass(frozen=True)
class Pointer:
    """What Git holds of a folder that DVC versions."""

    folder: str
    bytes: int
    files: int


def begin_pointer(path: Path, folder: str) -> None:
    """Name a folder for the first time; `dvc commit` then writes what it holds."""
    if not path.exists():
        with replacing(path) as temporary:
            temporary.write_text(yaml.safe_dump({"outs": [{"path": folder}]}), "utf-8")


def read_pointer(path: Path) -> Pointer:
    """Read what DVC wrote.

    Raises:
        UserError: where the file is missing or does not point to one folder.
    """
    if not path.is_file():
        raise UserError(f"{path}: not there; `unispace publish` writes it")
    match yaml.safe_load(path.read_text("utf-8")):
        case {"outs": [{"path": str(folder), "size": int(size), "nfiles": int(files)}]}:
            return Pointer(folder, size, files)
    raise UserError(
        f"{path}: does not point to one folder that DVC has committed; "
        f"delete it and run `unispace publish`"
    )
