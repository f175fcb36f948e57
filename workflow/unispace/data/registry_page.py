"""The page of registered data sets, made from the registry."""

from __future__ import annotations

from collections.abc import Mapping

from unispace.data.registry import Entry

_HEAD = """# Public data sets

Made from `workflow/unispace/data/registry.csv` by `make schema`; a test fails when it is out of date.

A set with a reader can be named in a study: `source: { kind: registered, name: lfw }`. Cells are empty where a fact is
not known for sure; no checksum is guessed. Without a published checksum the first archive that comes is trusted, its
SHA-256 is recorded beside it, and every later one must have it too. Splits: `own` means that `splits.by: manifest`
takes the set's own ones; otherwise identities or images are split by hash.
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
    facts = {
        "Title": f"{entry.title} ({entry.version})" if entry.version else entry.title,
        "Cite": entry.citation,
        "Terms": "; ".join(filter(None, (entry.licence, entry.terms))),
        "File": f"`{entry.file}`" if entry.file else "",
        "Size": f"{_number(entry.bytes)} bytes" if entry.bytes else "",
        "Checksum": ", ".join(f"`{checksum}`" for checksum in entry.checksums),
        "From": " ".join(f"<{url}>" for url in entry.urls),
        "How to get it": entry.how_to_get,
        "Protocol": files,
    }
    return [f"- {name}: {value}" for name, value in facts.items() if value]


def _number(value: int | None) -> str:
    return f"{value:,}" if value else ""
