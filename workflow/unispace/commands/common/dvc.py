"""DVC as a program of its own: its cache, its remotes and its words."""

from __future__ import annotations

import subprocess
import sys

from unispace.errors import UserError


def run_dvc(*arguments: str, what: str) -> None:
    """Run DVC; what it says goes to the terminal.

    Args:
        arguments: as on its command line.
        what: what could not be done, for the error.

    Raises:
        UserError: where DVC fails; its own words stand above the message.
    """
    # A list, so nothing of it is read by a shell.
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], check=False)  # noqa: S603
    if done.returncode:
        raise UserError(f"{what}: DVC says why above; docs/versions.md tells how it is set up")
