"""Say which jobs would run, why, and what they will cost; nothing is run.

    unispace explain                          the study of config.yaml
    unispace explain FILE.yaml tables         another one, as far as a target: a rule or a file

A job runs because a key of the study, a module of the package or a file changed, because an output is missing, or because
it reads what another of these jobs makes. Changes are told by Snakemake's record of what each output was made from.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from unispace.commands.common.planned import STUDY_FILES, add_cores, plan_of, read_study
from unispace.commands.common.versions import DEFAULT
from unispace.errors import UserError
from unispace.records.benchmarks import Costs
from unispace.records.explanation import Explanation, explanation
from unispace.records.reasons import explain

HERE = Path()


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("what", nargs="*", help="file of a study, then targets")
    parser.add_argument(
        "--json", action="store_true", help="for machines: every job with its causes"
    )
    add_cores(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    study, targets = study_and_targets(arguments.what)
    found = explained(study, targets, arguments.cores)
    print(json.dumps(found.as_json(), indent=1) if arguments.json else found.text())


def explained(file: Path, targets: Sequence[str], cores: int) -> Explanation:
    """Ask Snakemake, and find out why.

    Raises:
        UserError: where the study is wrong, or Snakemake refuses.
    """
    study = read_study(file)
    plan = plan_of(file, targets)
    reasons = explain(plan, HERE, study.model_dump(mode="json"))
    return explanation(study.study, plan, reasons, Costs(HERE), cores)


def study_and_targets(what: Sequence[str]) -> tuple[Path, list[str]]:
    """The file of the study, told by its ending, and the rest.

    Raises:
        UserError: where there are two studies.
    """
    files = [Path(word) for word in what if word.endswith(STUDY_FILES)]
    if len(files) > 1:
        raise UserError(f"one study at a time, got {', '.join(map(str, files))}")
    targets = [word for word in what if not word.endswith(STUDY_FILES)]
    return (files[0] if files else DEFAULT), targets
