"""What the user says of a cluster: image, volume, and what else its pods need."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes_jobs.errors import KubernetesError

# Of a pod, what the manifest says itself.
_OURS = ("containers", "initContainers", "restartPolicy", "volumes", "activeDeadlineSeconds")


@dataclass(frozen=True)
class Settings:
    """Where jobs run.

    Attributes:
        image: that of the container; has the packages of the lock, and no code of the project.
        claim: name of the PersistentVolumeClaim that holds the clone, writable by all pods at once.
        folder: the clone, at the same path here and in the pods.
        mount: where the root of the claim's volume appears; the clone or a folder above it.
        user, group: ids that the jobs run with: those of the user, who owns the clone.
        secret: name of a Secret whose keys become environment variables of the jobs; empty: none.
        pod: further keys of the pod's spec, such as nodeSelector.
    """

    image: str
    claim: str
    folder: Path
    mount: Path
    user: int
    group: int
    secret: str = ""
    pod: Mapping[str, Any] = field(default_factory=dict)


def read_settings(environment: Mapping[str, str], folder: Path) -> Settings:
    """The settings of environment variables: UNISPACE_IMAGE, _CLAIM, and where they are set _MOUNT, _SECRET, _POD.

    Args:
        environment: the variables.
        folder: the clone.

    Raises:
        KubernetesError: where one is missing, or is none of those that are possible.
    """
    missing = [n for n in ("UNISPACE_IMAGE", "UNISPACE_CLAIM") if not environment.get(n)]
    if missing:
        raise KubernetesError(
            f"{' and '.join(missing)} must be set: the image that jobs run in, and the PersistentVolumeClaim "
            "that holds this folder (docs/runs.md, Kubernetes)"
        )
    folder = folder.absolute()
    mount = Path(environment.get("UNISPACE_MOUNT") or folder)
    if not mount.is_absolute() or not folder.is_relative_to(mount):
        raise KubernetesError(
            f"UNISPACE_MOUNT is {mount}, and the project lies in {folder}: it must be that folder or one above it, "
            "since pods see the project at the same path as this machine"
        )
    return Settings(
        image=environment["UNISPACE_IMAGE"],
        claim=environment["UNISPACE_CLAIM"],
        folder=folder,
        mount=mount,
        user=os.getuid(),
        group=os.getgid(),
        secret=environment.get("UNISPACE_SECRET", ""),
        pod=_pod(environment.get("UNISPACE_POD", "")),
    )


def _pod(name: str) -> dict[str, Any]:
    """Further keys of a pod's spec, from a YAML file; none where no file is named."""
    if not name:
        return {}
    # Only here: a program that cancels jobs has two seconds.
    import yaml

    try:
        found = yaml.safe_load(Path(name).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise KubernetesError(f"UNISPACE_POD: {name} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise KubernetesError(f"UNISPACE_POD: {name} must hold keys of a pod's spec")
    if taken := [key for key in found if key in _OURS]:
        raise KubernetesError(f"UNISPACE_POD: {name} may not set {', '.join(taken)}")
    return found
