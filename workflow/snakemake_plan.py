"""What Snakemake would do, as data: `python -m snakemake_plan [SNAKEMAKE ARGUMENTS]` prints JSON.

The arguments are those of `snakemake` itself and the profile counts, so it is Snakemake that decides what runs. Nothing
is run, locked or deleted. The package reads this (`unispace.records.plan`) and knows nothing of Snakemake.

    {"jobs": [{"rule", "wildcards", "outputs", "inputs", "params", "shellcmd", "code", "threads", "mem_mb", "gpu", "benchmark",
               "runs": whether, "after": numbers of the jobs that make its inputs,
               "reason": {"missing", "incomplete", "updated", "follows": files; "inputs", "code", "software", "params",
                          "forced": whether}}, ...]}

Built on the pinned version: the graph is taken where `snakemake --dag` would print it.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from typing import Any

from snakemake.cli import args_to_api, parse_args
from snakemake.exceptions import print_exception
from snakemake.workflow import Workflow


def plan_of(arguments: Sequence[str]) -> list[dict[str, Any]] | None:
    """All jobs of a graph, those that need not run too.

    Args:
        arguments: as `snakemake` takes them: targets first, then options.

    Returns:
        The jobs, each after those that it depends on; None where Snakemake refused, which it has said then.
    """
    found: list[dict[str, Any]] = []

    def taken(workflow: Any) -> None:
        # As a dry run has it: what a killed job left behind counts as not made.
        workflow._prepare_dag(
            forceall=workflow.dag_settings.forceall, ignore_incomplete=False, lock_warn_only=True
        )
        workflow._build_dag()
        found.extend(_jobs(workflow))

    printdag = Workflow.printdag
    setattr(Workflow, "printdag", taken)  # noqa: B010  (its parameter has another name)
    try:
        parser, args = parse_args([*arguments, "--dag", "--quiet", "all", "--cores", "1"])
        return found if args_to_api(args, parser) else None
    finally:
        Workflow.printdag = printdag


def _jobs(workflow: Any) -> list[dict[str, Any]]:
    dag, persistence = workflow.dag, workflow.persistence
    ordered = [job for level in dag.toposorted() for job in level]
    numbers = {job: number for number, job in enumerate(ordered)}
    return [
        {
            "rule": job.rule.name,
            "wildcards": dict(job.wildcards_dict),
            "outputs": [str(f) for f in job.output],
            "inputs": persistence._input(job),
            "params": persistence._params(job),
            "shellcmd": job.shellcmd,
            "code": persistence._code(job.rule),
            "threads": job.threads,
            "mem_mb": _whole(job.resources.get("mem_mb")),
            "gpu": _whole(job.resources.get("gpu")),
            "benchmark": str(job.benchmark) if job.benchmark else None,
            "runs": bool(dag.needrun(job)),
            "after": sorted(numbers[other] for other in dag.dependencies[job]),
            "reason": _reason(dag.reason(job), workflow.async_run(persistence.incomplete(job))),
        }
        for job in ordered
    ]


def _whole(value: Any) -> int | None:
    """A resource that is known before the job runs."""
    return value if isinstance(value, int) else None


def _reason(reason: Any, incomplete: list[Any]) -> dict[str, Any]:
    files = {
        "missing": reason.missing_output,
        "incomplete": incomplete,
        "updated": reason.updated_input - reason.updated_input_run,
        "follows": reason.updated_input_run,
    }
    return {
        **{name: sorted(map(str, of)) for name, of in files.items()},
        "inputs": bool(reason.input_changed),
        "code": bool(reason.code_changed),
        "software": bool(reason.software_stack_changed),
        "params": bool(reason.params_changed),
        "forced": bool(reason.forced),
    }


def main(arguments: Sequence[str]) -> int:
    """Print the plan; what Snakemake says meanwhile goes to stderr."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            jobs = plan_of(arguments)
        except Exception as error:
            # As Snakemake's own command line tells its errors.
            print_exception(error)
            return 1
    if jobs is None:
        return 1
    json.dump({"jobs": jobs}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
