"""Calls of kubectl, which knows the cluster and who the user is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from kubernetes_jobs.errors import KubernetesError
from kubernetes_jobs.manifest import JOB


class UnansweredError(KubernetesError):
    """The cluster has refused, or has not answered."""


def create(manifest: dict[str, Any], dry_run: bool = False) -> None:
    """Create a Job.

    Args:
        manifest: the Job.
        dry_run: have the cluster check all of it and create nothing.
    """
    options = ["--dry-run=server"] if dry_run else []
    _call(["create", *options, "--filename=-"], json.dumps(manifest))


def job_and_pods(name: str) -> list[dict[str, Any]]:
    """A Job and its pods; nothing of those that are not there."""
    found = _call(["get", "jobs,pods", f"--selector={JOB}={name}", "--output=json"])
    return json.loads(found)["items"]


def last_words(name: str) -> str:
    """The last lines that a job has written."""
    return _call(["logs", f"--selector={JOB}={name}", "--tail=20"])


def delete(names: Sequence[str]) -> None:
    """Delete Jobs with their pods; those that are gone already are no error. Does not wait until they are."""
    _call(["delete", "jobs", *names, "--ignore-not-found", "--wait=false"])


def access_modes(claim: str) -> list[str]:
    """How the volume of a PersistentVolumeClaim can be mounted, such as ReadWriteMany."""
    found = _call(["get", "persistentvolumeclaims", claim, "--output=json"])
    return json.loads(found)["spec"]["accessModes"]


def _call(arguments: list[str], text: str | None = None) -> str:
    """What kubectl says.

    Raises:
        KubernetesError: where there is no kubectl.
        UnansweredError: where it fails, with its words.
    """
    program = shutil.which("kubectl")
    if program is None:
        raise KubernetesError(
            "kubectl is not on the PATH: install it, and see that it finds the cluster"
        )
    namespace = os.environ.get("UNISPACE_NAMESPACE")
    place = [f"--namespace={namespace}"] if namespace else []
    done = subprocess.run(  # noqa: S603  # a list, and no shell
        [program, "--request-timeout=30s", *place, *arguments],
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise UnansweredError(f"kubectl {arguments[0]}: {said}")
    return done.stdout
