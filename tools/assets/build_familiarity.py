"""Write what each shipped model's training held, so that it can say what is out of its depth.

    python -m tools.assets.build_familiarity [words] [pictures] [MODEL ...]

Both are made, unless one of them is named. Models are ``tiny``, ``classroom`` and ``twin:NAME``;
without any, all of them. To be run again for a model that was trained anew. What is written, and
what it means, is in ``clipbench.encoders.familiarity``.

Words are counted in all captions of the training, which are drawn again without their pictures. The
score of strangeness is fitted to new scenes of the last stage and as many lone drawings by the same
artists on the one hand, and to ``no_scenes`` on the other.
"""

import functools
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from clipbench.data.streams import DrawnPairs, Scene2Pairs, ScenePairs
from clipbench.data.world import captions as world_captions
from clipbench.data.world.drawings import drawing_sprites, trained_drawings
from clipbench.data.world.factors import SceneConfig
from clipbench.data.world.languages import LANGUAGES
from clipbench.data.world.sprites import SPRITE_SIZE, concepts, sprites
from clipbench.data.world2.settings import World2
from clipbench.encoders.clip import load
from clipbench.encoders.familiarity import PICTURES, WORDS, ScenesSeen, statistics_of, words_of
from clipbench.errors import UserError
from clipbench.pretrained.folders import TWIN, find_folder, read_json, twins
from clipbench.training.presets import find_preset, tuples
from tools.assets.no_scenes import no_scenes

PARTS = "words", "pictures"
AT_ONCE = 8192  # captions
SCENES, DRAWINGS, NO_SCENES, CALIBRATION = 1800, 1800, 2000, 1000  # pictures
# of the scenes that the score is fitted to; the next one is of those it is calibrated on
SEED = 700_001
DECAY = 0.01  # of the weights
ENGLISH = "English"
WITHOUT_CAPTIONS = ("simclr", "supervised")  # objectives


# -------------------- what was trained on


def streams_of(about: dict) -> list[tuple[DrawnPairs, int]]:
    """Make again what a model was trained on: each stage's stream, and its number of pairs."""
    return [
        (stream_of(about | stage), stage.get("pairs", about["pairs_seen"]))
        for stage in about.get("stages", [about])
    ]


def stream_of(stage: dict) -> DrawnPairs:
    data = stage.get("data") or data_of(stage["command"])
    tiny = data.endswith(":tiny")
    if data.startswith("scenes2"):
        return Scene2Pairs(stage["seed"], World2(**tuples(stage.get("scenes2", {}))), tiny)
    return ScenePairs(stage["seed"], SceneConfig(**tuples(stage.get("scenes", {}))), tiny)


def data_of(command: str) -> str:
    """Find the data of an early model by the preset in its command."""
    preset = find_preset(command.split("--preset ")[1].split()[0])
    return f"{preset.data}:tiny" if preset.tiny_world else preset.data


# -------------------- words


def count_words(streams: list[tuple[DrawnPairs, int]]) -> Counter[str]:
    """Count the words of all captions."""
    found: Counter[str] = Counter()
    for stream, pairs in streams:
        for start in range(0, pairs, AT_ONCE):
            for text in captions(stream, start, min(AT_ONCE, pairs - start)):
                found.update(words_of(text))
    return found


def captions(stream: DrawnPairs, start: int, count: int) -> list[str]:
    """Write the captions of a stream's pairs without drawing their pictures."""
    index = torch.arange(start, start + count)
    factors = stream.factors(index)
    several = (
        stream.with_wrong_ones(index, factors, number) for number in range(stream.config.captions)
    )
    return sum(several, [])


@functools.cache
def foreign_words() -> dict[str, str]:
    """Map each word that only another language's names and sentences have to that language."""
    english = {word for text in english_texts() for word in words_of(text)}
    languages: dict[str, str] = {}
    for code, language in LANGUAGES.items():
        forms = texts_in([part for name, part in vars(language).items() if name != "name"])
        names = [concept.names.get(code, "") for concept in concepts()]
        for word in (word for text in (*forms, *names) for word in words_of(text)):
            if word not in english:
                languages.setdefault(word, language.name)
    return languages


def english_texts() -> list[str]:
    """List what English captions are made of: names, other words for them, and sentences."""
    constants = [value for name, value in vars(world_captions).items() if name.isupper()]
    return texts_in(
        [
            *constants,
            *((c.name, c.hypernym, c.plural or "", c.keywords) for c in concepts()),
        ]
    )


def texts_in(parts) -> list[str]:
    """List all strings in nested tuples, lists and dicts, keys left out."""
    if isinstance(parts, str):
        return [parts]
    if isinstance(parts, dict):
        parts = parts.values()
    if not isinstance(parts, Iterable):
        return []
    return [text for part in parts for text in texts_in(part)]


def by_language(counts: Counter[str]) -> dict[str, dict[str, int]]:
    """Sort words by their language, and within it by how often they were read."""
    sorted_: dict[str, dict[str, int]] = {ENGLISH: {}}
    for word, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        sorted_.setdefault(foreign_words().get(word, ENGLISH), {})[word] = count
    return sorted_


def write_words(folder: Path, words: dict[str, dict[str, int]], fingerprint: str) -> None:
    lines = ",\n".join(
        f"{json.dumps(language)}: {json.dumps(counts, ensure_ascii=False)}"
        for language, counts in words.items()
    )
    text = f'{{"fingerprint": "{fingerprint}", "words": {{\n{lines}}}}}\n'
    (folder / WORDS).write_text(text, encoding="utf-8")


