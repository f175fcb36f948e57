"""What all rules share: the checked study, the folders, and the inputs that follow from the package.

Nothing here computes; the study is parsed by unispace.config, so errors come before the first job.
"""

import os
import re
import sys
import time
from pathlib import Path

WORKFLOW = Path(workflow.basedir).resolve() / "workflow"
sys.path.insert(0, str(WORKFLOW))

from fork_server.start import start_servers
from snakemake.settings.types import DeploymentMethod
from snakemake_load import lighten
from snakemake_logger_plugin_unispace import LogHandler
from unispace.__main__ import command_names
from unispace.commands.common.versions import versions_of_study
from unispace.config.analysis import (
    analysed_datasets,
    analysed_domains,
    analysed_models,
)
from unispace.config.base import canonical_json
from unispace.config.claim_roles import claim_roles
from unispace.config.claims_file import read_claims
from unispace.config.own_embeddings import OWN
from unispace.config.lines import with_places
from unispace.config.parse import check_text, parse_study
from unispace.config.tradeoffs import (
    gained,
    traded,
    traded_backbones,
    tradeoff_figures,
)
from unispace.errors import UserError
from unispace.kernels import choose
from unispace.records.code import code_of, imports, version_of
from unispace.records.finished import forget
from unispace.records.names import flat_name, model_of_flat_name, pair_name
from unispace.records.run_lock import hold, sends_jobs_away

# Jobs run this clone's package with this interpreter, whatever environment is active around them.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]),
    PYTHONPATH=str(WORKFLOW),
)
try:
    choose(os.environ)
except UserError as error:
    raise WorkflowError(str(error)) from None

STARTED = time.time()

# Only where it is asked for: Snakemake would note the image of jobs that ran without it, too.
if DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method:

    container: "unispace.sif"


def checked_study():
    """The study, checked together with what it needs from this machine, and the names of its files in Git."""
    from unispace.commands.common.published import recall_pulled
    from unispace.data.preflight import check_sources

    files = [str(f) for f in workflow.overwrite_configfiles] or ["config.yaml"]
    name = os.path.relpath(files[-1])
    name = files[-1] if name.startswith(os.pardir) else name
    text = Path(files[-1]).read_text("utf-8") if len(files) == 1 else ""
    try:
        if text:
            check_text(text, name)
        study = parse_study(config, name, text)
        read_claims(study.claims.files)
        if workflow.is_main_process:
            sys.stderr.write(hold(Path()))
            check_sources(study, Path("data/raw"))
            if study.embeddings:
                # Half a second that most studies need not wait.
                from unispace.embedding.own_preflight import check_embeddings

                check_embeddings(study, Path("data/raw"))
            sys.stderr.write(recall_pulled(study).text())
        versions = versions_of_study(study)
    except UserError as error:
        # The message says all; where in this file it was noticed helps nobody.
        sys.stderr.write(f"{with_places(str(error), name, text)}\n")
        raise SystemExit(1) from None
    return study, versions


STUDY, VERSIONS = checked_study()
DATA = f"data/{STUDY.study}"
CHECKPOINTS = f"checkpoints/{STUDY.study}"
RESULTS = f"results/{STUDY.study}"
LOGS = f"logs/{STUDY.study}"
BENCHMARKS = f"benchmarks/{STUDY.study}"
# What jobs made of each part of their work, for the next time; hidden, since it can go at any time.
KEPT = f"{RESULTS}/.kept"


def one_of(names):
    """A wildcard constraint that matches these names and nothing else."""
    return "|".join(re.escape(name) for name in sorted(names)) or "(?!)"


wildcard_constraints:
    dataset=one_of(STUDY.datasets),
    backbone=one_of([*STUDY.backbones, *STUDY.embeddings]),
    curriculum=one_of([*STUDY.curricula, *([OWN] if STUDY.embeddings else [])]),
    seed=one_of({*map(str, STUDY.seeds), *(["0"] if STUDY.embeddings else [])}),


def code(command):
    """The modules that a command is made of, as input: a change in one reruns what uses it."""
    return [os.path.relpath(path) for path in code_of(command)]


