"""Submit, status and cancel on a cluster that a pretended kubectl plays; states as clusters report them."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_kubernetes_manifest import script

from kubernetes_jobs.__main__ import main
from kubernetes_jobs.check import check
from kubernetes_jobs.errors import KubernetesError
from kubernetes_jobs.state import State, state_of


@pytest.fixture
def job(cluster, tmp_path, monkeypatch, capsys):
    """Sends a script that does something, and gives the name of its Job."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def send(does: str, **resources) -> str:
        asked = {"mem_mb": 100, "runtime": 1, **resources}
        file = script(folder, resources=asked)
        file.write_text(file.read_text().replace("true\n", does + "\n"))
        assert main(["submit", "tiny", str(file)]) == 0
        return capsys.readouterr().out.strip()

    return send


@pytest.fixture
def status(capsys):
    """What `status` says of a job: its word, and what it says besides."""

    def look(name: str) -> tuple[str, str]:
        assert main(["status", name]) == 0
        said = capsys.readouterr()
        return said.out.strip(), said.err

    return look


def ended(status, name: str) -> tuple[str, str]:
    for _ in range(300):
        word, said = status(name)
        if word != "running":
            return word, said
        time.sleep(0.1)
    raise TimeoutError(name)


def test_a_job_that_ends_well_is_a_success(job, status):
    name = job('echo "$PYTHONPATH" > out')
    assert name.startswith("unispace-tiny-train-model-")
    assert ended(status, name) == ("success", "")
    # In the clone, with its package.
    assert Path("out").read_text().strip() == str(Path("workflow").absolute())


def test_a_job_that_fails_tells_its_code_and_its_last_words(job, status):
    word, said = ended(status, job("echo no more paper >&2; exit 3"))
    assert word == "failed"
    assert "Error, exit code 3" in said
    assert "no more paper" in said


def test_a_job_waits_for_a_device_or_an_image_and_says_so_once(job, status, monkeypatch):
    name = job("true", gpu=1)
    assert status(name) == (
        "running",
        f"Job {name}: Unschedulable: 0/1 nodes: 1 Insufficient nvidia.com/gpu\n",
    )
    assert status(name) == ("running", "")
    monkeypatch.setenv("UNISPACE_IMAGE", "misspelt")
    word, said = status(job("true"))
    assert word == "running"
    assert 'ImagePullBackOff: Back-off pulling image "misspelt"' in said


def test_cancelled_jobs_are_gone_and_have_failed(job, status, cluster):
    names = [job("sleep 60"), job("sleep 60")]
    assert [status(name)[0] for name in names] == ["running", "running"]
    assert main(["cancel", *names, "unispace-never-was"]) == 0
    assert list((cluster / "jobs").iterdir()) == []
    word, said = status(names[0])
    assert word == "failed"
    assert "the Job was deleted" in said


def test_where_the_cluster_does_not_answer_a_job_goes_on(job, status, cluster):
    name = job("true")
    (cluster / "unreachable").touch()
    word, said = status(name)
    assert word == "running"
    assert "Unable to connect to the server" in said
    (cluster / "unreachable").unlink()
    assert ended(status, name)[0] == "success"


def test_without_kubectl_all_commands_say_so(job, monkeypatch, capsys, tmp_path):
    job("true")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    for words in (["submit", "tiny", "job.sh"], ["status", "x"], ["cancel", "x"]):
        assert main(words) == 1
        assert "kubectl is not on the PATH" in capsys.readouterr().err


def test_what_the_cluster_refuses_is_told(job, cluster, capsys):
    job("true")
    (cluster / "forbidden").touch()
    assert main(["submit", "tiny", "job.sh"]) == 1
    said = capsys.readouterr()
    assert 'User "ann" cannot create' in said.err
    assert said.out == ""


