"""Official lists of verification pairs, read into one table.

Every reader takes the text of its files and a function that finds an image by how the list calls it. Each pair
is checked against the labels of its images, so a list of another release, or read in the wrong order, is refused.
"""

from __future__ import annotations

import csv
import io
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pandas as pd

from unispace.config.datasets import CfpPairs, CsvPairs, LfwPairs, Pairs
from unispace.data.sources.archive import open_archive
from unispace.data.sources.fetch import check
from unispace.errors import UserError, did_you_mean
from unispace.records.pairs import SCHEMA, no_pairs
from unispace.records.places import locate

Read = Callable[[str], tuple[str, str]]
"""Name and text of a file: of the whole path that ends as asked for."""

_YES = frozenset({"1", "true", "yes", "same"})
_NO = frozenset({"0", "false", "no", "different"})


class Images:
    """The images of a data set, found by the end of their path, whatever folder and suffix an archive gives them."""

    def __init__(self, label: Mapping[str, str]) -> None:
        """Images and their labels.

        Args:
            label: label of every image_id.
        """
        self._label = label
        self._by_tail: dict[int, dict[str, list[str]]] = {}

    def find(self, tail: str, where: str) -> str:
        """The image_id whose last parts, without suffix, are `tail`.

        Raises:
            UserError: where there is none, or more than one.
        """
        depth = tail.count("/") + 1
        if depth not in self._by_tail:
            table: dict[str, list[str]] = {}
            for name in self._label:
                stem = posixpath.splitext(name)[0]
                table.setdefault("/".join(stem.split("/")[-depth:]), []).append(name)
            self._by_tail[depth] = table
        found = self._by_tail[depth].get(tail, [])
        if not found:
            near = did_you_mean(tail, self._by_tail[depth])
            raise UserError(f"{where}: the data set holds no image {tail}; {near}")
        if len(found) > 1:
            raise UserError(f"{where}: {tail} may be {found[0]} or {found[1]}")
        return found[0]

    def known(self, image_id: str, where: str) -> str:
        """An image_id that stands in a list as it is.

        Raises:
            UserError: where there is no such image.
        """
        if image_id not in self._label:
            raise UserError(
                f"{where}: the data set holds no image `{image_id}`; {did_you_mean(image_id, self._label)}"
            )
        return image_id

    def checked(self, first: str, second: str, genuine: bool, where: str) -> tuple[str, str, bool]:
        """A pair, if its images are two and their labels say the same as the list.

        Raises:
            UserError: where they do not.
        """
        if first == second:
            raise UserError(f"{where}: {first} is compared with itself")
        one, other = self._label[first], self._label[second]
        if (one == other) != genuine:
            listed = "the same identity" if genuine else "two identities"
            raise UserError(
                f"{where}: listed as {listed}, but {first} is {one} and {second} is {other}; "
                f"the list belongs to another release"
            )
        return first, second, genuine


def official_pairs(
    name: str, pairs: Pairs | None, archive_file: Path | None, listing: pd.DataFrame
) -> pd.DataFrame:
    """The official pairs of a data set.

    Args:
        name: the data set's name in the study.
        pairs: where its lists are; None where it has none.
        archive_file: the fetched archive, for lists that lie in it.
        listing: columns image_id and label of all images of the source, chosen or not.

    Returns:
        Columns of `records.pairs`, in the order of the lists; no rows where there are none.

    Raises:
        UserError: where a list is missing, malformed, names an image that is not in the source, or contradicts
            its label.
    """
    if pairs is None:
        return no_pairs()
    images = Images(dict(zip(listing["image_id"], listing["label"], strict=True)))
    if isinstance(pairs, CfpPairs) or pairs.sha256 is None:
        if archive_file is None:
            raise ValueError(
                f"{name}: pairs without a checksum lie in the archive, and there is none"
            )
        with open_archive(archive_file) as archive:

            def read(file: str) -> tuple[str, str]:
                member = _member(archive.files, file, archive_file)
                return f"{archive_file}: {member}", _text(archive.read(member), member)

            rows = list(_rows(pairs, read, images))
    else:
        path = locate(pairs.file, f"datasets.{name}.pairs")
        check(path, pairs.sha256, f"datasets.{name}.pairs: {pairs.file}")
        content = path.read_bytes()
        rows = list(_rows(pairs, lambda file: (file, _text(content, file)), images))
    return pd.DataFrame(rows, columns=list(SCHEMA.names))


