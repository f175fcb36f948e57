"""A pretended cluster on the PATH."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pretended_kubectl import install


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a cluster with one claim, `research`; the environment is that of a user of it."""
    folder = tmp_path / "cluster"
    (folder / "claims").mkdir(parents=True)
    (folder / "claims" / "research").write_text("ReadWriteOnce ReadWriteMany")
    for name in ("MOUNT", "SECRET", "POD", "NAMESPACE"):
        monkeypatch.delenv(f"UNISPACE_{name}", raising=False)
    monkeypatch.setenv("PRETENDED_CLUSTER", str(folder))
    monkeypatch.setenv("PATH", f"{install(tmp_path)}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("UNISPACE_IMAGE", "unispace")
    monkeypatch.setenv("UNISPACE_CLAIM", "research")
    return folder