# -------------------- pictures


def material(stage: dict) -> tuple[Tensor, Tensor, Tensor]:
    """Draw scenes with lone drawings, pictures that are none, and scenes to calibrate with."""
    stream = stream_of(stage | {"seed": SEED})
    scenes = torch.cat([stream(0, SCENES).images, lone_drawings(DRAWINGS, drawings_of(stream))])
    calibration = stream_of(stage | {"seed": SEED + 1})(0, CALIBRATION).images
    return scenes, no_scenes(NO_SCENES, scenes, SEED), calibration


def lone_drawings(count: int, drawings: Tensor) -> Tensor:
    """Draw things as files of emoji have them, alone on a plain ground, mostly white.

    Args:
        drawings: (N, 4, S, S) uint8 with transparency; each comes several times, if need be.
    """
    rng = torch.Generator().manual_seed(SEED)
    white, drawn = torch.full((3, 1, 1), 255.0), []
    for number in range(count):
        side = int(torch.randint(32, SPRITE_SIZE + 1, (), generator=rng))
        colour = 255 * torch.rand(3, 1, 1, generator=rng)
        place = torch.randint(SPRITE_SIZE - side + 1, (2,), generator=rng).tolist()
        sprite = drawings[number % len(drawings)].float()
        drawn.append(pasted(sprite, colour if number % 3 == 0 else white, side, *place))
    return torch.stack(drawn)


def drawings_of(stream: DrawnPairs) -> Tensor:
    """Give a drawing of every second concept by a stream's own artists: (N, 4, S, S) uint8."""
    if not isinstance(stream, Scene2Pairs):
        return sprites()[1::2]
    by_concept = (trained_drawings(k, stream.config.sets) for k in range(1, len(concepts()), 2))
    several = (drawings for drawings in by_concept if drawings)
    return drawing_sprites(
        drawings[number % len(drawings)] for number, drawings in enumerate(several)
    )


def pasted(sprite: Tensor, colour: Tensor, side: int, top: int, left: int) -> Tensor:
    """Shrink a sprite (4, S, S) to a side, and lay it on a ground: (3, S, S) uint8."""
    small = F.interpolate(sprite[None], (side, side), mode="bicubic", antialias=True)[0]
    alpha, page = small[3:].clamp(0, 255) / 255, colour.expand(3, SPRITE_SIZE, SPRITE_SIZE).clone()
    under = page[:, top : top + side, left : left + side]
    under.copy_(alpha * small[:3] + (1 - alpha) * under)
    return page.clamp(0, 255).round().byte()


def last_stage(about: dict) -> dict:
    """Describe the stage that a model saw last: as the whole, where there was one."""
    return about | about.get("stages", [{}])[-1]


def statistics(encoder, images: Tensor) -> Tensor:
    """Compute what is looked at for (B, 3, S, S) uint8 pictures."""
    return torch.cat(
        [statistics_of(encoder.model, encoder.normalise(some)) for some in images.split(64)]
    )


def fitted(scenes: ScenesSeen, inside: Tensor, outside: Tensor, decay: float = DECAY) -> Tensor:
    """Fit the weights (F,) of a logistic regression, with both kinds of pictures alike in weight.

    Args:
        scenes: how statistics are standardised; its weights are not used.
    """
    inside, outside = scenes.standard(inside), scenes.standard(outside)
    weights = torch.zeros(inside.shape[1], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=80, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        too_high, too_low = inside @ weights + bias, -outside @ weights - bias
        wrong = F.softplus(too_high).mean() + F.softplus(too_low).mean()
        value = (wrong + decay * weights.square().sum()) / 2
        value.backward()
        return value

    optimiser.step(loss)
    return weights.detach()


def scenes_seen(
    inside: Tensor, outside: Tensor, calibration: Tensor, decay: float = DECAY
) -> ScenesSeen:
    """Fit and calibrate a score of strangeness, from statistics (B, F) of three kinds."""
    mean, deviation = inside.mean(0), inside.std(0) + 1e-4
    score = ScenesSeen(mean, deviation, torch.zeros_like(mean), mean[:0])
    score = replace(score, weights=fitted(score, inside, outside, decay))
    return replace(score, calibration=score.scores(calibration).sort().values)


def build(name: str, parts: Sequence[str] = PARTS) -> str:
    """Write a model's files; return what they hold, in a line."""
    folder, encoder = find_folder(name), load(name, "cpu", "fp32")
    about = read_json(folder / "about.json")
    told = [name]
    if "words" in parts and about.get("config", {}).get("objective") not in WITHOUT_CAPTIONS:
        words = by_language(count_words(streams_of(about)))
        write_words(folder, words, encoder.fingerprint)
        told += [f"{len(held)} {language}" for language, held in words.items()]
    if "pictures" in parts:
        looked_at = (statistics(encoder, images) for images in material(last_stage(about)))
        tensors = vars(scenes_seen(*looked_at))
        save_file(tensors, folder / PICTURES, metadata={"fingerprint": encoder.fingerprint})
        (folder / PICTURES).chmod(0o644)
        told.append(f"{len(tensors['weights'])} statistics of pictures")
    return ", ".join(told)


def main(asked: list[str]) -> None:
    parts = tuple(part for part in PARTS if part in asked) or PARTS
    names = [name for name in asked if name not in PARTS]
    for name in names or ["classroom", "tiny", *(TWIN + twin for twin in twins())]:
        print(build(name, parts), flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"build_familiarity: {error}")
