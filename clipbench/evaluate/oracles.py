"""Known answers of released checkpoints: whoever loads one can check that it is the same model.

A wrong preprocessing, activation or tokenizer raises no error; it makes a checkpoint a little
worse. The README of the released code (openai/CLIP) prints what ViT-B/32 says of two pictures, and
these numbers can be compared.
"""

import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence

from PIL import Image

from clipbench.data.image_set import PictureSet
from clipbench.data.readers.prompt_sets import with_known_words
from clipbench.encoders.clip import Encoder
from clipbench.errors import UserError, first_line
from clipbench.evaluate.features.compute import image_features
from clipbench.evaluate.zero_shot import zero_shot_metrics, zero_shot_weights
from clipbench.preprocess import open_picture

# ViT-B/32, fractions. The picture is figure 1 of the paper, as the repository has it.
DIAGRAM = {"a diagram": 0.9927937, "a dog": 0.00421068, "a cat": 0.00299572}
# ViT-B/32 of picture 3637 of CIFAR-100's test set, "a photo of a {}": the five best of 100
SNAKE = {
    "snake": 0.6531,
    "turtle": 0.1229,
    "sweet_pepper": 0.0383,
    "lizard": 0.0188,
    "crocodile": 0.0175,
}
SNAKE_ROW = 3637
AGREES = 0.01  # half precision and another way to shrink pictures move a probability less than this

DIAGRAM_ADDRESS = "https://raw.githubusercontent.com/openai/CLIP/main/CLIP.png"
MOST_BYTES = 5_000_000


def diagram(file: str | None = None) -> Image.Image:
    """Open the picture of the first known answer, from a file or from its repository.

    Raises:
        UserError: when it cannot be fetched.
    """
    if file is not None:
        return open_picture(file)
    try:
        with urllib.request.urlopen(DIAGRAM_ADDRESS, timeout=20) as answer:
            data = answer.read(MOST_BYTES)
    except (urllib.error.URLError, OSError) as error:
        raise UserError(
            f"cannot fetch {DIAGRAM_ADDRESS} ({first_line(error)}); save it by hand and give "
            "its file"
        ) from None
    return open_picture(data, "CLIP.png")


def answers(encoder: Encoder, picture: Image.Image, texts: Sequence[str]) -> list[float]:
    """Compute the probability of each text for a picture, at the model's own scale."""
    cosines = encoder.encode_image(encoder.preprocess([picture])) @ encoder.encode_text(texts).T
    return (encoder.scale * cosines).softmax(dim=1)[0].tolist()


def snake_answers(encoder: Encoder, cifar100: PictureSet) -> dict[str, float]:
    """Give the probability of each class for the snake, by the names of the released code.

    Args:
        cifar100: all of the test set, with fine labels and in its own order.

    Raises:
        UserError: for another data set.
    """
    if len(cifar100) <= SNAKE_ROW or len(cifar100.class_names) != len(set(cifar100.class_names)):
        raise UserError(f"{cifar100.name} is not CIFAR-100's test set: it has {len(cifar100)} rows")
    names = [name.replace(" ", "_") for name in cifar100.class_names]
    (picture,) = cifar100.pictures([SNAKE_ROW])
    found = answers(encoder, picture, [f"a photo of a {name}" for name in names])
    return dict(zip(names, found, strict=True))


def largest_difference(found: Mapping[str, float], known: Mapping[str, float]) -> float:
    """Compute how far the answers are from the known ones, as a fraction."""
    return max(abs(found.get(text, 0.0) - value) for text, value in known.items())


def accuracy_on(encoder: Encoder, data: PictureSet) -> dict[str, float]:
    """Measure zero-shot accuracy by the class names and prompts that are known for a set.

    Returns:
        What ``zero_shot_metrics`` gives.
    """
    data = with_known_words(data)
    weights = zero_shot_weights(encoder, data.class_names, data.templates, progress=False)
    return zero_shot_metrics(image_features(encoder, data, progress=False), data.labels, weights)
