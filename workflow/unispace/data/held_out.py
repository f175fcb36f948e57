"""What no training may see: images that are held out by a column of the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from unispace.errors import UserError, did_you_mean

HELD_OUT = "held_out"
"""The split of images that are held out."""


def hold_out(
    listing: pd.DataFrame,
    values: Mapping[str, Sequence[str]],
    where: str,
    *,
    by_identity: bool,
) -> pd.DataFrame:
    """Take the images that hold one of the values out of their splits.

    Args:
        listing: rows with split and the columns that `values` names.
        values: of each column, what is held out.
        where: name of the setting, for errors.
        by_identity: whether identities are divided by the splits. Then only the images of identities of the test
            split are kept, because those of the others are known to what is trained on them.

    Returns:
        The rows in their order; those held out have the split `held_out`.

    Raises:
        UserError: where a column or a value is not there, or nothing else is left.
    """
    held = pd.Series(False, index=listing.index)
    for column, names in values.items():
        if column not in listing:
            known = [name for name in listing.columns if not name.startswith("_")]
            raise UserError(f"{where}: no column `{column}`; {did_you_mean(column, known)}")
        given = set(listing[column].dropna())
        for name in names:
            if name not in given:
                raise UserError(
                    f"{where}.{column}: no image has `{name}`; {did_you_mean(name, given)}"
                )
        held |= listing[column].isin(names)
    if held.all() and len(held):
        raise UserError(f"{where}: holds out every image; leave something to train on")
    kept = ~held | (listing["split"] == "test") if by_identity else pd.Series(True, listing.index)
    return (
        listing.assign(split=listing["split"].mask(held, HELD_OUT))[kept].reset_index(drop=True)
        if values
        else listing
    )
