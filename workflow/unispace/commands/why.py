"""Tell how a file, a figure or a number came about, from config and images to it.

    unispace why forgetting                            a figure of the study of config.yaml, by its name
    unispace why FILE.yaml views                       of another study
    unispace why results/studio/results.parquet        any file that a rule makes
    unispace why --experiment verification --dataset faces --model clip-micro/base/seed0 --metric EER

Each rule on the way is told with its command, the version of its code, the keys of the study it depends on, and its inputs
back to data and weights with their hashes; at the top stands the command that makes it again. All is from records: those of
the runs here, those in Git (provenance.jsonl), and the rules themselves where neither has any. Nothing is run.
"""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

import yaml

from unispace.commands.common.numbers_chosen import chosen_numbers
from unispace.commands.common.planned import STUDY_FILES, plan_of, read_study
from unispace.commands.common.versions import DEFAULT
from unispace.config.study import Study
from unispace.errors import UserError, did_you_mean
from unispace.records.chain import chain_of
from unispace.records.chain_text import as_json, describe
from unispace.records.provenance import read_provenance

HERE = Path()
STUDIES = Path("workflow/studies")

SELECTORS = (
    *("experiment", "dataset", "model", "metric"),
    *("protocol", "source", "target", "method", "fitted-on"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("what", nargs="*", help="file of a study; then a figure or a file")
    for name in SELECTORS:
        parser.add_argument(f"--{name}", help=f"of a number: its {name.replace('-', ' ')}")
    parser.add_argument("--full", action="store_true", help="write out the command of every job")
    parser.add_argument("--json", action="store_true", help="for machines: every job")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    file, study, wanted = _study_and_wanted(arguments.what)
    chosen = {
        name.replace("-", "_"): value
        for name in SELECTORS
        if (value := getattr(arguments, name.replace("-", "_")))
    }
    if bool(wanted) == bool(chosen):
        raise UserError(
            "name one figure or file, or choose a number by "
            + " ".join(f"--{name}" for name in SELECTORS[:4])
        )
    head = ""
    if chosen:
        numbers = chosen_numbers(HERE, study.study, chosen)
        targets, head = numbers.files, numbers.text()
    else:
        targets = (_target(wanted, study),)
    published = [
        job for path in sorted(HERE.glob("provenance*.jsonl")) for job in read_provenance(path)
    ]
    chain = chain_of(targets, HERE, published, lambda: plan_of(file, targets))
    rebuild = _rebuild(targets, file)
    values = study.model_dump(mode="json")
    if arguments.json:
        print(json.dumps(as_json(chain, values, rebuild), indent=1))
        return
    print(head + describe(chain, HERE, values, rebuild, arguments.full))


def _study_and_wanted(what: list[str]) -> tuple[Path, Study, str]:
    """The study, from its file or from the folder in a path, and what is asked for."""
    files = [word for word in what if word.endswith(STUDY_FILES)]
    others = [word for word in what if word not in files]
    if len(files) > 1 or len(others) > 1:
        raise UserError(f"one figure or file at a time, got {' '.join(what)}")
    wanted = others[0] if others else ""
    parts = Path(wanted).parts
    if files or len(parts) < 2 or parts[0] not in ("data", "checkpoints", "results", "logs"):
        file = Path(files[0]) if files else DEFAULT
        return file, read_study(file), wanted
    names = {_name(path): path for path in (DEFAULT, *sorted(STUDIES.glob("*.yaml")))}
    if parts[1] not in names:
        # Fetched archives belong to no study, and own studies lie anywhere.
        return DEFAULT, read_study(DEFAULT), wanted
    return names[parts[1]], read_study(names[parts[1]]), wanted


def _name(path: Path) -> str:
    found = yaml.safe_load(path.read_text("utf-8"))
    return str(found.get("study", "")) if isinstance(found, dict) else ""


def _target(wanted: str, study: Study) -> str:
    """The path of a figure, or the path itself.

    Raises:
        UserError: where there is no such figure.
    """
    if "/" in wanted:
        return Path(wanted).as_posix()
    figures = Path(f"results/{study.study}/report/figures")
    name = wanted.removesuffix(".svg").removesuffix(".png").removesuffix(".csv")
    if name.startswith("sheet_"):
        if name.removeprefix("sheet_") not in study.datasets:
            known = [f"sheet_{dataset}" for dataset in study.datasets]
            raise UserError(f"no contact sheet `{name}`; {did_you_mean(name, known)}")
        return (figures / f"{name}.png").as_posix()
    # Half a second that files need not wait.
    from unispace.reporting.figures.registry import FIGURES

    if name not in FIGURES:
        raise UserError(
            f"no figure `{name}`; {did_you_mean(name, FIGURES)} A file is named with its folder"
        )
    return (figures / f"{name}.svg").as_posix()


def _rebuild(targets: tuple[str, ...], study: Path) -> str:
    """The command that makes the targets again, and whatever of their chain is missing or changed."""
    config = "" if study == DEFAULT else f" --configfile {shlex.quote(str(study))}"
    return f"snakemake {shlex.join(targets)} --cores 2{config}"
