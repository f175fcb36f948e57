"""Which functions a study may have called: those of the user's own files, and of a short list of libraries."""

from __future__ import annotations

import sys
from pathlib import Path

from unispace.errors import UserError
from unispace.records.code import own_code

LIBRARIES = ("torchvision.models",)
"""Installed modules whose functions a study may name: they build networks and do nothing else."""

_OURS = ("envs", "tests", "workflow")


def allowed_code(function: str) -> Path | None:
    """The file of a function that a study names, if the study may name it; nothing is imported to find it.

    A study is data that others hand on. Were any function that can be imported allowed, `os:system` would be too; so
    it has to be written in a file below the working folder, where its user put it, or stand in `LIBRARIES`.

    Args:
        function: as `module:function`.

    Returns:
        Its path from the working folder; None where it is of `LIBRARIES`.

    Raises:
        UserError: where it is neither, or does not exist.
    """
    module = function.partition(":")[0]
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top in _OURS:
        raise UserError(f"{function}: {_refused(module)}")
    file = own_code(function)
    if file is not None:
        if not file.resolve().is_relative_to(Path.cwd().resolve()):
            raise UserError(
                f"{function}: {file} is a link that leads out of this folder; copy the file to its place"
            )
        return file
    if not any(module == allowed or module.startswith(f"{allowed}.") for allowed in LIBRARIES):
        raise UserError(f"{function}: {_refused(module)}")
    return None


def _refused(module: str) -> str:
    return (
        f"a study may not name functions of `{module}`, only those of files of your own beside the Snakefile and of "
        f"{', '.join(LIBRARIES)}; write a function of your own that calls it (docs/security.md)"
    )
