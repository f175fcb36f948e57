"""Tensors on disk, as safetensors."""

from __future__ import annotations

import os
import re
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from unispace.records.files import replacing


def write_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Write tensors by name; equal tensors give equal bytes.

    Raises:
        UserError: where the disk is full.
    """
    with replacing(path) as temporary:
        try:
            save_file({k: v.detach().contiguous() for k, v in tensors.items()}, temporary)
        except SafetensorError as error:
            # The library hides what the operating system said in the text of an error of its own.
            if number := re.search(r"os error (\d+)", str(error)):
                raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
            raise
