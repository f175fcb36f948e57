"""Say before the first job what stands in the way of a run: one finding a line, the worst first, each with its remedy.

    unispace doctor                       the study of config.yaml
    unispace doctor FILE.yaml ...         others

Looks at the config, data and weights with their checksums, terms of use, disk, memory, devices, the folder and its lock,
versions, published data and its record, and tells how long the run will take. The exit code is 1 where a finding is an
error. No network is used without --online.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unispace.commands.common.planned import add_cores, read_study
from unispace.commands.common.versions import DEFAULT, KINDS, versions_of_study
from unispace.commands.explain import explained
from unispace.doctor.examine import examine
from unispace.doctor.findings import Diagnosis, Finding, diagnosis, errors
from unispace.doctor.machine import Machine, this_machine
from unispace.errors import UserError
from unispace.records.benchmarks import write_reference
from unispace.records.provenance import read_provenance

HERE = Path()


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("studies", nargs="*", type=Path, default=[DEFAULT], help="files of studies")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--online", action="store_true", help="ask the hub for weights not here")
    parser.add_argument("--whole", action="store_true", help="read archives above 2 GB, too")
    parser.add_argument(
        "--record-times",
        action="store_true",
        help="keep the times of a finished run of the default study as the reference of the package",
    )
    add_cores(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command.

    Raises:
        UserError: where a finding is an error; the findings are printed then.
    """
    if arguments.record_times:
        _record_times()
        return
    machine = this_machine(HERE, arguments.cores)
    found = [
        diagnose(file, machine, online=arguments.online, whole=arguments.whole)
        for file in arguments.studies
    ]
    if arguments.json:
        print(json.dumps([one.as_json() for one in found], indent=1))
    else:
        print("\n\n".join(one.text() for one in found))
    ill = [one.study for one in found if not one.healthy]
    if ill:
        raise UserError(f"not ready to run: {', '.join(ill)}")


def diagnose(
    file: Path, machine: Machine, *, online: bool = False, whole: bool = False
) -> Diagnosis:
    """Examine one study.

    Raises:
        UserError: where this is not the top of the project.
    """
    try:
        study = read_study(file)
    except UserError as error:
        if not Path("Snakefile").is_file():
            raise
        lines = [line for line in str(error).splitlines() if line.startswith("  ")]
        return diagnosis(str(file), errors("config", lines or [str(error)]))
    versions = versions_of_study(study)
    published = read_provenance(versions.provenance) if versions.provenance.exists() else []
    config = Finding(
        "config",
        "ok",
        f"{len(study.datasets)} data sets, {len(study.models())} models, {len(study.map_pairs())} maps",
    )
    findings = examine(
        study,
        HERE,
        machine,
        published,
        [versions.pointer(kind) for kind in KINDS],
        lambda: explained(file, (), machine.cores),
        online=online,
        whole=whole,
    )
    return diagnosis(str(file), [config, *findings])


def _record_times() -> None:
    study = read_study(DEFAULT).study
    folder = HERE / "benchmarks" / study
    if not folder.is_dir():
        raise UserError(f"{folder}: not there; run the default study first")
    print(f"times of {write_reference(folder)} rules recorded")
