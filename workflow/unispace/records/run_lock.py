"""Which runs and jobs in a folder are alive, so that what a killed one left behind is no obstacle.

Snakemake locks the files of a run by lists below .snakemake/locks, which outlive a kill and name no process. Beside
them, runs and their jobs hold a lock of the operating system on .snakemake/unispace.lock, which it gives up for
them however they end. Where nobody holds it, what Snakemake has locked is left over and is removed.

That takes a file system that knows such locks for all machines that use it. So the file also names the machines:
where one of them is another, or jobs went to a cluster, nothing is removed and the user is told what to look at.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "UNISPACE_RUN_LOCK"
"""Environment variable by which jobs find the file."""
# Jobs of a killed run end a moment after it.
_PATIENCE = 2.0
_CLUSTER = "cluster"
_NO_LOCKS = "on a file system without locks of processes"

# Open files of this process, by the path of the lock; held until it ends.
_held: dict[Path, int] = {}


def hold(root: Path) -> str:
    """Say that this process is alive in a folder, for as long as it is, and clear up after killed runs.

    Args:
        root: the folder that Snakemake runs in.

    Returns:
        What the user should know, as whole lines; empty where there is nothing.
    """
    path = _path(root)
    os.environ[VARIABLE] = str(path)
    if path in _held:
        return ""
    try:
        path.parent.mkdir(exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        # A folder that may only be read: no run can begin in it, and nothing has to be cleared.
        return ""
    if not _shared(file):
        # This file system knows no such locks; Snakemake's own message says what to do after a kill.
        os.close(file)
        return ""
    said = ""
    locked = _locks(root)
    if _alone(file, _PATIENCE if locked else 0.0):
        said = _clear(root, file)
    elif locked:
        said = _who(path)
    # Also where it could not be held alone: the attempt may have cost it.
    _shared(file)
    _held[path] = file
    _add(file, socket.gethostname())
    return said


def hold_as_job() -> None:
    """Say that a job of a run is alive; nothing in a process that no run has started."""
    name = os.environ.get(VARIABLE)
    if name is None or Path(name) in _held:
        return
    try:
        file = os.open(name, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        # On a machine of a cluster that has the folder elsewhere, or not for writing.
        return
    if _shared(file):
        _held[Path(name)] = file
    else:
        os.close(file)


def sends_jobs_away(root: Path) -> None:
    """Note that jobs of this run go to a cluster, where they outlive it unseen."""
    file = _held.get(_path(root))
    if file is not None:
        _add(file, _CLUSTER)


@dataclass(frozen=True)
class Occupation:
    """Who is at work in a folder, as a process sees it that is no run itself.

    Attributes:
        alive: whether another run, or a job of one, is alive on this machine.
        holders: id and command of each of them, as far as this system tells.
        locked: whether Snakemake has locked files, which a run does that makes some, and a dry run does not.
        strangers: how runs were started that have locked files and of which this machine cannot tell whether they
            are alive; empty where there are none.
    """

    alive: bool = False
    holders: tuple[tuple[int, str], ...] = ()
    locked: bool = False
    strangers: str = ""


def occupation(root: Path) -> Occupation:
    """Look who is at work in a folder; nothing is changed, and no run is kept off.

    Args:
        root: the folder that Snakemake runs in.
    """
    path = _path(root)
    locked = _locks(root)
    if not locked and not path.exists():
        return Occupation()
    own = _held.get(path)
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC) if own is None else own
    except OSError:
        # Locked by a Snakemake that knew nothing of this file, or in a folder that may only be read.
        return Occupation(locked=locked, strangers=_strangers(set()) if locked else "")
    try:
        strangers = _strangers(_names(file)) if locked else ""
        if _alone(file):
            return Occupation(locked=locked, strangers=strangers)
        if own is None and not _shared(file):
            # This file system knows no such locks: Snakemake's own are all that there is to tell.
            return Occupation(locked=locked, strangers=_NO_LOCKS if locked else "")
        return Occupation(True, tuple(_holders(path)), locked, strangers)
    finally:
        if own is None:
            os.close(file)
        else:
            _shared(own)


def is_running(root: Path) -> bool:
    """Whether another run, or a job of one, is alive in a folder, or may be."""
    found = occupation(root)
    return found.alive or bool(found.strangers)


def _path(root: Path) -> Path:
    return root.resolve() / ".snakemake" / "unispace.lock"


def _locks(root: Path) -> bool:
    """Whether Snakemake has locked files of this folder."""
    return any((root / ".snakemake" / "locks").glob("*.lock"))


def _alone(file: int, patience: float = 0.0) -> bool:
    """Whether no other process holds the lock; if so, this one holds it alone."""
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() >= end:
                return False
        time.sleep(0.1)


def _shared(file: int) -> bool:
    """Hold the lock beside others; False where the file system knows no such locks."""
    try:
        # Who holds it alone does so for a moment.
        fcntl.flock(file, fcntl.LOCK_SH)
    except OSError:
        return False
    return True


def _clear(root: Path, file: int) -> str:
    """Remove what Snakemake has locked, while this process holds the lock alone."""
    if not _locks(root):
        os.ftruncate(file, 0)
        return ""
    strangers = _strangers(_names(file))
    if strangers:
        return (
            f"A Snakemake that was started {strangers} has locked files of this folder, and may be at work there or\n"
            "have jobs that are. Where you are sure that it has not, type: snakemake --unlock\n"
        )
    for lock in (root / ".snakemake" / "locks").glob("*.lock"):
        lock.unlink(missing_ok=True)
    os.ftruncate(file, 0)
    return "A run in this folder was killed, and none is alive: going on where it was.\n"


def _strangers(named: set[str]) -> str:
    """How runs were started of which this machine cannot tell whether they are alive; empty where there are none."""
    if not named:
        return "with an earlier version of this project"
    names = named - {socket.gethostname()}
    said = (
        ["with jobs on a cluster (see `squeue` or `kubectl get jobs`)"] if _CLUSTER in names else []
    )
    said += [f"on {name}" for name in sorted(names - {_CLUSTER})]
    return " and ".join(said)


def _names(file: int) -> set[str]:
    return set(os.pread(file, 1 << 16, 0).decode("utf-8", "replace").split())


def _add(file: int, name: str) -> None:
    if name not in _names(file):
        os.pwrite(file, f"{name}\n".encode(), os.fstat(file).st_size)


def _who(path: Path) -> str:
    """Name the processes that hold the lock, as far as this system tells."""
    lines = [f"  {pid}  {command}\n" for pid, command in _holders(path)]
    return (
        "A Snakemake, or a job that one left behind, is at work in this folder; two must not make the same files.\n"
        f"{''.join(lines)}Wait until it has ended, or end it, then start again. Do not unlock.\n"
    )


def _holders(path: Path) -> list[tuple[int, str]]:
    """Id and command of each process that holds the lock; none where the system has no such list."""
    try:
        inode = str(path.stat().st_ino)
        lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        return []
    found = []
    for words in lines:
        if (
            len(words) > 5
            and words[4] != str(os.getpid())
            and words[1] == "FLOCK"
            and words[5].rpartition(":")[2] == inode
        ):
            try:
                given = Path(f"/proc/{words[4]}/cmdline").read_text().split("\0")
            except OSError:
                # It has ended meanwhile.
                continue
            command = " ".join(Path(word).name if "/" in word else word for word in given if word)
            found.append((int(words[4]), command[:100]))
    return sorted(found)
