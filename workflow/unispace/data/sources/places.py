"""Where files outside the project lie on this machine: the only place that knows."""

from __future__ import annotations

import os
from pathlib import Path

from unispace.errors import UserError

VARIABLE = "UNISPACE_DATA"
MIRROR = "UNISPACE_MIRROR"


def is_url(path: str) -> bool:
    """Whether a source is fetched over the network."""
    return path.startswith(("https://", "http://"))


def locate(path: str, what: str) -> Path:
    """Find a file or folder named in a study.

    Args:
        path: absolute (also as ~/...), or relative to `UNISPACE_DATA` or to the working folder, tried in
            that order.
        what: what it is, for the error.

    Raises:
        UserError: where it is in none of these places.
    """
    found = find(path)
    if found:
        return found
    root, places = os.environ.get(VARIABLE), _places(path)
    looked = "\n".join(f"    {place}" for place in dict.fromkeys(places))
    hint = "" if root else f" (now unset), as in `export {VARIABLE}=/folder/with/archives`"
    raise UserError(
        f"{what}: `{path}` was not found. Looked for\n{looked}\n"
        f"  Put it there, or set {VARIABLE} to the folder that holds it{hint}."
    )


def find(path: str) -> Path | None:
    """Where a file or folder is, looked for as `locate` does; None where it is nowhere."""
    return next((place for place in _places(path) if place.exists()), None)


def _places(path: str) -> list[Path]:
    root = os.environ.get(VARIABLE)
    roots = [Path(root).expanduser(), Path.cwd()] if root else [Path.cwd()]
    return [base / Path(path).expanduser() for base in roots]
