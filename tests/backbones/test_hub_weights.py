"""Weights from the hub, with the hub replaced."""

import hashlib

import httpx2
import pytest
from huggingface_hub.errors import (
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    XetDownloadError,
)

from unispace.backbones import hub
from unispace.backbones.hub import fetch_from_hub
from unispace.config.backbones import HubWeights
from unispace.errors import UserError

CONTENT = b"weights as published"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def weights(**changes):
    return HubWeights.model_validate(
        {"kind": "hub", "repo": "timm/some", "revision": "abc123", "sha256": SHA256, **changes}
    )


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Serve CONTENT as the hub's client does, and note what it was asked for."""
    cached = tmp_path / "cache" / "model.safetensors"
    cached.parent.mkdir()
    cached.write_bytes(CONTENT)
    calls = []

    def download(repo_id, filename, *, revision):
        calls.append((repo_id, filename, revision))
        return str(cached)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    return calls


def failing(monkeypatch, error):
    def download(*args, **kwargs):
        raise error

    monkeypatch.setattr(hub, "hf_hub_download", download)


def test_the_file_is_asked_for_at_its_revision_and_copied(asked, tmp_path):
    fetch_from_hub(weights(filename="sub/open.safetensors"), tmp_path / "out" / "w.safetensors")
    assert asked == [("timm/some", "sub/open.safetensors", "abc123")]
    assert (tmp_path / "out" / "w.safetensors").read_bytes() == CONTENT
    assert (tmp_path / "cache" / "model.safetensors").read_bytes() == CONTENT


def test_another_checksum_is_refused_and_nothing_is_written(asked, tmp_path):
    with pytest.raises(UserError, match=f"sha256 is {SHA256}, the study says {'0' * 64}"):
        fetch_from_hub(weights(sha256="0" * 64), tmp_path / "w.safetensors")
    assert not (tmp_path / "w.safetensors").exists()


def test_without_a_checksum_the_file_is_trusted_with_a_warning(asked, tmp_path, caplog):
    fetch_from_hub(weights(sha256=None), tmp_path / "w.safetensors")
    assert (tmp_path / "w.safetensors").read_bytes() == CONTENT
    assert f"no sha256 given: trusting {SHA256}" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        LocalEntryNotFoundError("no network and not in the cache"),
        OfflineModeIsEnabled("offline mode"),
        RepositoryNotFoundError(
            "404", response=httpx2.Response(404, request=httpx2.Request("GET", "https://h"))
        ),
        HFValidationError("Repo id must be in the form"),
        httpx2.ReadTimeout("timed out half-way"),
        XetDownloadError("xet"),
        ConnectionResetError("reset by peer"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_the_client_raises_is_an_error_with_the_remedy(monkeypatch, tmp_path, error):
    failing(monkeypatch, error)
    message = r"timm/some/model\.safetensors at abc123: not to be had from the hub .*`kind: file`"
    with pytest.raises(UserError, match=message):
        fetch_from_hub(weights(), tmp_path / "w.safetensors")


def test_an_interrupt_is_not_taken_for_an_error_of_the_hub(monkeypatch, tmp_path):
    failing(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        fetch_from_hub(weights(), tmp_path / "w.safetensors")
