"""Tables on disk: parquet with a fixed schema, checked on writing and on reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from unispace.errors import UserError
from unispace.records.files import replacing


def write_table(frame: pd.DataFrame, schema: pa.Schema, path: Path) -> None:
    """Write the columns of `schema`; columns beyond it are kept behind them.

    Raises:
        ValueError: where a column of the schema is missing, has another type, or holds a null that the schema
            does not allow.
    """
    missing = [name for name in schema.names if name not in frame.columns]
    if missing:
        raise ValueError(f"{path}: columns missing: {', '.join(missing)}")
    for field in schema:
        if not field.nullable and frame[field.name].isna().any():
            raise ValueError(f"{path}: column {field.name} holds empty cells")
    try:
        known = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    except pa.ArrowException as error:
        raise ValueError(f"{path}: {'; '.join(str(part) for part in error.args)}") from error
    extra = [name for name in frame.columns if name not in schema.names]
    if extra:
        further = pa.Table.from_pandas(frame[extra], preserve_index=False)
        for name in extra:
            known = known.append_column(name, further.column(name))
    with replacing(path) as temporary:
        # Without the writer's metadata, equal tables give equal bytes.
        pq.write_table(known.replace_schema_metadata(None), temporary, compression="zstd")


def read_table(
    path: Path,
    schema: pa.Schema,
    columns: Sequence[str] = (),
    further: Sequence[str] = (),
    rows: Callable[[pa.Table], pa.Table] | None = None,
) -> pd.DataFrame:
    """Read a table and check that it holds the columns of `schema` with their types.

    Texts stay Arrow strings, a few bytes a cell; nothing here makes an object of Python for a row.

    Args:
        path: the table.
        schema: what it must hold.
        columns: only these of `schema` are read and checked; all that the table holds if none is named.
        further: with `columns`, columns beyond `schema` that are read too where the table holds them.
        rows: chooses rows; all if left out. Texts are Arrow dictionaries to it.

    Raises:
        KeyError: where `schema` has no such column.
        UserError: where the file is missing, damaged or of another kind.
    """
    if not path.is_file():
        raise UserError(f"{path}: not there; run `snakemake --cores 2 {path}` to make it")
    wanted = [schema.field(name) for name in columns] or list(schema)
    try:
        named = _present([*columns, *further], path) if columns else None
        held = pq.read_schema(path)
        # Of many rows most are thrown away: their texts are never written out.
        texts = [field.name for field in held if rows and pa.types.is_string(field.type)]
        table = pq.read_table(path, columns=named, read_dictionary=texts)
        frame = (table if rows is None else _with_types(rows(table), held)).to_pandas()
        found = {name: held.field(name).type for name in table.column_names}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"{path}: damaged ({error}); delete it and run snakemake again, it is rebuilt"
        ) from error
    for field in wanted:
        if field.name not in found:
            raise UserError(f"{path}: column `{field.name}` is missing")
        if found[field.name] != field.type:
            raise UserError(
                f"{path}: column `{field.name}` is {found[field.name]}, needs {field.type}"
            )
        if not field.nullable and table.column(field.name).null_count:
            raise UserError(f"{path}: column `{field.name}` holds empty cells")
    return frame


def bytes_of(frame: pd.DataFrame) -> bytes:
    """All that a table says, in its order: equal bytes, equal tables. The index is left out."""
    table = pa.Table.from_pandas(frame, preserve_index=False).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def _with_types(table: pa.Table, types: pa.Schema) -> pa.Table:
    """A table with the types that its columns have in another schema."""
    fields = [field.with_type(types.field(field.name).type) for field in table.schema]
    return table.cast(pa.schema(fields, table.schema.metadata))


def _present(columns: Sequence[str], path: Path) -> list[str]:
    """Those of the columns that a table holds."""
    held = set(pq.read_schema(path).names)
    return [name for name in columns if name in held]
