"""Which shipped models an app can offer beside its own, by what their folders say.

None is named here.
"""

import json
from collections.abc import Sequence
from functools import cache, lru_cache

from clipbench import Encoder, load
from clipbench.data.world.factors import SceneConfig
from clipbench.data.world.sprites import concepts
from clipbench.encoders.clip import joint
from clipbench.errors import UserError
from clipbench.pretrained.folders import TWIN, find_folder, twins

# objectives that make one space of pictures and texts
JOINT = ("contrastive", "sigmoid")
USUAL = SceneConfig()
SMALL_WORLD = 256  # things of "scenes:tiny"
MOST_OPENED = 4  # models in a kernel's memory, beside its own


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
    usual = share_of(USUAL.signs)
    shares = {name: share_of_signs(name) for name in joint_twins()}
    found = {name: share for name, share in shares.items() if share is not None and share != usual}
    return sorted(found, key=found.__getitem__, reverse=True)


def picture_encoders() -> list[str]:
    """List models of other objectives than CLIP's, for a search by pictures."""
    return [name for name in every_twin() if objective(name) not in JOINT]


def every_twin() -> list[str]:
    return [TWIN + name for name in twins()]


def joint_twins() -> list[str]:
    return [name for name in every_twin() if objective(name) in JOINT]


def share_of_signs(name: str) -> float | None:
    """Give the share of a model's training pictures of one thing that had a written word.

    None if nobody noted it.
    """
    scenes = about(name).get("scenes")
    return None if scenes is None else share_of(scenes.get("signs", USUAL.signs))


def share_of(signs: Sequence[float]) -> float:
    return 1.0 - float(signs[0])  # the first is the share without


# -------------------- a choice of models


def joint_models() -> list[str]:
    """List the shipped CLIPs, which take texts and pictures: the largest first."""
    return ["classroom", "tiny", *joint_twins()]


@lru_cache(maxsize=MOST_OPENED)
def opened(name: str) -> Encoder:
    """Load a shipped model, once for all apps of a kernel.

    Raises:
        UserError: for another name.
    """
    if name not in joint_models():
        raise UserError(f"{name!r} is no shipped model; choose from {', '.join(joint_models())}")
    return joint(load(name))


def found(model):
    """Return an opened model for the name of a shipped one; anything else as it is."""
    return opened(model) if isinstance(model, str) and model in joint_models() else model


def in_words(name: str) -> str:
    """Say what a model has seen, as "classroom: 1,225 things, 2.4 million pictures".

    What is special about its training world comes first.

    A name alone where its folder does not say.
    """
    noted = about(name)
    if name not in joint_models() or not noted:
        return name
    things = SMALL_WORLD if noted.get("data", "scenes:tiny") == "scenes:tiny" else len(concepts())
    parts = [f"{things:,} things", f"{how_many(noted['pairs_seen'])} pictures"]
    return f"{name.removeprefix(TWIN)}: {', '.join([*differences(noted), *parts])}"


def how_many(count: int) -> str:
    return f"{count / 1e6:.1f} million" if count >= 999_500 else f"{round(count, -3):,}"


def differences(noted: dict) -> list[str]:
    """Say in what a model's training world differs from the usual one."""
    scenes = noted.get("scenes", {})
    share, usual = share_of(scenes.get("signs", USUAL.signs)), share_of(USUAL.signs)
    found = []
    if share != usual:
        found.append(f"printed words on {100 * share:.0f} %" if share else "no printed words")
    if not scenes.get("count_words", True):
        found.append("captions never count")
    if scenes.get("wrong_captions"):
        found.append(f"{100 * scenes['wrong_captions']:.0f} % wrong captions")
    if len(scenes.get("languages", ())) > 1:
        found.append(f"{len(scenes['languages'])} languages")
    return found
