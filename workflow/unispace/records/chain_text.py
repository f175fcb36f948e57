"""A chain in words: a paragraph for each rule, from data and config to what was asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unispace.records.chain import Chain, Link
from unispace.records.differences import StudyKeys
from unispace.records.files import sha256_of, sha256_of_text

_FILES, _DIGITS, _COMMAND = 3, 12, 150


def describe(chain: Chain, root: Path, study: Mapping[str, Any], rebuild: str, whole: bool) -> str:
    """Tell a chain.

    Args:
        chain: what to tell.
        root: the folder that Snakemake runs in, to say whether code is still the same.
        study: the study, defaults filled in, to name its keys.
        rebuild: the command that makes the targets again.
        whole: whether commands are written out, one for each job.
    """
    by_rule: dict[str, list[Link]] = defaultdict(list)
    for link in chain.links:
        by_rule[link.rule].append(link)
    keys, now = StudyKeys(study), dict[str, str]()
    lines = [*chain.targets, f"  rebuild it with: {rebuild}"]
    for links in by_rule.values():
        lines += ["", *_paragraph(links, root, keys, now, whole)]
    if chain.given:
        lines += ["", "made by no rule:", *_files(chain.given)]
    planned = sum(link.known == "planned" for link in chain.links)
    if planned:
        lines += [
            "",
            f"{planned} of these jobs never ran here: they are told as the rules have them.",
        ]
    return "\n".join(lines)


def as_json(chain: Chain, study: Mapping[str, Any], rebuild: str) -> dict[str, Any]:
    """A chain for machines: every job, each after those whose outputs it reads."""
    keys = StudyKeys(study)
    return {
        "targets": list(chain.targets),
        "rebuild": rebuild,
        "given": chain.given,
        "jobs": [
            {
                "rule": link.rule,
                "known": link.known,
                "outputs": link.outputs,
                "inputs": link.inputs,
                "code": link.code,
                "code_version": code_version(link),
                "config_keys": sorted(keys.keys_of(link.params, _names(link))),
                "params": list(link.params),
                "command": link.command,
            }
            for link in chain.links
        ],
    }


def code_version(link: Link) -> str | None:
    """One hash of the modules of a job; None where it never ran, so that they were not recorded."""
    if not link.code or None in link.code.values():
        return None
    return sha256_of_text(*(f"{path} {sums}" for path, sums in sorted(link.code.items())))


def _paragraph(
    links: Sequence[Link], root: Path, keys: StudyKeys, now: dict[str, str], whole: bool
) -> list[str]:
    first = links[0]
    count = f" x {len(links)}" if len(links) > 1 else ""
    known = {link.known for link in links}
    lines = [f"{first.rule}{count}  ({', '.join(sorted(known))})"]
    found = set[str]().union(*(keys.keys_of(link.params, _names(link)) for link in links))
    if found:
        lines.append(f"  config:  {_listed(sorted(found), 8)}")
    lines.append(f"  code:    {_code(links, root, now)}")
    outputs = {path: checksum for link in links for path, checksum in link.outputs.items()}
    lines += [f"  makes:  {line}" for line in _files(outputs)]
    commands = [link.command for link in links if link.command]
    if whole:
        lines += [f"  command: {command}" for command in commands]
    elif commands:
        lines.append(f"  command: {_shortened(commands[0])}")
    return lines


def _code(links: Sequence[Link], root: Path, now: dict[str, str]) -> str:
    modules = {path: checksum for link in links for path, checksum in link.code.items()}
    versions = {code_version(link) for link in links}
    said = f"{len(modules)} modules"
    if None in versions:
        return said
    said += f", version {', '.join(sorted(str(v)[:_DIGITS] for v in versions))}"
    changed = [p for p, checksum in modules.items() if _now(root / p, now) != _hex(checksum)]
    return said + (f"; changed since: {_listed(changed, 3)}" if changed else ", as it is now")


def _now(file: Path, now: dict[str, str]) -> str:
    name = str(file)
    if name not in now:
        now[name] = sha256_of(file) if file.is_file() else "gone"
    return now[name]


def _files(files: Mapping[str, str | None]) -> list[str]:
    shown = [f" {path}{_short(checksum)}" for path, checksum in list(files.items())[:_FILES]]
    return shown + ([f" and {len(files) - _FILES} more"] if len(files) > _FILES else [])


def _short(checksum: str | None) -> str:
    digits = _hex(checksum)
    return f"  sha256 {digits[:_DIGITS]}" if digits else ""


def _hex(checksum: str | None) -> str:
    return (checksum or "").removeprefix("sha256:")


def _listed(words: Sequence[str], most: int) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def _shortened(command: str) -> str:
    """The beginning of a command, without its settings, which may be pages."""
    before, settings, after = command.partition("'{")
    if settings:
        command = f"{before}'...'{after.rpartition(chr(125) + chr(39))[2]}"
    return command if len(command) <= _COMMAND else f"{command[:_COMMAND]} ..."


def _names(link: Link) -> list[str]:
    """What a job is about, as far as the paths of its outputs tell."""
    return [part.split(".")[0] for path in link.outputs for part in path.split("/")[2:]]
