"""What jobs took, and how long a plan takes on some cores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.records.benchmarks import (
    Costs,
    Taken,
    read_benchmark,
    read_reference,
    wall_seconds,
    write_reference,
)
from unispace.records.plan import Plan, PlannedJob, Reason

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def planned(rule="train", after=(), **changes):
    values = {
        "rule": rule, "wildcards": {}, "outputs": (f"out/{rule}",), "inputs": (), "params": (),
        "shellcmd": None, "code": None, "threads": 1, "mem_mb": None, "gpu": None,
        "benchmark": f"benchmarks/s/{rule}.tsv", "runs": True, "after": after, "reason": Reason(),
    }  # fmt: skip
    return PlannedJob.model_validate({**values, **changes})


def benchmark(file, seconds, cpu, memory):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{HEADER}{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0\t0\t1\t{cpu}\n")


def test_a_job_is_known_from_its_own_run_then_its_rule_then_the_default_study(tmp_path):
    folder = tmp_path / "benchmarks"
    benchmark(folder / "s" / "train" / "a.tsv", 10, 8, 100)
    benchmark(folder / "t" / "train" / "b.tsv", 20, 12, 300)
    reference = tmp_path / "reference.csv"
    reference.write_text("rule,jobs,cpu_seconds,memory_mb\nembed,3,7.5,50\ntrain,1,1,1\n")
    costs = Costs(tmp_path, reference)
    own = costs.of(planned(benchmark="benchmarks/s/train/a.tsv"))
    assert (own.taken, own.known) == (Taken(8, 10, 100), "this job")
    # Mean times; of memory the most.
    other = costs.of(planned(benchmark="benchmarks/s/train/c.tsv"))
    assert (other.taken, other.known) == (Taken(10, 15, 300), "this rule")
    assert costs.of(planned("embed")).taken == Taken(7.5, 7.5, 50)
    assert costs.of(planned("embed")).known == "default study"
    assert costs.of(planned("fetch")).known == "unknown"


@pytest.mark.parametrize("cpu", ["NA", "-", "0.0"])
def test_a_job_too_short_to_be_measured_took_its_wall_time(tmp_path, cpu):
    benchmark(tmp_path / "a.tsv", 0.3, cpu, "NA")
    assert read_benchmark(tmp_path / "a.tsv") == Taken(0.3, 0.3, 0)


def test_no_measure_is_none(tmp_path):
    assert read_benchmark(tmp_path / "a.tsv") is None
    (tmp_path / "a.tsv").write_text(HEADER)
    assert read_benchmark(tmp_path / "a.tsv") is None


def test_the_reference_is_what_a_run_took(tmp_path):
    benchmark(tmp_path / "b" / "train" / "x" / "a.tsv", 10, 8, 100)
    benchmark(tmp_path / "b" / "train" / "y.tsv", 10, 9, 200)
    benchmark(tmp_path / "b" / "page.tsv", 1, 0.5, 30)
    assert write_reference(tmp_path / "b", tmp_path / "r.csv") == 2
    assert read_reference(tmp_path / "r.csv") == {
        "train": Taken(8.5, 8.5, 200),
        "page": Taken(0.5, 0.5, 30),
    }


def test_the_reference_of_the_package_knows_the_long_rules():
    reference = read_reference()
    assert {"train_model", "pretrain_backbone", "extract_embeddings"} <= set(reference)
    assert all(taken.cpu > 0 for taken in reference.values())


def test_wall_time_by_hand():
    # Two jobs of 3 s side by side, then one of 2 s that needs both, beside one of 4 s that needs the first.
    plan = Plan(jobs=(planned(), planned(), planned(after=(0, 1)), planned(after=(0,))))
    seconds = {0: 3.0, 1: 3.0, 2: 2.0, 3: 4.0}
    assert wall_seconds(plan, seconds, 1) == 12
    assert wall_seconds(plan, seconds, 2) == 7
    # The third reads what is there already when the first two need not run.
    assert wall_seconds(plan, {2: 2.0, 3: 4.0}, 2) == 4
    assert wall_seconds(plan, {}, 2) == 0


def test_a_job_with_more_threads_than_cores_takes_them_all():
    plan = Plan(jobs=(planned(threads=8), planned()))
    assert wall_seconds(plan, {0: 3.0, 1: 1.0}, 2) == 4


@given(st.lists(st.floats(0.1, 9), min_size=1, max_size=12), st.integers(1, 4), st.data())
def test_wall_time_is_between_its_bounds(seconds, cores, data):
    after = [
        tuple(sorted(data.draw(st.sets(st.integers(0, n - 1), max_size=3)))) if n else ()
        for n in range(len(seconds))
    ]
    plan = Plan(jobs=tuple(planned(after=a) for a in after))
    longest = []
    for own, before in zip(seconds, after, strict=True):
        longest.append(own + max((longest[b] for b in before), default=0))
    wall = wall_seconds(plan, dict(enumerate(seconds)), cores)
    assert max(*longest, sum(seconds) / cores) - 1e-9 <= wall <= sum(seconds) + 1e-9
