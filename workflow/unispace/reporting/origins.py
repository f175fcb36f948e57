"""Where each figure comes from: its tables, the settings and the code that decide it, and how to draw it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unispace.errors import UserError
from unispace.reporting.pictures import Picture

# Parts of the study that decide a figure beside the tables it is drawn from, by the beginning of its name; what made the
# tables is decided by more, which `unispace.config` documents part by part.
_SETTINGS = {
    "schedule": ("curricula",),
    "losses": ("backbones", "curricula", "seeds"),
    "conflicts": ("backbones", "curricula", "seeds"),
    "interpolation": ("curricula", "evaluation"),
    "views": ("report", "evaluation"),
    "separability": ("analysis", "evaluation"),
    "pca_": ("analysis", "evaluation"),
    "maps_schematic": (),
    "maps": ("maps", "evaluation"),
    "retrieval": ("maps",),
    "planted": ("maps",),
    "gelo": ("tradeoffs", "curricula", "evaluation"),
    "det": ("tradeoffs", "evaluation"),
}
_OTHERS = ("curricula", "evaluation")
_SHOWN = 2


@dataclass(frozen=True)
class Origin:
    """Where a figure comes from.

    Attributes:
        name: of the figure.
        tables: what it is drawn from, of many the first.
        more: how many these are not.
        settings: parts of the study that decide it.
        numbers: beginning of the SHA-256 of the CSV beside it.
        command: that draws it again.
    """

    name: str
    tables: tuple[str, ...]
    more: int
    settings: tuple[str, ...]
    numbers: str
    command: str


def origins(
    pictures: Mapping[str, Picture], tables: Mapping[str, Sequence[str]], folder: str, results: str
) -> list[Origin]:
    """The origin of each figure.

    Args:
        pictures: the figures.
        tables: paths of what each is drawn from.
        folder: of the figures, as Snakemake names it.
        results: of the study; paths below it are shown from there.

    Raises:
        UserError: where it is not said what a figure is drawn from.
    """
    missing = [name for name in pictures if name not in tables]
    if missing:
        raise UserError(
            f"the settings do not say what figure `{missing[0]}` is drawn from; "
            f"see rule render_report in workflow/rules/report.smk"
        )
    return [
        Origin(
            name=name,
            tables=tuple(path.removeprefix(f"{results}/") for path in tables[name][:_SHOWN]),
            more=max(0, len(tables[name]) - _SHOWN),
            settings=settings_of(name),
            numbers=picture.numbers,
            command=f"snakemake --cores 2 {folder}/{name}.svg",
        )
        for name, picture in pictures.items()
    ]


def settings_of(figure: str) -> tuple[str, ...]:
    """The parts of the study that decide a figure."""
    return next((parts for start, parts in _SETTINGS.items() if figure.startswith(start)), _OTHERS)
