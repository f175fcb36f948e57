"""Classification by texts: which data sets, in which words."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
)

from unispace.config.base import Distinct, DistinctSome, Name, Settings
from unispace.errors import did_you_mean

Templates = Literal["plain", "studio", "clip-imagenet-7", "clip-imagenet-80"]
OWN = "own"
"""The set of templates that is another one for each data set."""
_BUILT_IN = (*get_args(Templates), OWN)
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def _one_or_several(value: Any) -> str:
    return "several" if isinstance(value, dict) else "one"


Called = Annotated[
    Annotated[Words, Tag("one")] | Annotated[dict[str, Words], Tag("several")],
    Discriminator(_one_or_several),
]


class Prompts(Settings):
    """Zero-shot classification by the text towers of CLIPs."""

    datasets: Distinct[Name] = ()
    """Evaluated data sets of objects whose images are named by texts."""
    files: dict[Name, str] = Field(default={})
    """Templates of your own, by a name for `templates`: a text file with one a line, in each of which `{}` stands for
    the name of the class, or `{a}` for the name with its article; looked up below `UNISPACE_DATA` and the working
    folder."""
    templates: DistinctSome[Name] = ("plain",)
    """Sentences that a class is put into; the embeddings of one set are averaged, and each set is a protocol of its
    own. `plain`: "a photo of a ..."; `studio`: in the words of the captions of the studio's objects;
    `clip-imagenet-7` and `clip-imagenet-80`: those that CLIP was published with for ImageNet; `own`: for each data set
    those that were published for it, or those of its captions (`workflow/unispace/data/prompts/own`); or a name
    of `files`."""
    own: dict[Name, Name] = Field(default={})
    """Whose class names and own templates a data set takes, where its source does not tell: `{ my_photos: cifar10 }`.
    Rendered sets, the digits and the sets of CLIP's paper from torchvision or the registry are known by their source."""
    names: dict[str, Called] = Field(default={})
    """What a label is called in a text, where it is neither the label itself with spaces for underscores nor what the
    set of `own` calls it. For one data set alone, by its name: `{ objects: { lock: padlock } }`."""
    backbones: DistinctSome[Name] | None = None
    """Backbones of provider `open_clip` that name images; left out: all of them."""

    def names_everywhere(self) -> dict[str, str]:
        """Words by label, for all data sets."""
        return {label: words for label, words in self.names.items() if isinstance(words, str)}

    def names_in(self, dataset: str) -> dict[str, str]:
        """Words by label, for one data set alone."""
        words = self.names.get(dataset, {})
        return words if isinstance(words, dict) else {}

    def name_blocks(self) -> tuple[str, ...]:
        """The keys of `names` that stand for data sets."""
        return tuple(key for key, words in self.names.items() if isinstance(words, dict))

    @field_validator("files")
    @classmethod
    def _own_names(cls, files: dict[str, str]) -> dict[str, str]:
        for name in files:
            if name in _BUILT_IN:
                raise ValueError(f"`{name}` is the name of a set that is there; take another")
        return files

    @field_validator("templates")
    @classmethod
    def _known_templates(cls, templates: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        files = info.data.get("files", {})
        allowed = (*_BUILT_IN, *files)
        for name in templates:
            if name not in allowed:
                raise ValueError(
                    f"there is no set `{name}`; {did_you_mean(name, allowed)}; a file of your own is named in "
                    f"prompts.files"
                )
        for name in files:
            if name not in templates:
                raise ValueError(f"the set `{name}` of prompts.files is not used; add it here")
        return templates
