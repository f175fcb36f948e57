"""From a file back to data, weights and code: the jobs that it came from, by the records of what was made from what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from unispace.errors import UserError
from unispace.records.plan import Plan
from unispace.records.provenance import Job
from unispace.records.reasons import PACKAGE
from unispace.records.snakemake_metadata import read_metadata

Known = Literal["made here", "published", "planned"]


@dataclass
class Link:
    """A job of a chain.

    Attributes:
        rule: its rule.
        outputs: those that the chain needs, with the checksum by which they were read where one is known.
        inputs: what it reads, with checksums where they are known; modules of the package are in `code`.
        code: modules of the package that its command is made of, with checksums.
        params: as Snakemake records them.
        command: the whole command line.
        known: from the record of a run here, from the one in Git, or from the rules alone, where it never ran.
    """

    rule: str
    inputs: dict[str, str | None]
    code: dict[str, str | None]
    params: tuple[str, ...]
    command: str | None
    known: Known
    outputs: dict[str, str | None] = field(default_factory=dict)


@dataclass
class Chain:
    """How something came about.

    Attributes:
        targets: the files that were asked for.
        links: jobs, each after those whose outputs it reads.
        given: files that no job makes, such as templates, with checksums.
    """

    targets: tuple[str, ...]
    links: list[Link] = field(default_factory=list)
    given: dict[str, str | None] = field(default_factory=dict)


def chain_of(
    targets: Sequence[str], root: Path, published: Iterable[Job], plan: Callable[[], Plan]
) -> Chain:
    """Follow records from files back to what nothing made.

    Args:
        targets: outputs of rules.
        root: the folder that Snakemake runs in.
        published: the jobs of the records in Git.
        plan: the rules' own knowledge, asked for only where there is no record of an output.

    Raises:
        UserError: where a target is no output of any rule.
    """
    finder = _Finder(root, {output: job for job in published for output in job.outputs}, plan)
    chain = Chain(tuple(targets))
    links: dict[tuple[str, str | None], Link] = {}
    done: set[str] = set()
    # Depth first without recursion: a link is entered when all that it reads is.
    waiting: list[tuple[str, bool]] = [(target, False) for target in reversed(targets)]
    while waiting:
        file, entered = waiting.pop()
        if file in done and not entered:
            continue
        done.add(file)
        link = finder.link(file)
        if link is None:
            if file in targets:
                raise UserError(f"{file}: no output of a rule of this study, and none was recorded")
            continue
        checksum = link.outputs.get(file)
        link = links.setdefault((link.rule, link.command), link)
        link.outputs.setdefault(file, checksum)
        if entered:
            if link not in chain.links:
                chain.links.append(link)
            continue
        waiting.append((file, True))
        waiting += [(name, False) for name in reversed(link.inputs) if name not in done]
    _fill_checksums(chain)
    return chain


class _Finder:
    """What made a file, from the nearest source that knows."""

    def __init__(self, root: Path, published: Mapping[str, Job], plan: Callable[[], Plan]) -> None:
        self._root, self._published, self._ask = root, published, plan
        self._planned: dict[str, Link] | None = None

    def link(self, file: str) -> Link | None:
        """The job that made a file, or would; None where none does."""
        record = read_metadata(self._root, file)
        if record is not None and record.get("rule"):
            sums = record["input_checksums"]
            inputs = {path: sums.get(path) for path in record["input"]}
            params, command = tuple(record["params"]), record["shellcmd"]
            return _link(record["rule"], inputs, params, command, "made here")
        job = self._published.get(file)
        if job is not None:
            link = _link(job.rule, dict(job.inputs), job.params, job.shellcmd, "published")
            link.outputs[file] = f"sha256:{job.outputs[file].sha256}"
            return link
        # Files of the repository are made by nobody; there is no need to ask Snakemake, which takes seconds.
        if file.startswith("workflow/"):
            return None
        if self._planned is None:
            self._planned = {
                output: _link(j.rule, dict.fromkeys(j.inputs), j.params, j.shellcmd, "planned")
                for j in self._ask().jobs
                for output in j.outputs
            }
        return self._planned.get(file)


def _link(
    rule: str,
    inputs: Mapping[str, str | None],
    params: tuple[str, ...],
    command: str | None,
    known: Known,
) -> Link:
    code = {path: checksum for path, checksum in inputs.items() if path.startswith(PACKAGE)}
    read = {path: checksum for path, checksum in inputs.items() if path not in code}
    return Link(rule, read, code, params, command, known)


def _fill_checksums(chain: Chain) -> None:
    """Give outputs the checksum by which a later job read them, and gather what nothing made."""
    sums = {
        path: checksum for link in chain.links for path, checksum in link.inputs.items() if checksum
    }
    made = {output for link in chain.links for output in link.outputs}
    for link in chain.links:
        link.outputs = {
            output: checksum or sums.get(output)
            for output, checksum in sorted(link.outputs.items())
        }
    chain.given = {
        path: checksum
        for link in chain.links
        for path, checksum in link.inputs.items()
        if path not in made
    }