def test_calls_name_the_namespace_where_one_is_set(job, cluster, monkeypatch):
    job("true")
    assert "--namespace" not in (cluster / "calls").read_text()
    monkeypatch.setenv("UNISPACE_NAMESPACE", "research")
    job("true")
    assert " --namespace=research create " in (cluster / "calls").read_text()


def test_the_check_creates_nothing_and_tells_what_is_missing(cluster, monkeypatch):
    assert check("tiny") == ""
    assert not (cluster / "jobs").exists()
    claim = cluster / "claims" / "research"
    claim.write_text("ReadWriteOnce")
    assert "is ReadWriteOnce and not ReadWriteMany" in check("tiny")
    (cluster / "forbidden").touch()
    with pytest.raises(KubernetesError, match="Forbidden"):
        check("tiny")
    claim.unlink()
    with pytest.raises(KubernetesError, match='"research" not found'):
        check("tiny")
    shutil.rmtree(cluster.parent / "bin")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(KubernetesError, match="kubectl is not on the PATH"):
        check("tiny")
    monkeypatch.delenv("UNISPACE_CLAIM")
    with pytest.raises(KubernetesError, match="UNISPACE_CLAIM must be set"):
        check("tiny")


def a_job(*conditions: dict) -> dict:
    return {"kind": "Job", "status": {"conditions": list(conditions)}}


def a_pod(phase: str, *states: dict, **status) -> dict:
    containers = [{"state": state} for state in states]
    return {"kind": "Pod", "status": {"phase": phase, "containerStatuses": containers, **status}}


def condition(kind: str, status: str = "True", **more: str) -> dict:
    return {"type": kind, "status": status, **more}


KILLED = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
LIMIT = condition("Failed", reason="BackoffLimitExceeded", message="reached the limit")


@pytest.mark.parametrize(
    ("objects", "state"),
    [
        ([], State("failed", "the Job was deleted")),
        # Its pod ends a while later; what is sent in its place would write beside it.
        (
            [a_pod("Running")],
            State("running", "the Job was deleted; its pod is about to end"),
        ),
        ([a_pod("Failed")], State("failed", "the Job was deleted")),
        ([{"kind": "Job"}], State("running")),
        ([a_job(condition("Suspended", "False"))], State("running")),
        ([a_job(condition("Complete", "False"))], State("running")),
        # Not before its pods have ended.
        ([a_job(condition("FailureTarget")), a_pod("Running")], State("running")),
        ([a_job(condition("SuccessCriteriaMet"), condition("Complete"))], State("success")),
        (
            [a_job(LIMIT), a_pod("Failed", KILLED)],
            State("failed", "BackoffLimitExceeded: reached the limit; OOMKilled, exit code 137"),
        ),
        (
            [a_job(LIMIT), a_pod("Failed", reason="DeadlineExceeded", message="was active")],
            State(
                "failed", "BackoffLimitExceeded: reached the limit; DeadlineExceeded: was active"
            ),
        ),
        (
            [a_job(), a_pod("Pending", {"waiting": {"reason": "ContainerCreating"}})],
            State("running"),
        ),
        (
            [a_job(), a_pod("Pending", {"waiting": {"reason": "InvalidImageName"}})],
            State("running", "InvalidImageName"),
        ),
    ],
)
def test_states_are_those_of_the_conditions(objects, state):
    assert state_of(objects) == state


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Complete", "Failed", "Suspended", "FailureTarget"]),
            st.sampled_from(["True", "False", "Unknown"]),
        )
    ),
    st.lists(st.sampled_from(["Pending", "Running", "Succeeded", "Failed", "Unknown"])),
)
def test_only_a_condition_that_holds_ends_a_job(conditions, phases):
    job = a_job(*(condition(kind, status) for kind, status in conditions))
    word = state_of([job, *map(a_pod, phases)]).word
    held = {kind for kind, status in conditions if status == "True"}
    ends = {"Complete": "success", "Failed": "failed"}
    assert word in ({ends[kind] for kind in held if kind in ends} or {"running"})
