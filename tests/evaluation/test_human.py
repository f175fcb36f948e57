"""Models beside people: only where data and protocol match, and never where they do not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unispace.config.datasets import Dataset
from unispace.data.registry import registry
from unispace.errors import UserError
from unispace.evaluation import human as module
from unispace.evaluation.human import compare
from unispace.records.humans import COMPARISON_SCHEMA, HUMAN_SCHEMA, read_humans
from unispace.records.results import SCHEMA
from unispace.records.tables import read_table, write_table

TABLE = Path(module.__file__).with_name("human.csv")
HUMANS = read_humans(TABLE)
LFW = {
    "domain": "face_hq",
    "source": {"kind": "registered", "name": "lfw"},
    "pairs": {"kind": "lfw"},
}
CFP = {
    "domain": "face_hq",
    "source": {"kind": "registered", "name": "cfp"},
    "pairs": {"kind": "cfp"},
}
CIFAR = {
    "domain": "object",
    "source": {"kind": "registered", "name": "cifar10"},
    "splits": {"by": "manifest"},
}


def sets(**settings):
    return {name: Dataset.model_validate(d) for name, d in settings.items()}


def result(dataset, protocol, metric="accuracy", value=0.98, lower=0.97, upper=0.99, **more):
    experiment = "verification" if protocol.startswith("official") else "classification"
    row = dict.fromkeys(SCHEMA.names)
    row |= {"study": "s", "experiment": experiment, "model": "b/c/seed0", "dataset": dataset}
    row |= {"protocol": protocol, "metric": metric, "value": value, "lower": lower}
    row |= {"upper": upper, "chance": 0.5, "n": 10, "unit": "identity", "status": "ok"}
    return {**row, "origin": "o", **more}


def compared(rows, split="test", **settings):
    return compare(pd.DataFrame(rows), HUMANS, sets(**settings), split)


def multi(table, metric):
    (row,) = table[table["metric"] == metric].to_dict("records")
    return row


def test_the_table_names_sets_of_the_registry_and_says_how_sure_it_is():
    assert set(HUMANS["dataset"].dropna()) <= set(registry())
    assert set(HUMANS["certainty"]) == {"read", "second-hand"}
    assert HUMANS.loc[HUMANS["certainty"] == "second-hand", "note"].notna().all()
    whole = HUMANS[HUMANS["altered"].isna() & (HUMANS["protocol"] != "own")]
    assert not whole.duplicated(["dataset", "protocol", "metric"]).any()
    assert HUMANS["year"].between(2000, 2026).all()


def test_a_model_on_the_published_pairs_stands_beside_people():
    table = compared([result("a", "official")], a=LFW)
    (row,) = table[table["dataset"] == "a"].to_dict("records")
    assert row["status"] == "comparable"
    assert (row["human"], row["value"], row["above"]) == (0.992, 0.98, False)
    assert row["source"].endswith("2009")
    assert multi(table, "tasks above human")["value"] == 0


def test_above_people_is_above_with_the_whole_interval():
    rows = [result("a", "official-FF", value=0.97, lower=0.9625), result("a", "official-FP", value=0.95, lower=0.94)]  # fmt: skip
    table = compared(rows, a=CFP)
    above = table.set_index("protocol")["above"]
    assert above["official-FF"]
    assert not above["official-FP"]
    assert multi(table, "tasks above human")["value"] == 0.5
    assert multi(table, "tasks above human")["certainty"] == "read"


def test_the_score_over_tasks_is_one_for_people_and_zero_for_guessing():
    def score(*rows):
        return multi(compared(rows, a=CFP, b=CIFAR), "normalised score")

    same = (
        result("a", "official-FF", value=0.9624, lower=0.9424, upper=0.9724),
        result("b", "linear-probe", "top-1", value=0.94, lower=0.9, upper=0.98, chance=0.1),
    )
    found = score(*same)
    assert found["value"] == pytest.approx(1)
    # Half the root of the squared sum of both, each in units of what people are above chance.
    down, up = (np.hypot(x / 0.4624, 0.04 / 0.84) / 2 for x in (0.02, 0.01))
    assert found["lower"] == pytest.approx(1 - down)
    assert found["upper"] == pytest.approx(1 + up)
    assert not found["above"]
    assert found["certainty"] == "second-hand"
    guess = (result("a", "official-FF", value=0.5, lower=0.5, upper=0.5),)
    assert score(*guess)["value"] == 0


def test_the_linear_probe_is_taken_before_the_neighbours_and_never_one_image_left_out():
    def human_beside(*protocols):
        rows = [result("b", p, "top-1") for p in protocols]
        return compared(rows, b=CIFAR).iloc[0]

    assert human_beside("knn-5", "linear-probe")["protocol"] == "linear-probe"
    assert human_beside("knn-5", "linear-probe-C=0.316")["protocol"] == "knn-5"
    for never in ("knn-5-loo", "knn-5-loo/held_out"):
        assert human_beside(never)["status"].startswith("not comparable: top-1 was not measured")


@pytest.mark.parametrize(
    ("dataset", "protocol", "why"),
    [
        (
            {"domain": "object", "source": {"kind": "studio", "labels": 4, "images_per_label": 3}},
            "knn-5",
            "no person was tested on this rendered set",
        ),
        ({"domain": "object", "source": {"kind": "digits"}}, "knn-5", "a source of kind digits is"),
        (
            {"domain": "object", "source": {"kind": "folder", "path": "lfw"}},
            "knn-5",
            "a source of kind folder is not known to be a published set",
        ),
        ({**CIFAR, "source": {"kind": "registered", "name": "mnist"}}, "knn-5", "no human result on mnist"),
        ({**CIFAR, "source": {"kind": "registered", "name": "gtsrb"}}, "knn-5", "tested by another protocol"),
        ({**CIFAR, "splits": {"by": "hash"}}, "knn-5", "the test split is not the published one"),
        ({**CIFAR, "max_images_per_label": 5}, "knn-5", "only a part of the published one"),
        ({**CIFAR, "splits": {"by": "manifest", "hold_out": {"label": ["cat"]}}}, "knn-5", "only a part"),
        (LFW, "official-part", "only a part of the pairs of official was tested"),
        (LFW, "all-pairs", "accuracy by official was not measured; people saw images cut to the face"),
    ],
)  # fmt: skip
def test_what_does_not_match_says_why(dataset, protocol, why):
    table = compared(
        [result("a", protocol, "top-1" if "knn" in protocol else "accuracy")], a=dataset
    )
    row = table.iloc[0]
    assert row["status"].startswith("not comparable: ")
    assert why in row["status"]
    assert np.isnan(row["value"])
    assert set(table["status"].iloc[1:]) == {"not available: no task is comparable"}


def test_another_split_is_not_the_test_split():
    table = compared([result("b", "knn-5", "top-1")], split="val", b=CIFAR)
    assert "only a part of the published one, or another one" in table["status"].iloc[0]


def test_failed_cells_changes_and_maps_are_no_results_of_a_model():
    failed = result("a", "official", status="failed: diverged")
    change = result("a", "official", source="b/base/seed0")
    pair = {**change, "model": None, "target": "b/c/seed0"}
    table = compared([failed, change, pair], a=LFW)
    assert table["status"].str.startswith("not ").all()
    assert set(table["model"]) == {"b/c/seed0"}


def test_without_chance_there_is_no_score():
    table = compared([result("a", "official", chance=np.nan)], a=LFW)
    assert (
        multi(table, "normalised score")["status"]
        == "not available: chance is not known in every task"
    )


def test_a_comparison_keeps_its_types_on_disk(tmp_path):
    rows = [result("a", "official"), result("b", "knn-5-loo", "top-1")]
    table = compared(rows, a=LFW, b=CIFAR)
    write_table(table, COMPARISON_SCHEMA, tmp_path / "h.parquet")
    assert len(read_table(tmp_path / "h.parquet", COMPARISON_SCHEMA)) == len(table) == 4
    write_table(HUMANS, HUMAN_SCHEMA, tmp_path / "humans.parquet")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("task,stimuli", "task,what", "the columns must be task, stimuli"),
        ("0.9624", "96.24", "line 5: value must be a share above 0, got 96.24"),
        ("0.9624", "many", "cannot be read as a table of human results"),
        ("2016,read,", "2016,sure,", "line 5: certainty must be read or second-hand, got 'sure'"),
        ("2016,read,", "2016,,", "column `certainty` holds empty cells"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path, old, new, message):
    path = tmp_path / "human.csv"
    path.write_text(TABLE.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(UserError, match=message):
        read_humans(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_humans(tmp_path / "none.csv")
