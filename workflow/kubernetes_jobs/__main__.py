"""`python -m kubernetes_jobs submit STUDY JOBSCRIPT | status NAME | cancel NAME ...`, as Snakemake calls them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kubernetes_jobs import kubectl
from kubernetes_jobs.errors import KubernetesError
from kubernetes_jobs.jobscript import read_request
from kubernetes_jobs.manifest import manifest_of, name_of
from kubernetes_jobs.settings import read_settings
from kubernetes_jobs.state import state_of

# What was last said of jobs that wait, so that it is not said at every look.
_SAID = Path(".snakemake") / "kubernetes"


def submit(study: str, script: Path) -> str:
    """Send a job.

    Args:
        study: name of the study.
        script: that of Snakemake.

    Returns:
        The name of its Job.
    """
    settings = read_settings(os.environ, Path())
    request = read_request(script)
    name = name_of(study, request.rule)
    kubectl.create(manifest_of(name, study, request, settings))
    return name


def status(name: str) -> str:
    """How a job is: success, failed or running. Why it waits is said once on stderr, and why it failed with its last words."""
    try:
        word, why = state_of(kubectl.job_and_pods(name))
    except kubectl.UnansweredError as error:
        # An error would end the whole run, and the job goes on wherever it is.
        print(f"Job {name}: {error}. Asked again at the next look.", file=sys.stderr)
        return "running"
    said = _SAID / name
    before = said.read_text("utf-8") if said.is_file() else ""
    # Two reasons may take turns, as of an image that cannot be had.
    if why and why not in before:
        print(f"Job {name}: {why}", file=sys.stderr)
        said.parent.mkdir(parents=True, exist_ok=True)
        said.write_text(f"{before}{why}\n", "utf-8")
    if word == "failed":
        print(_last_words(name), file=sys.stderr)
    if word != "running":
        said.unlink(missing_ok=True)
    return word


def _last_words(name: str) -> str:
    """The end of what a job wrote, or why that cannot be had, as of a pod that is gone."""
    try:
        return kubectl.last_words(name)
    except kubectl.UnansweredError as error:
        return str(error)


def main(arguments: Sequence[str]) -> int:
    """Run a command.

    Args:
        arguments: those of the command line.

    Returns:
        The exit code: 0, or 1 after an error that the user can mend.
    """
    parser = argparse.ArgumentParser(prog="kubernetes_jobs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    sent = commands.add_parser("submit", help="send a job and print its name")
    sent.add_argument("study")
    sent.add_argument("script", type=Path)
    commands.add_parser("status", help="how a job is").add_argument("name")
    commands.add_parser("cancel", help="delete jobs").add_argument("names", nargs="+")
    given = parser.parse_args(arguments)
    try:
        if given.command == "submit":
            print(submit(given.study, given.script))
        elif given.command == "status":
            print(status(given.name))
        else:
            kubectl.delete(given.names)
    except KubernetesError as error:
        print(f"Kubernetes: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
