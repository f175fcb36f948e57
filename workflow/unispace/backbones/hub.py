"""Weights from the Hugging Face hub."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from huggingface_hub import hf_hub_download

from unispace.config.backbones import HubWeights
from unispace.errors import UserError
from unispace.records.files import replacing, sha256_of

log = logging.getLogger(__name__)


def fetch_from_hub(weights: HubWeights, destination: Path) -> None:
    """Download a file of a repository at a revision; which kinds of files are opened, the study model decides.

    Raises:
        UserError: where the hub cannot be reached or refuses, or the checksum of the file differs.
    """
    try:
        found = hf_hub_download(weights.repo, weights.filename, revision=weights.revision)
    except Exception as error:
        # The client lets errors of its own, of httpx, of xet and of the operating system through.
        raise UserError(
            f"{weights.repo}/{weights.filename} at {weights.revision}: not to be had from the hub ({error}). "
            f"Check names and network, or fetch it by hand and use `kind: file`"
        ) from error
    checksum = sha256_of(Path(found))
    if weights.sha256 is None:
        log.warning("no sha256 given: trusting %s, recorded in the card", checksum)
    elif checksum != weights.sha256:
        raise UserError(
            f"{weights.repo}/{weights.filename}: sha256 is {checksum}, the study says {weights.sha256}"
        )
    with replacing(destination) as temporary:
        shutil.copyfile(found, temporary)
