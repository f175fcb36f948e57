"""How a job is, from what the cluster says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

# Of a container that will start in a moment.
_SOON = ("ContainerCreating", "PodInitializing")


class State(NamedTuple):
    """How a job is.

    Attributes:
        word: as Snakemake wants it.
        why: why it failed, or why its pod does not start; empty where there is nothing to tell.
    """

    word: Literal["success", "failed", "running"]
    why: str = ""


def state_of(objects: Sequence[dict[str, Any]]) -> State:
    """The state of a job.

    A pod that cannot start, for want of a free machine or of its image, is running: the first passes, and the run time
    that the job asks for ends the second.

    Args:
        objects: the Job and its pods, as the cluster lists them; the Job is missing where somebody has deleted it.
    """
    pods = [found for found in objects if found["kind"] == "Pod"]
    job = next((found for found in objects if found["kind"] == "Job"), None)
    if job is None:
        # It would write beside the one that is sent in its place.
        if any(pod.get("status", {}).get("phase") in ("Pending", "Running") for pod in pods):
            return State("running", "the Job was deleted; its pod is about to end")
        return State("failed", "the Job was deleted")
    conditions = {
        condition["type"]: condition
        for condition in job.get("status", {}).get("conditions", [])
        if condition["status"] == "True"
    }
    if "Complete" in conditions:
        return State("success")
    if "Failed" in conditions:
        return State("failed", _joined([_said(conditions["Failed"]), *map(_end, pods)]))
    return State("running", _joined(map(_waiting, pods)))


def _end(pod: dict[str, Any]) -> str:
    """Why a pod has ended."""
    status = pod.get("status", {})
    ends = [
        (container.get("state") or {}).get("terminated")
        for container in status.get("containerStatuses", [])
    ]
    codes = [f"{end.get('reason', 'Error')}, exit code {end['exitCode']}" for end in ends if end]
    waits = _waiting(pod)
    return _joined([_said(status), *codes, waits])


def _waiting(pod: dict[str, Any]) -> str:
    """Why a pod does not start."""
    status = pod.get("status", {})
    placed = [
        condition
        for condition in status.get("conditions", [])
        if condition["type"] == "PodScheduled" and condition["status"] == "False"
    ]
    waits = [
        (container.get("state") or {}).get("waiting")
        for container in status.get("containerStatuses", [])
    ]
    held = [wait for wait in waits if wait and wait.get("reason") not in _SOON]
    return _joined(map(_said, [*placed, *held]))


def _said(about: dict[str, Any]) -> str:
    """A reason and its message."""
    return ": ".join(about[key] for key in ("reason", "message") if about.get(key))


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(part for part in parts if part)
