"""Every tidy row for the table at the end of the page, which is written there by script from a few columns."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.records.results import without_resamples
from unispace.reporting.looks import in_order, methods_in_order, short_names
from unispace.reporting.packing import packed
from unispace.reporting.tables import number

# Of the hash of what a number came from: enough to tell origins apart, 64 bits.
_ORIGIN = 16
_FIGURES = 6


@dataclass(frozen=True)
class EveryNumber:
    """The table.

    Attributes:
        heads: of each column, its title and whether it holds numbers.
        count: how many rows it has.
        data: its columns as packed JSON; see `_words` and `_numbers` for one.
    """

    heads: tuple[tuple[str, bool], ...]
    count: int
    data: str


def every_number(
    results: pd.DataFrame,
    models: Sequence[str],
    datasets: Sequence[str],
    methods: Sequence[str] = (),
) -> EveryNumber:
    """Tidy rows in the order of the study, single models before pairs.

    Numbers have six significant figures, and more where these would be rounded otherwise than on the rest of the page.

    Args:
        results: the rows.
        models: in the study's order.
        datasets: in the study's order.
        methods: of maps, in the study's order; without any, columns about maps are left out.
    """
    rows = _sorted(results, models, datasets, methods)
    model, source, target = (rows[c].astype(object) for c in ("model", "source", "target"))
    against = np.where(model.notna() & source.notna(), " − ", " → ")
    first, second = model.where(model.notna(), source), source.where(model.notna(), target)
    # Families and planted models are called as they are.
    ends = in_order(pd.concat([model, source, target]).dropna(), models)
    names = {name: name for name in ends} | short_names([m for m in ends if m in models])
    titles = _each_once(_joined, first, second, against)
    shown = {
        _joined(a, b, by): _joined(names.get(a), names.get(b), by)
        for a, b, by in set(zip(first, second, against, strict=True))
    }
    resampled = _each_once(_resampled, rows["unit"], rows["metric"])
    columns = [
        ("Data set", _words(rows["dataset"])),
        ("Model or pair", _words(titles, shown)),
        *([("Method", _words(rows["method"])), ("Fitted on", _words(rows["fitted_on"]))] if methods else []),
        ("Metric", _words(rows["metric"])),
        ("Value", _numbers(rows["value"])),
        ("95 % from", _numbers(rows["lower"])),
        ("to", _numbers(rows["upper"])),
        ("Chance", _numbers(rows["chance"])),
        ("n", {"counts": [int(n) for n in rows["n"]]}),
        ("Protocol", _words(rows["protocol"])),
        ("Status", _words(rows["status"])),
        ("Resampled", _words(resampled)),
        ("Experiment", _words(rows["experiment"])),
        ("Seed", _words(["" if math.isnan(s) else f"{s:.0f}" for s in rows["seed"].astype(float)])),
        ("Origin", _words(rows["origin"].str[:_ORIGIN])),
    ]  # fmt: skip
    text = json.dumps([data for _, data in columns], separators=(",", ":"), ensure_ascii=False)
    heads = tuple((head, "words" not in data or head == "Seed") for head, data in columns)
    return EveryNumber(heads, len(rows), packed(text.encode()))


def _sorted(
    results: pd.DataFrame, models: Sequence[str], datasets: Sequence[str], methods: Sequence[str]
) -> pd.DataFrame:
    """Rows by data set; in it single models, then changes, then pairs, each in the order of the study."""
    ends = in_order(pd.concat([results[c] for c in ("model", "source", "target")]).dropna(), models)
    places = {name: place for place, name in enumerate(ends)}
    sets = {d: place for place, d in enumerate(in_order(results["dataset"], datasets))}
    ways = methods_in_order(results["method"].dropna(), methods)
    single = results["model"].notna()
    keys = pd.DataFrame(
        {
            "dataset": results["dataset"].map(sets),
            "pair": ~single,
            "against": single & results["source"].notna(),
            "first": results["model"].where(single, results["source"]).map(places),
            "second": results["source"].where(single, results["target"]).map(places),
            "method": results["method"].map({way: place for place, way in enumerate(ways)}),
        },
        index=results.index,
    )
    order = keys.fillna(-1).sort_values(list(keys.columns), kind="stable").index
    return results.loc[order]


def _each_once(
    make: Callable[..., str], *columns: Sequence[Any] | pd.Series | NDArray[Any]
) -> list[str]:
    """Texts made of the cells of each row; of rows that are alike once, since most are."""
    # As objects, since texts of Arrow take far longer one by one.
    cells = list(zip(*(np.asarray(column, dtype=object) for column in columns), strict=True))
    texts = {row: make(*row) for row in set(cells)}
    return [texts[row] for row in cells]


def _resampled(unit: str, metric: str) -> str:
    """What was resampled, or why nothing was."""
    why = without_resamples(unit, metric)
    return f"nothing: {why}" if why else unit


def _joined(first: object, second: object, by: str) -> str:
    return by.join(str(end) for end in (first, second) if isinstance(end, str))


def _words(values: Sequence[str] | pd.Series, shown: Mapping[str, str] | None = None) -> dict:
    """A column of words: each word once, and for each row its place among them.

    Args:
        values: of each row; what is missing is an empty word.
        shown: what stands on the page for a word, which is then its title.
    """
    # Texts of Arrow stay such, and are looked through at once.
    if isinstance(values, pd.Series) and isinstance(values.dtype, pd.StringDtype):
        column = values
    else:
        column = pd.Series(values, dtype=object)
    codes, words = pd.factorize(column.fillna(""))
    told = [str(word) for word in words]
    if shown is None:
        return {"words": told, "codes": codes.tolist()}
    return {"words": [shown[w] for w in told], "titles": told, "codes": codes.tolist()}


def _numbers(values: pd.Series) -> dict:
    """A column of numbers, null where there is none."""
    # Many stand for several rows, such as shares of a gallery and levels of chance; by their bits, for the sign of zero.
    known, places = np.unique(values.to_numpy(np.float64).view(np.int64), return_inverse=True)
    short = [None if math.isnan(v) else _short(v) for v in known.view(np.float64).tolist()]
    return {"numbers": [short[place] for place in places.tolist()]}


def _short(value: float) -> float:
    short = float(f"{value:.{_FIGURES}g}")
    return short if number(short) == number(value) else value
