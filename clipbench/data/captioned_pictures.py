"""Captioned data for evaluation: which part is taken, rows without a caption left out, pictures for an encoder."""

import torch

from clipbench.data.captioned import CaptionedSet
from clipbench.data.captions import caption_scenes
from clipbench.data.parts import open_captioned_part
from clipbench.data.picture_sets import PictureSet, heldout_factors, open_pictures
from clipbench.data.sources import open_captioned
from clipbench.errors import UserError


def open_evaluated_captions(name: str) -> tuple[CaptionedSet, dict[str, str]]:
    """(pictures with captions, those left out with the reason).

    Args:
        name: ``scenes:heldout``, described as in training; a table in parts, of which the test part is taken; or what
            ``open_captioned`` knows. Labelled pictures are captioned by templates.

    Raises:
        UserError: for other names, and when no row has a caption.
    """
    data = scenes_with_captions(name) if name == "scenes:heldout" else open_captioned_part(name) or open_captioned(name)
    left_out: dict[str, str] = {}
    rows = [row for row in range(len(data)) if has_caption(data, row, left_out)]
    if not rows:
        raise UserError(f"{data.name}: no picture has a caption ({next(iter(left_out.values()), 'no rows')})")
    kept = CaptionedSet(
        data.name, [data.ids[row] for row in rows], lambda row: data.picture(rows[row]),
        lambda row: data.captions(rows[row]),
    )  # fmt: skip
    return kept, left_out


def has_caption(data: CaptionedSet, row: int, left_out: dict[str, str]) -> bool:
    try:
        data.captions(row)
    except UserError as error:
        left_out[str(data.ids[row])] = str(error)
        return False
    return True


def scenes_with_captions(name: str) -> CaptionedSet:
    """The frozen evaluation scenes with the captions that the world's grammar gives them."""
    pictures, captions = open_pictures(name), caption_scenes(heldout_factors())
    return CaptionedSet(name, pictures.ids, lambda row: pictures.pictures([row])[0], lambda row: [captions[row]])


def as_pictures(data: CaptionedSet) -> PictureSet:
    """The pictures alone, without classes."""
    labels = torch.zeros(len(data), dtype=torch.int64)
    return PictureSet(data.name, labels, [], (), lambda rows: [data.picture(row) for row in rows], data.ids)
