"""Tensors on disk, as safetensors."""

from __future__ import annotations

import os
import re
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from unispace.errors import UserError
from unispace.records.files import replacing


def write_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Write tensors by name; equal tensors give equal bytes.

    Raises:
        UserError: where the disk is full.
    """
    # The library has temporary files of its own, which a kill leaves behind. One process writes to such a folder.
    for left in path.parent.glob(".tmp??????"):
        left.unlink(missing_ok=True)
    with replacing(path) as temporary:
        try:
            save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, temporary)
        except SafetensorError as error:
            # The library hides what the operating system said in the text of an error of its own.
            if number := re.search(r"os error (\d+)", str(error)):
                raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
            raise


def read_tensors(path: Path, name: str) -> dict[str, Tensor]:
    """Read tensors by name.

    Args:
        path: a safetensors file.
        name: what messages call it.

    Raises:
        UserError: where it is missing or no safetensors file.
    """
    try:
        return load_file(path)
    except (SafetensorError, FileNotFoundError) as error:
        raise UserError(f"{name}: {path} cannot be read as safetensors ({error})") from error


def require_fitting(found: dict[str, Tensor], wanted: dict[str, Tensor], name: str) -> None:
    """Refuse weights that are not those of an architecture.

    Args:
        found: the weights.
        wanted: the tensors of the architecture.
        name: what messages call the weights.

    Raises:
        UserError: where tensors are missing, unknown or of another shape.
    """
    problems = [f"missing {k}" for k in sorted(wanted.keys() - found.keys())]
    problems += [f"unknown {k}" for k in sorted(found.keys() - wanted.keys())]
    problems += [
        f"{k} is {tuple(found[k].shape)}, the architecture has {tuple(wanted[k].shape)}"
        for k in sorted(wanted.keys() & found.keys())
        if wanted[k].shape != found[k].shape
    ]
    if problems:
        shown = "\n    ".join(problems[:5]) + ("\n    ..." if len(problems) > 5 else "")
        raise UserError(
            f"{name}: the weights do not fit the architecture ({len(problems)} tensors):\n    {shown}\n"
            f"  Check `architecture`, `options` and `pooling`."
        )
