"""What a job asks for, as Snakemake writes it into the script that runs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes_jobs.errors import KubernetesError

_PROPERTIES = "# properties = "


@dataclass(frozen=True)
class Request:
    """A job and what it asks of a machine.

    Attributes:
        script: the script, to be run by a shell.
        rule: name of its rule; of jobs that go together that of their group.
        threads: cores.
        megabytes: memory.
        minutes: run time at most.
        gpus: graphics processors.
    """

    script: Path
    rule: str
    threads: int
    megabytes: int
    minutes: int
    gpus: int = 0


def read_request(script: Path) -> Request:
    """The request of a job.

    Args:
        script: Snakemake's, with the job's properties as JSON in a comment.

    Raises:
        KubernetesError: where it holds none, or a resource is no number.
    """
    lines = script.read_text("utf-8").splitlines()
    found = next((line for line in lines if line.startswith(_PROPERTIES)), None)
    if found is None:
        raise KubernetesError(f"{script} is no job script of Snakemake: it holds no properties")
    properties = json.loads(found.removeprefix(_PROPERTIES))
    rule = properties["rule"] if properties["type"] == "single" else properties["groupid"]
    resources = properties["resources"]
    return Request(
        script=script.absolute(),
        rule=rule,
        threads=_number(rule, "threads", properties["threads"], 1),
        megabytes=_number(rule, "mem_mb", resources.get("mem_mb"), 1),
        minutes=_number(rule, "runtime", resources.get("runtime"), 1),
        gpus=_number(rule, "gpu", resources.get("gpu", 0), 0),
    )


def _number(rule: str, name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise KubernetesError(
            f"{rule} asks for {name}={value}, which must be a whole number from {least} on: "
            "see default-resources and set-resources of the profile"
        )
    return value
