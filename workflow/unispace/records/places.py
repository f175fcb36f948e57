"""Where files outside the project lie on this machine: the only place that knows."""

from __future__ import annotations

import difflib
import glob
import os
from collections.abc import Collection
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
    raise UserError(f"{what}: {not_found(path)}")


def not_found(path: str, others: Collection[str] = ()) -> str:
    """What to say of a file or folder that is nowhere: where it was looked for, and what to do.

    Args:
        path: as a study names it.
        others: what is asked for as well, so that it is not what was meant by this one.
    """
    looked = "\n".join(f"    {place}" for place in dict.fromkeys(_places(path)))
    unset = not os.environ.get(VARIABLE)
    hint = f" (now unset), as in `export {VARIABLE}=/folder/with/archives`" if unset else ""
    known = {place for other in others for place in _places(other)}
    near = next((near for place in _places(path) if (near := _nearest(place, known))), None)
    meant = f"  Did you mean `{near}`?\n" if near else ""
    return (
        f"`{path}` was not found. Looked for\n{looked}\n{meant}"
        f"  Put it there, or set {VARIABLE} to the folder that holds it{hint}."
    )


def _nearest(place: Path, known: Collection[Path]) -> Path | None:
    """What resembles the first part of a path that is not there, with the rest of it, if that is there and not known."""
    for folder in place.parents:
        if folder.is_dir():
            missing, *rest = place.relative_to(folder).parts
            names = [inner.name for inner in folder.iterdir()]
            near = difflib.get_close_matches(missing, names, n=3, cutoff=0.75)
            found = (folder.joinpath(name, *rest) for name in near)
            return next((path for path in found if path.exists() and path not in known), None)
    return None


def find(path: str) -> Path | None:
    """Where a file or folder is, looked for as `locate` does; None where it is nowhere."""
    return next((place for place in _places(path) if place.exists()), None)


def find_all(pattern: str) -> dict[str, Path]:
    """All files of a name that may hold `*`, `?` or `[...]`, from the first place where there are any.

    Returns:
        Of each its name, as a study would write it alone, and the file; sorted by name.
    """
    alone = find(pattern)
    if alone:
        return {pattern: alone}
    for root in _roots():
        # Path.glob takes no absolute pattern.
        names = sorted(glob.glob(str(Path(pattern).expanduser()), root_dir=root))  # noqa: PTH207
        if names:
            return {name: root / name for name in names}
    return {}


def _places(path: str) -> list[Path]:
    return [root / Path(path).expanduser() for root in _roots()]


def _roots() -> list[Path]:
    root = os.environ.get(VARIABLE)
    return [Path(root).expanduser(), Path.cwd()] if root else [Path.cwd()]
