"""Of thousands of curves of maps a figure gets those that it shows; it comes out as from all of them."""

import itertools

import pandas as pd
import pyarrow as pa
import pytest

from unispace.config.methods import CEILING
from unispace.records.results import CURVE_SCHEMA, SCHEMA
from unispace.reporting.figures.drawing import Plan
from unispace.reporting.figures.maps_curves import EXAMPLES, draw_roc, shown

METHODS = ("baseline", "ridge", "linear")
PROTOCOLS = ("all-pairs", "balanced")
TESTED = (("faces", "faces"), ("faces", "faces_lq"))


def plan_of(models):
    """The first half of the models is one family; `linear` is not shown."""
    families = {m: "first" if n < len(models) / 2 else "second" for n, m in enumerate(models)}
    return Plan(
        models=tuple(models),
        datasets=("faces", "faces_lq"),
        methods=METHODS,
        shown=("baseline", "ridge"),
        families=families,
        protocols=PROTOCOLS,
    )


def tables_of(models, failed=()):
    """Curves and results; of failed pairs there are results alone."""
    curves, results = [], []
    ends = list(itertools.product(models, models))
    cells = itertools.product(TESTED, ends, METHODS, PROTOCOLS)
    for place, ((fit, test), (source, target), method, protocol) in enumerate(cells):
        if source == target and method != "baseline":
            continue
        about = dict.fromkeys(SCHEMA.names) | {
            "study": "s", "experiment": "verification", "dataset": test, "protocol": protocol,
            "source": source, "target": target, "fitted_on": fit, "seed": 1, "origin": "o",
            "method": CEILING if source == target else method,
        }  # fmt: skip
        fine = (source, target) not in failed
        told = {"value": 0.5, "lower": 0.4, "upper": 0.6} if fine else {}
        results.append(
            about | {"metric": "TMR@FMR=0.01", "n": 9, "unit": "identity"} | told
            | {"status": "ok" if fine else "failed: gone"}
        )  # fmt: skip
        for step in range(4) if fine else ():
            x = (0.0, 0.001, 0.1, 1.0)[step]
            curves.append(about | {"x": x, "y": (step + place % 7) / 10, "lower": 0, "upper": 1})
    return (
        pa.Table.from_pandas(pd.DataFrame(curves)[CURVE_SCHEMA.names], CURVE_SCHEMA, preserve_index=False),
        pd.DataFrame(results)[SCHEMA.names],
    )  # fmt: skip


@pytest.mark.parametrize("count", [2, 3, 4, 6])
@pytest.mark.parametrize("failed", [(), (("m0", "m1"), ("m0", "m2")), (("m1", "m0"),)])
def test_a_figure_of_shown_curves_is_that_of_all(count, failed):
    models = [f"m{n}" for n in range(count)]
    curves, results = tables_of(models, failed)
    plan, chosen = plan_of(models), shown(curves, plan_of(models))
    assert chosen.num_rows < curves.num_rows
    drawn = [draw_roc([t.to_pandas(), results], plan).table for t in (curves, chosen)]
    pd.testing.assert_frame_equal(*drawn)
    assert set(drawn[0]["method"]) == {"baseline", "ridge", CEILING}


def test_of_many_pairs_a_few_are_left():
    models = [f"m{n}" for n in range(10)]
    chosen = shown(tables_of(models)[0], plan_of(models)).to_pandas()
    mapped = chosen[chosen["method"] != CEILING]
    # Four times two families, two methods, on two data sets, four points each.
    assert len(mapped) == 4 * EXAMPLES * 2 * len(TESTED) * 4
    assert set(chosen["protocol"]) == {"all-pairs"}


def test_without_curves_none_are_shown():
    assert shown(CURVE_SCHEMA.empty_table(), plan_of(["m0", "m1"])).num_rows == 0
