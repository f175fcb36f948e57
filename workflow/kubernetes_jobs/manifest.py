"""The manifest of a job."""

from __future__ import annotations

import re
import uuid
from typing import Any

from kubernetes_jobs.jobscript import Request
from kubernetes_jobs.settings import Settings

JOB = "unispace/job"
"""Label of a Job and of its pod: the Job's name."""
# Of a name of Kubernetes (a label of DNS-1123).
_LONGEST = 63
# Ended jobs stay so long for their words to be read.
_SECONDS_KEPT = 24 * 3600


def name_of(study: str, rule: str) -> str:
    """A new name of a job: unispace-STUDY-RULE-XXXXXXXX, shortened where it would be too long for DNS-1123.

    Args:
        study: its name.
        rule: that of the job.
    """
    unique = uuid.uuid4().hex[:8]
    words = re.sub(r"[^a-z0-9]+", "-", f"unispace-{study}-{rule}".lower())
    return f"{words[: _LONGEST - len(unique) - 1].strip('-')}-{unique}"


def label_of(text: str) -> str:
    """A text as the value of a label: at most 63 letters, digits, `-`, `_` and `.`, of which the ends are none of the last."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:_LONGEST].strip("-_.")


def manifest_of(name: str, study: str, request: Request, settings: Settings) -> dict[str, Any]:
    """A `batch/v1` Job with one pod and one container, which is begun once: Snakemake is who sends it again.

    Args:
        name: that of the Job.
        study: name of the study.
        request: what the job asks for.
        settings: where it runs.
    """
    labels = {
        "app.kubernetes.io/part-of": "unispace",
        "unispace/study": label_of(study),
        "unispace/rule": label_of(request.rule),
        JOB: name,
    }
    pod = {
        # Neither a pod nor a group of the cluster has anything to ask of it.
        "automountServiceAccountToken": False,
        "securityContext": {"runAsUser": settings.user, "runAsGroup": settings.group},
        **settings.pod,
        "restartPolicy": "Never",
        # Of the pod and not of the Job, whose time also runs while it waits for a machine.
        "activeDeadlineSeconds": 60 * request.minutes,
        "containers": [_container(request, settings)],
        "volumes": [
            {"name": "project", "persistentVolumeClaim": {"claimName": settings.claim}},
            *([{"name": "shm", "emptyDir": {"medium": "Memory"}}] if request.gpus > 1 else []),
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": _SECONDS_KEPT,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _container(request: Request, settings: Settings) -> dict[str, Any]:
    asked = {"cpu": str(request.threads), "memory": f"{request.megabytes}M"}
    if request.gpus:
        asked["nvidia.com/gpu"] = str(request.gpus)
    mounts = [{"name": "project", "mountPath": str(settings.mount)}]
    if request.gpus > 1:
        # Processes of one training exchange gradients there; a container has 64 MB of it by itself.
        mounts.append({"name": "shm", "mountPath": "/dev/shm"})  # noqa: S108  # a mount of the pod
    container: dict[str, Any] = {
        "name": "job",
        "image": settings.image,
        "command": ["/bin/sh", str(request.script)],
        "workingDir": str(settings.folder),
        # The image holds no code of the project, and has it elsewhere than here.
        "env": [{"name": "PYTHONPATH", "value": str(settings.folder / "workflow")}],
        "resources": {"requests": asked, "limits": asked},
        "securityContext": {"allowPrivilegeEscalation": False},
        "volumeMounts": mounts,
    }
    if settings.secret:
        container["envFrom"] = [{"secretRef": {"name": settings.secret}}]
    return container
