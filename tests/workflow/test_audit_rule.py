"""The audit of the data as a rule: it comes at once, stops on a leak, and lets pass what is named."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

TINY = "workflow/studies/tiny.yaml"
TABLE = "results/tiny/audit.parquet"
TESTED = ("objects", "faces", "faces_lq", "bodies", "shapes", "attacks", "morphs")
# Other shares than those of `faces`, whose persons they are.
SPLITS = "degrade: {} }\n    splits: { train: 0.4, val: 0.2 }"
LEAKING = "degrade: {} }\n    splits: { train: 0.9, val: 0.0 }"


def test_it_is_one_job_of_the_whole_study(fresh):
    jobs = fresh.jobs()
    assert jobs.count("audit_data") == 1
    assert set(fresh.jobs(TABLE)) == {
        "audit_data",
        "prepare_pretraining_data things",
        *(f"prepare_data {name}" for name in TESTED),
    }


def test_nothing_starts_between_the_last_image_and_the_audit(finished):
    log = (finished.folder / "run.log").read_text()
    last = max(match.end() for match in re.finditer(r"done   prepare_\w+", log))
    assert re.findall(r"start  (\w+)", log[last:])[0] == "audit_data"


def test_it_finds_no_leak_in_the_tiny_study(finished):
    summary = json.loads((finished.folder / "results/tiny/audit.json").read_text())
    assert set(summary["datasets"]) == {"things", *TESTED}
    assert summary["leaks"] == []
    assert "error" not in set(pd.read_parquet(finished.folder / TABLE)["severity"])
    assert '<section id="audit"' in (finished.folder / "results/tiny/report/index.html").read_text()


def test_a_leak_stops_the_run_until_the_study_lets_it_pass_by_name(rerun):
    rerun.change(TINY, SPLITS, LEAKING)
    done = rerun.snakemake(TABLE, "--cores", "1", "--configfile", TINY)
    assert done.returncode != 0
    log = (rerun.folder / "logs/tiny/audit_data.log").read_text()
    assert re.search(r"\d+ identities of faces_lq/train stand in faces/test too: face-0-\d+", log)
    names = set(re.findall(r'allow: \["(\S+)"\]', log))
    # Attacks and morphs are made of the same persons.
    assert names == {f"identities:faces_lq:{tested}" for tested in ("faces", "attacks", "morphs")}
    assert "Traceback" not in log
    assert not (rerun.folder / TABLE).exists()
    text = (rerun.folder / TINY).read_text()
    allowed = f"audit:\n  allow: [{', '.join(map(json.dumps, sorted(names)))}]\n"
    (rerun.folder / TINY).write_text(text + allowed)
    done = rerun.snakemake(TABLE, "--cores", "1", "--configfile", TINY)
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(rerun.folder / TABLE)
    row = table[table["check"] == "shared-identities"].iloc[0]
    assert row["severity"] == "note"
    assert row["detail"].endswith("let pass by audit.allow")
