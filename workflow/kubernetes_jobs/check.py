"""Whether jobs can be sent to the cluster at all, before the first of them is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kubernetes_jobs.jobscript import Request
from kubernetes_jobs.kubectl import access_modes, create
from kubernetes_jobs.manifest import manifest_of, name_of
from kubernetes_jobs.settings import read_settings


def check(study: str, environment: Mapping[str, str] = os.environ, folder: Path = Path()) -> str:
    """Look whether the settings, kubectl, the claim and the user's rights are as they must be; creates nothing.

    Args:
        study: name of the study.
        environment: the variables that hold the settings.
        folder: the clone.

    Returns:
        What the user should know, as a whole line; empty where there is nothing.

    Raises:
        KubernetesError: where something is missing; says what.
    """
    settings = read_settings(environment, folder)
    modes = access_modes(settings.claim)
    # The cluster itself checks what a job would be: rights, namespace, every field.
    asked = Request(settings.folder / "check", "check", threads=1, megabytes=100, minutes=1)
    create(manifest_of(name_of(study, "check"), study, asked, settings), dry_run=True)
    if "ReadWriteMany" in modes:
        return ""
    return (
        f"The claim {settings.claim} is {', '.join(modes)} and not ReadWriteMany: "
        "jobs on several machines cannot share it.\n"
    )
