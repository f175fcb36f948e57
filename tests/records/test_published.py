"""Published numbers: complete, as printed, and refused where they are none."""

import csv
from pathlib import Path

import pytest

from unispace.data.registry import registry
from unispace.errors import UserError
from unispace.evaluation import gelo as module
from unispace.records.published import PUBLISHED_SCHEMA, read_published

FOLDER = Path(module.__file__).with_name("published")
TRADEOFFS = read_published(FOLDER / "tradeoffs.csv")
COMPATIBILITY = read_published(FOLDER / "compatibility.csv")


HEAD = ",".join(PUBLISHED_SCHEMA.names)


def written(tmp_path, *lines, head=HEAD):
    path = tmp_path / "numbers.csv"
    path.write_text("\n".join([head, *lines, ""]), "utf-8")
    return path


def test_the_three_tables_are_whole():
    counts = TRADEOFFS.groupby("table")["metric"].count().to_dict()
    # 8 systems; an average each, GELO of the six that are tuned.
    assert counts == {"zero-shot": 8 * 15 + 6, "linear-probe": 8 * 14 + 6, "biometrics": 8 * 16}
    systems = TRADEOFFS.groupby("table")[["system", "backbone"]].apply(
        lambda part: len(part.drop_duplicates())
    )
    assert set(systems) == {8}


def test_digits_are_kept_as_printed():
    with (FOLDER / "tradeoffs.csv").open(encoding="utf-8") as file:
        printed = [row["value"] for row in csv.DictReader(file)]
    assert list(TRADEOFFS["value"]) == printed
    row = TRADEOFFS[(TRADEOFFS["name"] == "CIFAR10") & (TRADEOFFS["table"] == "zero-shot")].iloc[0]
    assert (row["value"], row["digits"]) == ("90.80", 2)
    assert row["share"] == pytest.approx(0.908)


def test_data_sets_are_those_of_the_registry():
    named = set(TRADEOFFS["dataset"].dropna()) | set(COMPATIBILITY["dataset"].dropna())
    assert named <= set(registry())


def test_printed_averages_are_those_of_the_printed_accuracies():
    general = TRADEOFFS[TRADEOFFS["task"] == "general"]
    for _, part in general.groupby(["table", "system", "backbone"]):
        mean = part.loc[part["metric"] == "top-1", "share"].mean()
        printed = part.loc[part["metric"] == "average", "share"].item()
        # One of them is cut off and not rounded.
        assert mean == pytest.approx(printed, abs=1e-4)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("t,s,b,fr,LFW,,,p,AUC,88.2,per mille,read,", "line 2: unit must be percent or ratio"),
        ("t,s,b,fr,LFW,,,p,AUC,88.2,percent,sure,", "line 2: certainty must be read or second-hand"),
        ("t,s,b,fr,LFW,,,p,AUC,88..2,percent,read,", "line 2: value must be a number as printed"),
        ("t,s,b,fr,LFW,,,p,AUC,882,percent,read,", "line 2: 882 percent is out of range"),
        ("t,s,b,fr,LFW,,,p,,88.2,percent,read,", "column `metric` holds empty cells"),
    ],
)  # fmt: skip
def test_a_wrong_number_is_refused_with_its_line(tmp_path, line, message):
    with pytest.raises(UserError, match=message):
        read_published(written(tmp_path, line))


def test_a_cell_that_stands_twice_is_refused(tmp_path):
    line = "t,s,b,fr,LFW,,,p,AUC,88.2,percent,read,"
    with pytest.raises(UserError, match="line 3: this cell stands twice: t, s, b, LFW"):
        read_published(written(tmp_path, line, line))


def test_other_columns_are_refused(tmp_path):
    with pytest.raises(UserError, match="the columns must be table, system"):
        read_published(written(tmp_path, "1", head="a"))
    with pytest.raises(UserError, match="cannot be read"):
        read_published(tmp_path / "nothing.csv")