def _member(files: tuple[str, ...], wanted: str, archive: Path) -> str:
    found = [name for name in files if name == wanted or name.endswith(f"/{wanted}")]
    if not found:
        others = {posixpath.basename(name) for name in files if name.endswith((".txt", ".csv"))}
        near = did_you_mean(posixpath.basename(wanted), others)
        raise UserError(f"{archive}: holds no list `{wanted}`; {near}")
    return min(found, key=lambda name: (name.count("/"), name))


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is no text in UTF-8 ({error})") from error


def _rows(pairs: Pairs, read: Read, images: Images) -> Iterator[tuple[str, str, str, bool, int]]:
    """The rows of all lists."""
    match pairs:
        case LfwPairs(file=file):
            name, text = read(file)
            found = {"": read_lfw(text, name, images)}
        case CfpPairs(folder=folder, lists=lists):
            found = {kind: _read_cfp_list(kind, folder, read, images) for kind in lists}
        case CsvPairs(file=file):
            name, text = read(file)
            found = {"": read_csv(text, name, images)}
    for kind, rows in found.items():
        for first, second, genuine, fold in rows:
            yield kind, first, second, genuine, fold


def read_lfw(text: str, name: str, images: Images) -> Iterator[tuple[str, str, bool, int]]:
    """Pairs of LFW's pairs.txt, or of its pairsDevTrain.txt and pairsDevTest.txt.

    The first line says how many folds there are and how many pairs of each kind in each, or only the latter. In
    each fold stand the genuine pairs (`name, number, number`), then the impostor pairs (`name, number, name,
    number`), separated by tabs.

    Args:
        text: the file.
        name: what to call it in errors.
        images: the images of the data set.

    Yields:
        First and second image_id, whether genuine, and the fold: from 1, or 0 without folds.

    Raises:
        UserError: where the file is malformed, a count is wrong, or a pair cannot be; with its line.
    """
    lines = [line.split() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    head = lines[0] if lines else []
    if len(head) not in (1, 2) or not all(re.fullmatch(r"[1-9]\d*", cell) for cell in head):
        raise UserError(
            f"{name}, line 1: needs the number of folds and of pairs, such as `10 300`, "
            f"got `{' '.join(head):.60}`"
        )
    folds, each = (1, int(head[0])) if len(head) == 1 else (int(head[0]), int(head[1]))
    expected = folds * 2 * each
    if len(lines) - 1 != expected:
        raise UserError(
            f"{name}: line 1 announces {expected:,} pairs ({folds} x 2 x {each}), {len(lines) - 1:,} follow; "
            f"it is truncated or another list"
        )
    for number, cells in enumerate(lines[1:]):
        where = f"{name}, line {number + 2}"
        genuine = number // each % 2 == 0
        if len(cells) != (3 if genuine else 4):
            needed = "name, number, number" if genuine else "name, number, name, number"
            raise UserError(f"{where}: needs {needed}, got `{' '.join(cells):.80}`")
        one, other = (cells[:2], [cells[0], cells[2]]) if genuine else (cells[:2], cells[2:])
        first, second = (
            images.find(f"{person}/{person}_{_number(image, where):04d}", where)
            for person, image in (one, other)
        )
        fold = 0 if len(head) == 1 else number // (2 * each) + 1
        yield *images.checked(first, second, genuine, where), fold


def _number(cell: str, where: str) -> int:
    if not re.fullmatch(r"\d+", cell):
        raise UserError(f"{where}: `{cell}` is no number of an image")
    return int(cell)


def _read_cfp_list(
    kind: str, folder: str, read: Read, images: Images
) -> Iterator[tuple[str, str, bool, int]]:
    """One of CFP's lists: FF is frontal with frontal, FP frontal with profile."""
    numbered = []
    for pose in kind:
        name, text = read(f"{folder}/Pair_list_{pose}.txt")
        numbered.append(read_cfp_images(text, name, images))
    for fold in range(1, 11):
        for file, genuine in (("same", True), ("diff", False)):
            name, text = read(f"{folder}/Split/{kind}/{fold:02d}/{file}.txt")
            for pair in read_cfp_pairs(text, name, numbered[0], numbered[1], genuine, images):
                yield *pair, fold


def read_cfp_images(text: str, name: str, images: Images) -> dict[int, str]:
    """The images of CFP's Pair_list_F.txt or Pair_list_P.txt by their number.

    Args:
        text: the file: `number path` in each line, the path ending in identity/pose/image.jpg.
        name: what to call it in errors.
        images: the images of the data set.

    Raises:
        UserError: where a line is malformed, a number stands twice, or an image is not there; with its line.
    """
    found: dict[int, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        match = re.fullmatch(r"\s*(\d+)\s+(?:.*/)?([^/]+/[^/]+/[^/]+?)\.[A-Za-z]+\s*", line)
        if not match:
            raise UserError(
                f"{where}: needs a number and a path, such as `1 ../Data/Images/001/frontal/01.jpg`, "
                f"got `{line:.80}`"
            )
        if int(match[1]) in found:
            raise UserError(f"{where}: number {match[1]} stands twice")
        found[int(match[1])] = images.find(match[2], where)
    return found


def read_cfp_pairs(
    text: str,
    name: str,
    first: Mapping[int, str],
    second: Mapping[int, str],
    genuine: bool,
    images: Images,
) -> Iterator[tuple[str, str, bool]]:
    """Pairs of a same.txt or diff.txt of CFP: `number,number` in each line.

    Args:
        text: the file.
        name: what to call it in errors.
        first: images by number, for the first column.
        second: images by number, for the second column.
        genuine: whether the file lists pairs of one identity.
        images: the images of the data set.

    Raises:
        UserError: where a line is malformed, a number unknown, or the file empty; with its line.
    """
    count = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        match = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*", line)
        if not match:
            raise UserError(f"{where}: needs two numbers, such as `4,7`, got `{line:.80}`")
        for column, table in ((match[1], first), (match[2], second)):
            if int(column) not in table:
                raise UserError(f"{where}: image {column} is not in the list of images")
        yield images.checked(first[int(match[1])], second[int(match[2])], genuine, where)
        count += 1
    if not count:
        raise UserError(f"{name} lists no pair")


def read_csv(text: str, name: str, images: Images) -> Iterator[tuple[str, str, bool, int]]:
    """Pairs of a CSV table with the columns first, second, same and, if there are folds, fold.

    Args:
        text: the file; `first` and `second` are image ids as in the manifest, `same` is 1 or 0 (or true, yes,
            same and false, no, different), `fold` a number from 1.
        name: what to call it in errors.
        images: the images of the data set.

    Raises:
        UserError: where the table is malformed or empty, or a pair cannot be; with its line.
    """
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(lines.line_num, [cell.strip() for cell in row]) for row in lines if row]
    except csv.Error as error:
        raise UserError(f"{name}, line {lines.line_num}: no valid CSV ({error})") from error
    header = rows[0][1] if rows else []
    if header not in (["first", "second", "same"], ["first", "second", "same", "fold"]):
        raise UserError(
            f"{name}, line 1: needs the columns `first,second,same` or `first,second,same,fold`, "
            f"got `{','.join(header):.80}`"
        )
    if len(rows) == 1:
        raise UserError(f"{name} lists no pair")
    for line, row in rows[1:]:
        where = f"{name}, line {line}"
        if len(row) != len(header):
            raise UserError(f"{where}: {len(row)} cells, needs {len(header)}")
        same = row[2].lower()
        if same not in _YES | _NO:
            raise UserError(f"{where}: `same` is `{row[2]}`, needs 1 or 0")
        fold = "0" if len(row) == 3 else row[3]
        if len(row) == 4 and not re.fullmatch(r"[1-9]\d*", fold):
            raise UserError(f"{where}: `fold` is `{fold}`, needs a number from 1")
        first, second = (images.known(image, where) for image in row[:2])
        yield *images.checked(first, second, same in _YES, where), int(fold)
