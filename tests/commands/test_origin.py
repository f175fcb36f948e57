"""The origin of a number changes with everything that the number comes from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from unispace.commands.common import evaluation
from unispace.records.embeddings import Embeddings


def embeddings(key: str) -> Embeddings:
    return Embeddings(np.zeros((0, 2), np.float32), pd.DataFrame(), {"key": key})


def test_equal_sources_have_one_origin():
    made = [evaluation.origin("evaluate_maps", "{}", embeddings("a")) for _ in range(2)]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("command", "settings", "key"),
    [
        ("evaluate_verification", "{}", "a"),
        ("evaluate_maps", '{"seed":2}', "a"),
        ("evaluate_maps", "{}", "b"),
    ],
)
def test_settings_embeddings_and_command_count(command, settings, key):
    first = evaluation.origin("evaluate_maps", "{}", embeddings("a"))
    assert evaluation.origin(command, settings, embeddings(key)) != first


@pytest.fixture
def another_job():
    """Call it where what follows is another process, which looks its code up anew."""
    yield evaluation._made_by.cache_clear
    evaluation._made_by.cache_clear()


def test_the_code_and_the_libraries_count(monkeypatch, another_job):
    first = evaluation.origin("evaluate_maps", "{}", embeddings("a"))
    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "version", lambda name: "0")
        another_job()
        assert evaluation.origin("evaluate_maps", "{}", embeddings("a")) != first
    monkeypatch.setattr(evaluation, "sha256_of", lambda path: "changed")
    another_job()
    assert evaluation.origin("evaluate_maps", "{}", embeddings("a")) != first


def test_the_code_is_read_once_a_job(monkeypatch, another_job):
    read = []
    another_job()
    monkeypatch.setattr(evaluation, "sha256_of", lambda path: read.append(path) or "code")
    for model in "abc":
        evaluation.origin("evaluate_maps", "{}", embeddings(model))
    assert len(read) == len(set(read)) > 20
