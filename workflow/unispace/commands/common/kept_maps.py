"""Fitted maps that a job finds again: of a changed setting, only the maps that it concerns are fitted anew.

Files of maps are the largest that a study's numbers come from, so they are not written twice: what is kept of two models
is a second name of the file that the job wrote, and beside it what each map in it was made of. Snakemake removes the
outputs of a job before it runs, and the second names stay.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from unispace.alignment.mapping import Map
from unispace.alignment.storage import load_maps
from unispace.errors import UserError
from unispace.records.files import read_json, replacing, sha256_of, write_json
from unispace.records.names import pair_name

log = logging.getLogger(__name__)

Told = dict[str, Any]
"""What is to be known of a map without reading it, as JSON has it."""


class KeptMap(NamedTuple):
    """A map, and what is told of it."""

    fitted: Map
    told: Told


class KeptMaps:
    """The maps of each source and target from the last run, read when they are asked for."""

    def __init__(self, folder: Path | None) -> None:
        """Look in a folder; None for maps that are never kept."""
        self._folder = folder
        self._written: set[str] = set()

    def of_pair(self, source: str, target: str, keys: Mapping[str, str]) -> dict[str, KeptMap]:
        """The maps that need not be fitted; none where the file was damaged since.

        Args:
            source: name of the model.
            target: likewise.
            keys: of each method, names all that decides its map.
        """
        if self._folder is None:
            return {}
        file, card = self._files(pair_name(source, target))
        if not (file.is_file() and card.is_file()):
            return {}
        try:
            found = read_json(card)
        except UserError as error:
            log.warning("%s; what it kept is made anew", error)
            return {}
        same = [method for method, key in keys.items() if found["keys"].get(method) == key]
        if not same:
            return {}
        if sha256_of(file) != found["sha256"]:
            log.warning("%s is damaged; what it kept is made anew", file)
            return {}
        maps = load_maps(file)
        return {method: KeptMap(maps[method], found["told"][method]) for method in same}

    def keep(
        self,
        source: str,
        target: str,
        file: Path,
        keys: Mapping[str, str],
        told: Mapping[str, Told],
    ) -> None:
        """Keep the maps of a pair for the next time.

        Args:
            source: name of the model.
            target: likewise.
            file: that was written of them.
            keys: as `of_pair` takes them.
            told: of each map.
        """
        if self._folder is None:
            return
        name = pair_name(source, target)
        kept, card = self._files(name)
        with replacing(kept) as temporary:
            temporary.unlink()
            try:
                os.link(file, temporary)
            except OSError:
                # A file system that knows no second names.
                shutil.copyfile(file, temporary)
        digest = sha256_of(file)
        write_json(card, {"sha256": digest, "keys": dict(keys), "told": dict(told)})
        self._written.add(name)

    def forget_others(self) -> None:
        """Remove what is kept of pairs that this run had no maps for."""
        if self._folder is None or not self._folder.is_dir():
            return
        wanted = {path for name in self._written for path in self._files(name)}
        for path in self._folder.iterdir():
            if path not in wanted:
                path.unlink()

    def _files(self, name: str) -> tuple[Path, Path]:
        """The maps of a pair, and what they were made of."""
        folder = self._folder or Path()
        return folder / f"{name}.safetensors", folder / f"{name}.json"
