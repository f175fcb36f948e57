"""The page of registered data sets, made from the registry."""

from __future__ import annotations

from collections.abc import Mapping

from unispace.data.registry import Entry, PublishedFile

_HEAD = """# Public data sets

Made from `registry.csv` and `registry_files.csv` in `workflow/unispace/data` by `make schema`; a test fails when it is out of date.

A set with a reader can be named in a study: `source: { kind: registered, name: lfw }`. Cells are empty where a fact is
not known for sure; no checksum is guessed. Without a published checksum the first file that comes is trusted, its
SHA-256 is recorded beside it, and every later one must have it too. Several files of a set lie in a folder of its
name, also where you put them yourself. Splits: `own` means that `splits.by: manifest` takes the set's own ones;
otherwise identities or images are split by hash. The labels of sets of attacks (`pad`, `mad`) are `bona_fide` and the
kinds of attack.
"""


def page_text(entries: Mapping[str, Entry]) -> str:
    """The page: an overview, then what is known of each set."""
    text = [_HEAD, "| name | domain | task | labels | images | access | reader | splits |"]
    text.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for entry in entries.values():
        splits = ("own" if entry.reader().has_splits else "hash") if entry.layout else ""
        cells = (
            f"[{entry.name}](#{entry.name})", entry.domain, entry.task, _number(entry.identities),
            _number(entry.images), entry.access, f"`{entry.layout}`" if entry.layout else "none", splits,
        )  # fmt: skip
        text.append(f"| {' | '.join(cells)} |")
    for entry in entries.values():
        text += ["", f"## {entry.name}", "", *_facts(entry)]
    return "\n".join(text) + "\n"


def _facts(entry: Entry) -> list[str]:
    """What is known of a set, one line a fact."""
    files = " ".join(
        f"`{name}`" if "://" not in name else f"<{name}>" for name in entry.protocol_files
    )
    single = entry.files[0] if len(entry.files) == 1 else None
    facts = {
        "Title": f"{entry.title} ({entry.version})" if entry.version else entry.title,
        "Cite": entry.citation,
        "Terms": "; ".join(filter(None, (entry.licence, entry.terms))),
        "File": _file(single) if single else "",
        "Files": "".join(f"\n  - {_file(file)}" for file in entry.files) if not single else "",
        "How to get it": entry.how_to_get,
        "Protocol": files,
    }
    return [f"- {name}: {value}".replace(": \n", ":\n") for name, value in facts.items() if value]


def _file(file: PublishedFile) -> str:
    """A file with what is published of it."""
    size = f"{_number(file.bytes)} bytes" if file.bytes else ""
    known = ", ".join([*filter(None, [size]), *(f"`{checksum}`" for checksum in file.checksums)])
    addresses = " ".join(f"<{url}>" for url in file.urls)
    return "; ".join(filter(None, [f"`{file.name}`", known, addresses and f"from {addresses}"]))


def _number(value: int | None) -> str:
    return f"{value:,}" if value else ""
