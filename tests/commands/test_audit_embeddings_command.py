"""`unispace audit-embeddings`: what it reads, what it writes."""

import json
import sys

import numpy as np
import pandas as pd

from unispace.__main__ import main
from unispace.records.audit import SCHEMA
from unispace.records.embeddings import Embeddings, write_embeddings
from unispace.records.tables import read_table


def test_it_notes_copies_across_data_sets_and_looks_at_no_more_than_asked(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((40, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    vectors[25] = vectors[3]
    for name, part in (("a", slice(0, 20)), ("b", slice(20, 40))):
        index = pd.DataFrame(
            {
                "image_id": [f"{name}{k}" for k in range(20)],
                "row": range(20),
                "domain": "face_hq",
                "label": "x",
                "identity": "x",
                "split": "test",
            }
        )
        write_embeddings(Embeddings(vectors[part], index, {"key": name}), tmp_path / "e" / name)

    def run(images_compared):
        settings = {
            "datasets": ["a", "b"],
            "families": {"a": "x", "b": "y"},
            "trained": [],
            "split": "test",
            "model": "m",
            "alike": 0.2,
            "images_compared": images_compared,
        }
        table = tmp_path / f"{images_compared}.parquet"
        arguments = ["--settings", json.dumps(settings), "--embeddings", str(tmp_path / "e")]
        arguments += ["--table", str(table)]
        monkeypatch.setattr(sys, "argv", ["unispace", "audit-embeddings", *arguments])
        assert main() == 0
        return read_table(table, SCHEMA)

    noted = run(100).query("severity == 'note'")
    assert noted[["dataset", "subject", "count"]].to_numpy().tolist() == [
        ["b", "a/test + b/test", 2]
    ]
    assert "such as a3 and b5" in noted["detail"].iloc[0]
    fewer = run(10)
    assert set(fewer["subject"]) <= {"all", "a/test + b/test"}
