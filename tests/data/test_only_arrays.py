"""Libraries that read what they downloaded as pickles, or unpack it, get arrays and files in their folder only."""

import io
import pickle
import tarfile

import numpy as np
import pytest

from unispace.data.sources.layouts.pickles import only_arrays


class Planted:
    """Asks for a function to be called when it is read."""

    def __reduce__(self):
        return (print, ("run by a pickle",))


def batch():
    return {"data": np.arange(6, dtype=np.uint8), "labels": [1, 2], "names": ["a"]}


def test_arrays_and_plain_values_come_as_ever():
    content = pickle.dumps(batch())
    with only_arrays():
        found = [pickle.load(io.BytesIO(content), encoding="latin1"), pickle.loads(content)]  # noqa: S301
    for read in found:
        assert np.array_equal(read.pop("data"), np.arange(6))
        assert read == {"labels": [1, 2], "names": ["a"]}


def test_code_in_a_pickle_is_refused_and_not_run(capsys):
    content = pickle.dumps(Planted())
    with only_arrays():
        with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print"):
            pickle.load(io.BytesIO(content))  # noqa: S301
        with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print"):
            pickle.loads(content)  # noqa: S301
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "link"])
def test_a_member_that_leaves_its_folder_is_not_unpacked(tmp_path, name):
    packed, folder = tmp_path / "a.tar", tmp_path / "in" / "folder"
    folder.mkdir(parents=True)
    info = tarfile.TarInfo(str(tmp_path / "escaped") if name.startswith("/") else name)
    if name == "link":
        info.type, info.linkname = tarfile.SYMTYPE, "../../escaped"
    with tarfile.open(packed, "w") as archive:
        archive.addfile(info, io.BytesIO())
    # As torchvision does, which names no filter.
    with only_arrays(), tarfile.open(packed) as archive:
        if name.startswith("/"):
            archive.extractall(folder)  # noqa: S202
        else:
            with pytest.raises(tarfile.FilterError):
                archive.extractall(folder)  # noqa: S202
    assert not (tmp_path / "escaped").exists()
    assert not (folder / "link").is_symlink()


def test_afterwards_all_is_as_before():
    before = pickle.load, pickle.loads, tarfile.TarFile.extraction_filter
    with pytest.raises(ZeroDivisionError), only_arrays():
        raise ZeroDivisionError
    assert (pickle.load, pickle.loads, tarfile.TarFile.extraction_filter) == before
