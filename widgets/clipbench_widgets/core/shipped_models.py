"""Which shipped models an app can offer beside its own, by what their folders say.

None is named here.
"""

import json
from collections.abc import Sequence
from functools import cache

from clipbench.data.world.factors import SceneConfig
from clipbench.errors import UserError
from clipbench.pretrained.folders import TWIN, find_folder, twins

# objectives that make one space of pictures and texts
JOINT = ("contrastive", "sigmoid")


@cache
def about(name: str) -> dict:
    """Read what a shipped model's folder says of its training; empty if it says nothing."""
    try:
        return json.loads((find_folder(name) / "about.json").read_text(encoding="utf-8"))
    except (UserError, OSError, ValueError):
        return {}


def objective(name: str) -> str:
    return about(name).get("config", {}).get("objective", JOINT[0])


def readers() -> list[str]:
    """List CLIPs that saw more, or fewer, words on their training pictures than is usual.

    The one that saw most comes first.
    """
    usual = share_of(SceneConfig().signs)
    shares = {name: share_of_signs(name) for name in every_twin() if objective(name) in JOINT}
    found = {name: share for name, share in shares.items() if share is not None and share != usual}
    return sorted(found, key=found.__getitem__, reverse=True)


def picture_encoders() -> list[str]:
    """List models of other objectives than CLIP's, for a search by pictures."""
    return [name for name in every_twin() if objective(name) not in JOINT]


def every_twin() -> list[str]:
    return [TWIN + name for name in twins()]


def share_of_signs(name: str) -> float | None:
    """Give the share of a model's training pictures of one thing that had a written word.

    None if nobody noted it.
    """
    scenes = about(name).get("scenes")
    return None if scenes is None else share_of(scenes.get("signs", SceneConfig().signs))


def share_of(signs: Sequence[float]) -> float:
    return 1.0 - float(signs[0])  # the first is the share without
