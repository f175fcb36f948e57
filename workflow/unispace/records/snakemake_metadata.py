"""Snakemake's own record of its outputs: one JSON file for each, below .snakemake/metadata.

From these records Snakemake decides what runs again. They are read and written here without Snakemake, so that
a record can travel to another clone (see `unispace.records.provenance`).
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from unispace.errors import UserError
from unispace.records.files import replacing
from unispace.records.run_lock import is_running

# Of one second's 1e-7 parts, some file systems keep fewer than others.
_SAME_TIME = 0.01


def metadata_path(root: Path, output: str) -> Path:
    """The file of an output's record.

    Args:
        root: the folder that Snakemake runs in.
        output: the output as the rule names it, relative to `root`.
    """
    return _named_after(root / ".snakemake" / "metadata", output)


def _marker_path(root: Path, output: str) -> Path:
    return _named_after(root / ".snakemake" / "incomplete", output)


def _named_after(folder: Path, output: str) -> Path:
    """Base64 of the output; where that is too long for a file name, all parts but the last are folders `@...`."""
    folder.mkdir(parents=True, exist_ok=True)
    longest = os.pathconf(folder, "PC_NAME_MAX") if os.name == "posix" else 255
    step = (longest or 255) - 1
    name = urlsafe_b64encode(output.encode()).decode()
    *folders, last = (name[i : i + step] for i in range(0, len(name), step))
    return folder.joinpath(*(f"@{part}" for part in folders), last)


def read_metadata(root: Path, output: str) -> dict[str, Any] | None:
    """The record of an output, or None where Snakemake has none.

    Raises:
        UserError: where it is damaged.
    """
    path = metadata_path(root, output)
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UserError(
            f"{path}: Snakemake's record of {output} is damaged ({error}); delete {output} and run snakemake"
        ) from error


def write_metadata(root: Path, output: str, record: dict[str, Any]) -> None:
    """Write the record of an output that is there and whole."""
    with replacing(metadata_path(root, output)) as temporary:
        temporary.write_text(json.dumps(record), "utf-8")
    _marker_path(root, output).unlink(missing_ok=True)


def made_here(root: Path, output: str) -> bool:
    """Whether an output is still as Snakemake, or a restored record, left it: not written to since."""
    record = read_metadata(root, output)
    ended = record.get("endtime") if record else None
    return ended is not None and abs((root / output).stat().st_mtime - ended) < _SAME_TIME


def is_recorded(root: Path, output: str) -> bool:
    """Whether Snakemake has a record of an output."""
    return metadata_path(root, output).exists()


def is_incomplete(root: Path, output: str) -> bool:
    """Whether the job that writes an output was begun and not finished."""
    return _marker_path(root, output).exists()


def mark_incomplete(root: Path, output: str) -> None:
    """Have Snakemake make an output anew, as after a job that was killed."""
    with replacing(_marker_path(root, output)) as temporary:
        temporary.write_text(json.dumps({"external_jobid": None}), "utf-8")


def refuse_while_running(root: Path) -> None:
    """Keep off while Snakemake writes its records.

    Raises:
        UserError: where Snakemake runs here, or a job that it left behind.
    """
    if is_running(root):
        raise UserError(
            "Snakemake runs here, or a job of it; wait until it has ended (`snakemake --unlock` if you are sure that it has)"
        )
