"""What a training has made, kept until Snakemake has taken note of it.

Between the end of a job and Snakemake's record of its outputs lie moments, with large inputs minutes. A run that is
killed there counts the job as unfinished, removes its outputs and starts it anew; without this, a training would then
begin at its first step.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from unispace.errors import UserError
from unispace.records.files import read_json, replacing, sha256_of
from unispace.records.run_lock import VARIABLE

log = logging.getLogger(__name__)

_KEPT = "finished"
_CARD, _WEIGHTS = "model.json", "model.safetensors"


def keep(folder: Path, outputs: Sequence[Path]) -> None:
    """Keep the outputs of a training that has ended; nothing in a process that no run of Snakemake has started.

    Args:
        folder: of this training among the unfinished ones; what else lies there is removed.
        outputs: whole files of different names, with model.safetensors and model.json among them.
    """
    if VARIABLE not in os.environ:
        shutil.rmtree(folder, ignore_errors=True)
        return
    part = folder / f".{_KEPT}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for output in outputs:
        try:
            (part / output.name).hardlink_to(output)
        except OSError:
            # Some drives know no links; then it costs space until the run ends.
            shutil.copyfile(output, part / output.name)
    part.rename(folder / _KEPT)
    for left in folder.iterdir():
        if left.name != _KEPT:
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def take_over(folder: Path, outputs: Sequence[Path]) -> bool:
    """Put back what this training had made when it ended, and tell whether it had.

    Raises:
        UserError: where the disk is full.
    """
    kept = folder / _KEPT
    if not kept.is_dir():
        return False
    if not _whole(kept, outputs):
        log.warning("%s is damaged; training again", kept)
        shutil.rmtree(kept)
        return False
    for output in outputs:
        with replacing(output) as temporary:
            shutil.copyfile(kept / output.name, temporary)
    log.info("this training had ended before its run was killed; its files are taken over")
    return True


def forget(unfinished: Path) -> None:
    """Remove what is kept of trainings; called when a run has ended, and Snakemake has noted all its jobs.

    Args:
        unfinished: folder of all unfinished trainings of a study.
    """
    for kept in unfinished.glob(f"*/{_KEPT}"):
        shutil.rmtree(kept.parent, ignore_errors=True)


def _whole(kept: Path, outputs: Sequence[Path]) -> bool:
    """Whether all files are there and the weights are those of the card."""
    if not all((kept / output.name).is_file() for output in outputs):
        return False
    try:
        expected = read_json(kept / _CARD).get("weights_sha256")
    except UserError:
        return False
    return sha256_of(kept / _WEIGHTS) == expected
