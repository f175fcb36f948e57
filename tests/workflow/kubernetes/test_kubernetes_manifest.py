"""Manifests: what an API server takes, and what the job asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pretended_kubectl import NAME, VALUE, invalid

from kubernetes_jobs.errors import KubernetesError
from kubernetes_jobs.jobscript import Request, read_request
from kubernetes_jobs.manifest import label_of, manifest_of, name_of
from kubernetes_jobs.settings import Settings, read_settings

ASKED = Request(Path("/shared/unispace/.snakemake/tmp.x/job.sh"), "train_model", 2, 3000, 45)
STUDIES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,59}", fullmatch=True)
RULES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,80}", fullmatch=True)
VARIABLES = {"UNISPACE_IMAGE": "unispace", "UNISPACE_CLAIM": "research"}


def settings(**changed) -> Settings:
    return read_settings({**VARIABLES, **changed}, Path("/shared/unispace"))


@given(STUDIES, RULES)
def test_names_are_names_of_dns_and_differ(study, rule):
    names = {name_of(study, rule) for _ in range(3)}
    assert len(names) == 3
    assert all(NAME.fullmatch(name) and name.startswith("unispace-") for name in names)


@given(st.text(max_size=200))
def test_labels_are_labels_whatever_they_are_made_of(text):
    assert VALUE.fullmatch(label_of(text))
    if VALUE.fullmatch(text):
        assert label_of(text) == text


@given(
    STUDIES,
    RULES,
    st.integers(1, 256),
    st.integers(1, 10**7),
    st.integers(1, 10**5),
    st.integers(0, 16),
)
def test_a_manifest_is_valid_and_asks_for_what_the_job_asks(
    study, rule, threads, megabytes, minutes, gpus
):
    asked = Request(ASKED.script, rule, threads, megabytes, minutes, gpus)
    manifest = manifest_of(name_of(study, rule), study, asked, settings())
    assert invalid(manifest) == ""
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    wanted = {"cpu": str(threads), "memory": f"{megabytes}M"}
    wanted |= {"nvidia.com/gpu": str(gpus)} if gpus else {}
    assert container["resources"] == {"requests": wanted, "limits": wanted}
    # Of the pod alone: that of a Job also counts the time in which no machine is free.
    assert pod["activeDeadlineSeconds"] == 60 * minutes
    assert "activeDeadlineSeconds" not in manifest["spec"]
    # Processes of one training on several devices share memory.
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert mounts == ["/shared/unispace", *(["/dev/shm"] if gpus > 1 else [])]  # noqa: S108  # a mount of the pod
    # Snakemake is who sends a job again.
    assert (manifest["spec"]["backoffLimit"], pod["restartPolicy"]) == (0, "Never")
    # The selector by which it is found again.
    assert manifest["metadata"]["labels"]["unispace/job"] == manifest["metadata"]["name"]
    assert manifest["spec"]["template"]["metadata"]["labels"] == manifest["metadata"]["labels"]


def test_a_secret_is_named_and_nothing_of_the_environment_is_in_a_manifest(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_planted4711planted")
    manifest = manifest_of("n", "tiny", ASKED, settings(UNISPACE_SECRET="tokens"))  # noqa: S106
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "tokens"}}]
    assert container["env"] == [{"name": "PYTHONPATH", "value": "/shared/unispace/workflow"}]
    assert "planted" not in json.dumps(manifest)
    plain = manifest_of("n", "tiny", ASKED, settings())
    assert "envFrom" not in plain["spec"]["template"]["spec"]["containers"][0]


def test_a_volume_that_holds_more_than_the_project_is_mounted_where_it_belongs():
    manifest = manifest_of("n", "tiny", ASKED, settings(UNISPACE_MOUNT="/shared"))
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["volumeMounts"] == [{"name": "project", "mountPath": "/shared"}]
    assert container["workingDir"] == "/shared/unispace"
    assert container["command"] == ["/bin/sh", str(ASKED.script)]
    assert pod["volumes"] == [
        {"name": "project", "persistentVolumeClaim": {"claimName": "research"}}
    ]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"UNISPACE_IMAGE": ""}, "UNISPACE_IMAGE must be set"),
        ({"UNISPACE_CLAIM": "", "UNISPACE_IMAGE": ""}, "UNISPACE_IMAGE and UNISPACE_CLAIM must be"),
        ({"UNISPACE_MOUNT": "/elsewhere"}, "must be that folder or one above it"),
        ({"UNISPACE_MOUNT": "shared"}, "must be that folder or one above it"),
        ({"UNISPACE_POD": "/nowhere.yaml"}, "/nowhere.yaml cannot be read"),
    ],
)
def test_settings_that_cannot_be_are_refused(variables, words):
    with pytest.raises(KubernetesError, match=re.escape(words)):
        settings(**variables)


def test_what_a_cluster_wants_besides_comes_from_a_file(tmp_path):
    file = tmp_path / "pod.yaml"
    file.write_text("nodeSelector: { pool: gpu }\n")
    manifest = manifest_of("n", "tiny", ASKED, settings(UNISPACE_POD=str(file)))
    assert manifest["spec"]["template"]["spec"]["nodeSelector"] == {"pool": "gpu"}
    file.write_text("containers: []\nvolumes: []\n")
    with pytest.raises(KubernetesError, match="may not set containers, volumes"):
        settings(UNISPACE_POD=str(file))
    file.write_text("- a list\n")
    with pytest.raises(KubernetesError, match="must hold keys"):
        settings(UNISPACE_POD=str(file))
    file.write_text("!!python/object/apply:os.getcwd []\n")
    with pytest.raises(KubernetesError, match="cannot be read"):
        settings(UNISPACE_POD=str(file))


def script(folder: Path, **changed) -> Path:
    properties = {
        "type": "single",
        "rule": "train_model",
        "threads": 2,
        "resources": {"mem_mb": 3000, "runtime": 45, "gpu": 1, "tmpdir": "<TBD>"},
        **changed,
    }
    file = folder / "job.sh"
    file.write_text(f"#!/bin/sh\n# properties = {json.dumps(properties)}\ntrue\n")
    return file


def test_what_a_job_asks_for_is_read_from_its_script(tmp_path):
    file = script(tmp_path)
    assert read_request(file) == Request(file, "train_model", 2, 3000, 45, 1)
    group = script(
        tmp_path, type="group", groupid="images", resources={"mem_mb": 100, "runtime": 5}
    )
    assert read_request(group) == Request(file, "images", 2, 100, 5, 0)


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ({"runtime": 5}, "train_model asks for mem_mb=None"),
        ({"mem_mb": "<TBD>", "runtime": 5}, "asks for mem_mb=<TBD>"),
        ({"mem_mb": 100, "runtime": 0}, "asks for runtime=0"),
        ({"mem_mb": 100, "runtime": 5, "gpu": -1}, "asks for gpu=-1"),
        ({"mem_mb": 100, "runtime": 5, "gpu": True}, "asks for gpu=True"),
    ],
)
def test_a_resource_that_is_no_number_is_refused(tmp_path, resources, words):
    with pytest.raises(KubernetesError, match=re.escape(words)):
        read_request(script(tmp_path, resources=resources))


def test_a_script_of_somebody_else_is_refused(tmp_path):
    file = tmp_path / "other.sh"
    file.write_text("#!/bin/sh\ntrue\n")
    with pytest.raises(KubernetesError, match="no job script of Snakemake"):
        read_request(file)
