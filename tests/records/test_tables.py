"""Tables: their schema holds on both ways, and equal tables are equal files."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unispace.errors import UserError
from unispace.records.tables import bytes_of, read_table, write_table

SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("number", pa.int64(), nullable=False),
        pa.field("value", pa.float64()),
    ]
)


def frame(**columns):
    base = {"name": ["a", "b"], "number": [1, 2], "value": [0.5, None]}
    return pd.DataFrame({**base, **columns})


def test_a_table_comes_back(tmp_path):
    path = tmp_path / "deep" / "t.parquet"
    write_table(frame(), SCHEMA, path)
    back = read_table(path, SCHEMA)
    assert list(back.columns) == ["name", "number", "value"]
    assert back["name"].tolist() == ["a", "b"]
    assert back["number"].tolist() == [1, 2]
    assert back["value"].isna().tolist() == [False, True]


def test_rows_are_chosen_as_if_all_had_been_read(tmp_path):
    path = tmp_path / "t.parquet"
    names = ["a", "é", None, "a", "longer"]
    schema = pa.schema([pa.field("name", pa.string()), *list(SCHEMA)[1:]])
    numbers = {"number": range(5), "value": [0.5, None, 1, 2, 3]}
    write_table(pd.DataFrame({"name": names, **numbers}), schema, path)
    whole = read_table(path, schema)
    for wanted in ([True, False, True, False, True], 5 * [True], 5 * [False]):
        chosen = read_table(path, schema, rows=lambda table, w=wanted: table.filter(pa.array(w)))
        pd.testing.assert_frame_equal(chosen, whole[wanted].reset_index(drop=True))
        assert bytes_of(chosen) == bytes_of(whole[wanted])


def test_an_empty_table_comes_back(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(SCHEMA.empty_table().to_pandas(), SCHEMA, path)
    assert list(read_table(path, SCHEMA).columns) == SCHEMA.names
    assert len(read_table(path, SCHEMA)) == 0


def test_further_columns_are_kept_behind_the_schema(tmp_path):
    path = tmp_path / "t.parquet"
    table = frame(camera=["x", None])[["camera", "value", "number", "name"]]
    write_table(table, SCHEMA, path)
    back = read_table(path, SCHEMA)
    assert list(back.columns) == ["name", "number", "value", "camera"]
    assert back["camera"].iloc[0] == "x"
    assert pd.isna(back["camera"].iloc[1])


def test_equal_tables_are_equal_bytes_whatever_their_index_and_history(tmp_path):
    one, other, changed = (tmp_path / n for n in ("one", "other", "changed"))
    write_table(frame(), SCHEMA, one)
    history = pd.concat([frame(), frame()]).iloc[2:]
    history.index = pd.Index(["p", "q"], name="key")
    history.attrs["note"] = "made otherwise"
    write_table(history[["value", "name", "number"]], SCHEMA, other)
    write_table(frame(number=[1, 3]), SCHEMA, changed)
    assert one.read_bytes() == other.read_bytes()
    assert one.read_bytes() != changed.read_bytes()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (frame().drop(columns=["name", "value"]), "t.parquet: columns missing: name, value"),
        (frame(name=["a", None]), "t.parquet: column name holds empty cells"),
        (frame(number=[1, None]), "t.parquet: column number holds empty cells"),
        (frame(number=[1, 2.5]), "t.parquet: .*number"),
        (frame(number=["1", "x"]), "t.parquet: .*number"),
        (frame(name=[1, 2]), "t.parquet: .*name"),
        (frame(value=["high", "low"]), "t.parquet: .*value"),
    ],
)
def test_a_table_against_its_schema_is_not_written(tmp_path, table, message):
    path = tmp_path / "t.parquet"
    with pytest.raises(ValueError, match=message):
        write_table(table, SCHEMA, path)
    assert list(tmp_path.iterdir()) == []


def written_otherwise(path, **columns):
    pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": ["a"], "value": [1.0]}, "column `number` is missing"),
        ({"name": ["a"], "number": [1.0], "value": [1.0]}, "column `number` is double, needs int64"),
        ({"name": [None, "a"], "number": [1, 2], "value": [1.0, 2.0]}, "column `name` holds empty cells"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", [None, lambda table: table[:1]], ids=["all", "chosen"])
def test_a_table_of_another_kind_is_refused(tmp_path, columns, message, rows):
    path = tmp_path / "t.parquet"
    written_otherwise(path, **columns)
    with pytest.raises(UserError, match=message):
        read_table(path, SCHEMA, rows=rows)


def test_a_missing_table_is_named_with_the_command_that_makes_it(tmp_path):
    path = tmp_path / "t.parquet"
    with pytest.raises(UserError, match=f"{path}: not there; run `snakemake --cores 2 {path}`"):
        read_table(path, SCHEMA)


@pytest.mark.parametrize("keep", [0, 3, 0.3, 0.7, 0.99])
def test_a_truncated_table_is_refused(tmp_path, keep):
    path = tmp_path / "t.parquet"
    write_table(frame(), SCHEMA, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep if keep >= 1 else keep * len(content))])
    with pytest.raises(UserError, match=r"t.parquet: damaged \(.*\); delete it and run snakemake"):
        read_table(path, SCHEMA)


@pytest.mark.parametrize("rows", [None, lambda table: table[1:]], ids=["all", "chosen"])
def test_damage_in_the_middle_of_a_table_never_ends_in_another_error(tmp_path, rows):
    path = tmp_path / "t.parquet"
    write_table(pd.concat([frame()] * 50), SCHEMA, path)
    content = path.read_bytes()
    refused = 0
    for place in range(4, len(content) - 8, 7):
        path.write_bytes(content[:place] + b"\xff\xff\xff" + content[place + 3 :])
        try:
            read_table(path, SCHEMA, rows=rows)
        except UserError:
            refused += 1
    assert refused > 20


def test_a_folder_that_looks_like_a_partition_adds_no_column(tmp_path):
    path = tmp_path / "seed=3" / "t.parquet"
    write_table(frame(), SCHEMA, path)
    assert list(read_table(path, SCHEMA).columns) == SCHEMA.names