def text(**values):
    """Values as canonical JSON, the only form in which jobs get a part of the study."""
    return canonical_json(values)


def dumped(part):
    """A part of the study as plain values, to go into `text`."""
    return part.model_dump(mode="json")


def model_name(wildcards):
    """backbone/curriculum/seedN of a job."""
    return f"{wildcards.backbone}/{wildcards.curriculum}/seed{wildcards.seed}"


def checkpoint_of(model):
    """Folder of a model's weights."""
    return f"{CHECKPOINTS}/{model}"


def embeddings_of(model, dataset):
    """The three files that hold a model's embeddings of a data set."""
    folder = f"{RESULTS}/embeddings/{model}/{dataset}"
    return [
        f"{folder}/vectors.npy",
        f"{folder}/index.parquet",
        f"{folder}/embedding.json",
    ]


# Data sets whose images are there; of the others their list is all.
PICTURED = [d for d, s in STUDY.datasets.items() if s.has_images]


def images_of(dataset):
    """Manifest and image store of a data set; the manifest alone where it has no images."""
    store = [f"{DATA}/{dataset}/images.npy"] if dataset in PICTURED else []
    return [f"{DATA}/{dataset}/manifest.parquet", *store]


def begin(study):
    """Say what is about to run, and make ready for it."""
    sys.stderr.write(
        f"Study {study.study}: {len(study.datasets)} data sets, {len(study.models())} models, "
        f"{len(study.map_pairs())} maps. Logs: {LOGS}/\n"
    )
    LogHandler.retries = workflow.execution_settings.retries
    if not workflow.local_exec:
        check_kubernetes(study)
        # A later run must not conclude that all jobs of a killed one ended with it.
        sends_jobs_away(Path())
    lighten(workflow)
    start_fork_servers()


def check_kubernetes(study):
    """Where jobs go to Kubernetes, see that they can, before the first of them is sent."""
    command = getattr(workflow.executor_settings, "submit_cmd", None) or ""
    if "kubernetes_jobs" not in command:
        return
    from kubernetes_jobs.check import check
    from kubernetes_jobs.errors import KubernetesError

    try:
        sys.stderr.write(check(study.study))
    except KubernetesError as error:
        raise WorkflowError(f"Kubernetes: {error}") from None


def forget_kept():
    """All jobs that ended have been noted: what was kept of trainings in case they were not can go."""
    forget(Path(CHECKPOINTS) / ".unfinished")


def start_fork_servers():
    """Have jobs forked from processes that have their libraries."""
    commands = command_names()
    networks = [
        command
        for command in commands
        if imports(command.replace("-", "_"), "torch", "torchvision")
    ]
    start_servers(workflow, commands, networks)


def summarise(study, page):
    """Say where the report is and how long it took, if this run wrote it; the page gets the times of its jobs."""
    # Templates take a moment to import, which no other process of a run needs.
    from unispace.reporting.times_section import lacks_times

    forget_kept()
    seconds = time.time() - STARTED
    page = Path(page)
    if not page.is_file():
        return
    written = page.stat().st_mtime >= STARTED
    if written or lacks_times(page):
        tell_times(page, seconds)
    if written:
        sys.stderr.write(
            f"\nStudy {study.study} is complete after {seconds // 60:.0f} min {seconds % 60:.0f} s.\n"
            f"  report   {page}\n  numbers  {RESULTS}/results.parquet\n  logs     {LOGS}/\n"
        )


def tell_times(page, seconds):
    """Put the times of all jobs into the page, and into a table. They are of no rule, since they differ from run to run."""
    from unispace.records.times import read_times, write_times
    from unispace.reporting.times_section import LastRun, fill_times

    ran = [p for p in Path(BENCHMARKS).rglob("*.tsv") if p.stat().st_mtime >= STARTED]
    cores = workflow.cores if workflow.local_exec else None
    times = read_times(Path(BENCHMARKS))
    write_times(times, Path(BENCHMARKS) / "times.csv")
    fill_times(page, WORKFLOW / "report", times, LastRun(seconds, cores, len(ran)))
