"""What Snakemake would do, as `python -m snakemake_plan` tells it: the jobs of a study, and which of them would run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from unispace.errors import UserError


class Reason(BaseModel):
    """Why Snakemake runs a job. It asks for no own reason of jobs that run anyway because others do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    missing: tuple[str, ...] = ()
    """Outputs that are not there and are needed."""
    incomplete: tuple[str, ...] = ()
    """Outputs of a job that was killed."""
    updated: tuple[str, ...] = ()
    """Inputs with other content than the job has read."""
    follows: tuple[str, ...] = ()
    """Inputs that another job of this plan makes anew."""
    inputs: bool = False
    """Whether the set of inputs is another."""
    code: bool = False
    """Whether the command of the rule is another."""
    software: bool = False
    """Whether the environment of the rule is another."""
    params: bool = False
    """Whether parameters are others."""
    forced: bool = False
    """Whether it was asked for."""


class PlannedJob(BaseModel):
    """A job of the graph."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    wildcards: dict[str, str]
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    params: tuple[str, ...]
    """As Snakemake records them: Python literals."""
    shellcmd: str | None
    code: str | None
    """The command of the rule before anything is filled in."""
    threads: int
    mem_mb: int | None
    """Memory that its rule asks for, in MB; None where it says nothing."""
    gpu: int | None
    """Graphics processors that its rule asks for; None where it says nothing."""
    benchmark: str | None
    """File of its times."""
    runs: bool
    after: tuple[int, ...]
    """Places in the list of jobs of those that make its inputs."""
    reason: Reason

    @property
    def name(self) -> str:
        """Its wildcards, as a run names it; empty where it is the only job of its rule."""
        return "/".join(self.wildcards.values())


class Plan(BaseModel):
    """All jobs of a study, each after those whose outputs it reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    jobs: tuple[PlannedJob, ...]

    def running(self) -> list[PlannedJob]:
        """The jobs that would run; rules that only name what is wanted make nothing and are left out."""
        return [job for job in self.jobs if job.runs and job.outputs]

    def made(self) -> dict[str, PlannedJob]:
        """The job of each file that a job makes."""
        return {output: job for job in self.jobs for output in job.outputs}


def read_plan(text: str) -> Plan:
    """Read what `snakemake_plan` printed.

    Raises:
        UserError: where this is something else.
    """
    try:
        return Plan.model_validate_json(text)
    except ValidationError as error:
        raise UserError(
            f"the plan of Snakemake is not as expected: {error.errors()[0]['msg']}; "
            f"is workflow/snakemake_plan.py that of this version?"
        ) from None
