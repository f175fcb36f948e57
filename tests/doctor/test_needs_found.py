"""Too little disk, memory and time are told, on machines that are thought up."""

import pytest

from unispace.doctor.needs import (
    device_findings,
    disk_findings,
    memory_findings,
    time_findings,
)
from unispace.doctor.space import Space, space_needed
from unispace.records.benchmarks import Cost, Taken
from unispace.records.explanation import Explanation
from unispace.records.files import write_json
from unispace.records.plan import PlannedJob, Reason
from unispace.records.reasons import Explained

GB = 10**9


def job(rule="train_model", name="a", **changes):
    values = {
        "rule": rule, "wildcards": {"model": name}, "outputs": ("o",), "inputs": (), "params": (),
        "shellcmd": None, "code": None, "threads": 1, "mem_mb": None, "gpu": None,
        "benchmark": None, "runs": True, "after": (), "reason": Reason(),
    }  # fmt: skip
    return PlannedJob.model_validate({**values, **changes})


def cost(memory=0.0, known="this job", seconds=0.0):
    return Cost(Taken(seconds, seconds, memory), known)


@pytest.mark.parametrize(
    ("needed", "severity", "said"),
    [
        (101 * GB, "error", "about 101.0 GB still to be written (101.0 GB weights); only 100.0 GB are free"),
        (95 * GB, "warning", "100.0 GB are free, which is close"),
        (50 * GB, "ok", "100.0 GB are free"),
    ],
)  # fmt: skip
def test_disk(planted, needed, severity, said):
    (found,) = disk_findings(Space({"weights": needed}), planted.machine())
    assert found.severity == severity
    assert said in found.message
    assert bool(found.remedy) == (severity != "ok")


def test_what_is_not_known_of_the_disk_is_said(planted):
    (found,) = disk_findings(
        Space({"images": GB}, ["a.zip, whose size is not published"]), planted.machine()
    )
    assert "and what is not known: a.zip, whose size is not published" in found.message


def test_a_job_that_does_not_fit_into_memory(planted):
    jobs = [(job(), cost(500)), (job("embed", "b", mem_mb=20_000), cost(1))]
    (found,) = memory_findings(jobs, planted.machine())
    assert found.severity == "error"
    assert found.message == "embed b needs 21.0 GB of memory, by its rule; this machine has 16.0 GB"
    assert "lower batch_size" in found.remedy


def test_jobs_that_do_not_fit_side_by_side(planted):
    jobs = [(job(name=n), cost(7000)) for n in "abc"]
    (found,) = memory_findings(jobs, planted.machine())
    assert found.severity == "warning"
    assert found.remedy.endswith("snakemake --cores 1")
    (found,) = memory_findings(jobs[:1], planted.machine())
    assert found.severity == "ok"


def test_what_the_rule_asks_for_goes_before_what_was_measured(planted):
    (found,) = memory_findings([(job(mem_mb=1000), cost(50_000))], planted.machine())
    assert found.severity == "ok"
    assert memory_findings([(job(), cost(0, "unknown"))], planted.machine()) == []


def test_devices(planted):
    study = planted.study()
    asks, machine = [job(gpu=1)], planted.machine(gpu_driver=True)
    (found,) = device_findings(study, asks, machine, lambda: 0)
    assert found.severity == "warning"
    assert "train_model ask for a graphics processor and torch sees none" in found.message
    assert device_findings(study, asks, machine, lambda: 1)[0].severity == "ok"

    def never() -> int:
        raise AssertionError("torch takes seconds; without a driver there is nothing to ask")

    assert device_findings(study, [job()], planted.machine(), never)[0].severity == "ok"


def test_reduced_precision_without_a_device(planted):
    curricula = {
        "base": {},
        "imic": {"precision": "bfloat16", "steps": 2, "train_on": {"faces": {}}},
    }
    (found,) = device_findings(planted.study(curricula=curricula), [], planted.machine(), lambda: 0)
    assert "curricula.imic.precision is bfloat16" in found.message
    assert found.remedy.startswith("precision: float32")


def explained(*costs):
    jobs = tuple((Explained(job(f"r{n}"), (), ()), c) for n, c in enumerate(costs))
    return Explanation("s", 9, jobs, 120.0, 2)


def test_time_says_where_it_is_known_from():
    (found,) = time_findings(explained(cost(seconds=200), cost(known="default study")))
    assert found.message == (
        "2 jobs, about 3 min of CPU, 2 min on 2 cores; times of 1 from their own last run, "
        "1 from the default study on two cores"
    )
    (found,) = time_findings(explained(cost(known="unknown")))
    assert "at least" in found.message
    assert "nothing is known of r0" in found.message
    assert "nothing would run" in time_findings(explained())[0].message


def test_space_by_hand(root, planted):
    """10 x 4 images of 16 x 16 x 3 bytes; embeddings of 32 float32 and weights of 4 bytes a parameter."""
    curricula = {"base": {}, "tuned": {"steps": 2, "train_on": {"faces": {}}}}
    folder = root / "checkpoints" / "s" / "b" / "pretrained"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(1000))
    write_json(folder / "model.json", {"dimension": 32})
    space = space_needed(planted.study(curricula=curricula), root, cores=2)
    assert space.unknown == []
    assert space.parts == {
        "images": 40 * 16 * 16 * 3,
        "archives": 0,
        # Two models; of these one is trained, with two moments and a copy while it is saved.
        "weights": 2 * 1000,
        "unfinished trainings": 6 * 1000,
        # Two models, two copies.
        "embeddings": 2 * 2 * 40 * 32 * 4,
    }


def test_the_size_of_a_backbone_that_was_never_made_is_that_of_its_parameters(root, planted):
    torch = pytest.importorskip("torch")
    from unispace.backbones.network import Network

    study = planted.study()
    network = Network(study.backbones["b"])
    count = sum(p.numel() for p in network.parameters())
    space = space_needed(study, root, cores=1)
    # The backbone and its only model.
    assert space.parts["weights"] == 2 * 4 * count
    assert space.parts["embeddings"] == 2 * 40 * network.dimension * 4
    assert torch.get_default_device().type == "cpu"
