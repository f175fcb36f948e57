"""Tables that a job makes part by part, of which those are taken over that were made of the same before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unispace.records.kept import read_kept, write_kept

Frames = Mapping[str, pd.DataFrame]


class KeptTables:
    """The rows of all parts, in the order in which these are asked for.

    Whether rows are taken over or made, they pass through Arrow, so that both come out the same.
    """

    def __init__(self, path: Path | None, schemas: Mapping[str, pa.Schema], about: str) -> None:
        """Look what there is.

        Args:
            path: where rows are kept; None where nothing is.
            schemas: of the tables, by name.
            about: what decides the rows of every part, above all the code that makes them.
        """
        self._path, self._schemas, self._about = path, schemas, about
        self._places: dict[str, list[list[int]]] = {}
        self._old: dict[str, pa.Table] = {}
        kept = read_kept(path)
        if kept is not None and kept.about["of"] == about:
            self._places = kept.about["places"]
            self._old = {n: pq.read_table(pa.BufferReader(p)) for n, p in kept.parts.items()}
        self._asked: list[str] = []
        self._made: dict[str, Frames] = {}

    def has(self, key: str) -> bool:
        """Whether the rows of a part need not be made."""
        return key in self._places or key in self._made

    def add(self, key: str, make: Callable[[], Frames]) -> None:
        """Add the rows of a part.

        Args:
            key: names what decides them, beside `about`; each part has its own.
            make: makes the frames of all tables, where they are not kept.

        Raises:
            ValueError: a part with this key was added before.
        """
        if key in self._asked:
            raise ValueError(f"two parts have the key {key}")
        if not self.has(key):
            self._made[key] = make()
        self._asked.append(key)

    def tables(self) -> dict[str, pd.DataFrame]:
        """The rows of all parts that were added; they are kept for the next run.

        Raises:
            ValueError: a frame does not fit its schema.
        """
        places, whole = {}, {}
        sizes = {key: self._sizes(key) for key in self._asked}
        for number, (name, schema) in enumerate(self._schemas.items()):
            made = self._arrow(name, schema)
            slices, done = [], 0
            for key in self._asked:
                size = sizes[key][number]
                if key in self._made:
                    slices.append(made.slice(done, size))
                    done += size
                else:
                    slices.append(self._old[name].slice(*self._places[key][number]))
            # In one piece: how a table was put together must not show in a file of it.
            whole[name] = pa.concat_tables([schema.empty_table(), *slices]).combine_chunks()
        for number in range(len(self._schemas)):
            start = 0
            for key in self._asked:
                places.setdefault(key, []).append([start, sizes[key][number]])
                start += sizes[key][number]
        if self._path is not None and (self._made or places.keys() != self._places.keys()):
            parts = {name: _parquet(table) for name, table in whole.items()}
            write_kept(self._path, {"of": self._about, "places": places}, parts)
        return {name: table.to_pandas() for name, table in whole.items()}

    def by_part(self) -> dict[str, dict[str, pd.DataFrame]]:
        """As `tables`, by the key of each part in the order in which these were added.

        Raises:
            ValueError: as `tables`.
        """
        whole, starts = self.tables(), dict.fromkeys(self._schemas, 0)
        found: dict[str, dict[str, pd.DataFrame]] = {}
        for key in self._asked:
            found[key] = {}
            for name, size in zip(self._schemas, self._sizes(key), strict=True):
                part = whole[name].iloc[starts[name] : starts[name] + size]
                found[key][name] = part.reset_index(drop=True)
                starts[name] += size
        return found

    def _sizes(self, key: str) -> list[int]:
        """Rows of a part in each table."""
        if key in self._made:
            return [len(self._made[key][name]) for name in self._schemas]
        return [size for _, size in self._places[key]]

    def _arrow(self, name: str, schema: pa.Schema) -> pa.Table:
        """What was made in this run, in the order in which it was asked for."""
        frames = [self._made[key][name] for key in self._asked if key in self._made]
        filled = [frame[schema.names] for frame in frames if len(frame)]
        if not filled:
            return schema.empty_table()
        try:
            # At once: to make a table of each part takes longer than all else here.
            whole = pd.concat(filled, ignore_index=True)
            table = pa.Table.from_pandas(whole, schema=schema, preserve_index=False)
        except pa.ArrowException as error:
            raise ValueError(f"{name}: {'; '.join(map(str, error.args))}") from error
        return table.replace_schema_metadata(None)


def key_of_parts(*parts: str | NDArray[Any] | Sequence[str]) -> str:
    """SHA-256 of texts, lists of texts and arrays: of their values, types and shapes."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            told, content = f"{part.dtype.str} {part.shape}", np.ascontiguousarray(part).tobytes()
        elif isinstance(part, str):
            told, content = "text", part.encode()
        else:
            told, content = f"texts {len(part)}", "\0".join(part).encode()
        digest.update(f"{told} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    # Numbers hardly repeat, and to look whether they do takes six times as long as to write them.
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    pq.write_table(table, sink, compression="zstd", use_dictionary=texts)  # pyright: ignore[reportArgumentType]
    return sink.getvalue().to_pybytes()
