"""Exercises of lesson 14, on real checkpoints.

The three lines, five guesses, a clip in one feature, the days of a training.
"""

import torch
from torch.nn.functional import normalize

from clipbench.exercises.check import ChoiceCheck, FunctionCheck, numbers

_image, _texts = numbers(2, 4, seed=5) * 3, numbers(3, 4, seed=6) * 2


def cosines(image, texts):
    return normalize(image, dim=1) @ normalize(texts, dim=1).T


check_three_lines = FunctionCheck(
    right=lambda image, texts, scale: (scale * cosines(image, texts)).softmax(1),
    cases=((_image, _texts, 10.0), (_texts, _image, 4.0)),
    mistakes={
        "Still broken: a long vector wins, whatever it says. What is missing before the product?": lambda image, texts, scale: (
            (scale * image @ texts.T).softmax(1)
        ),
        "The pictures have length 1 now, the texts have not. A long text would win "
        "against all pictures.": lambda image, texts, scale: (
            scale * normalize(image, dim=1) @ texts.T
        ).softmax(1),
        "The texts have length 1 now, the pictures have not.": lambda image, texts, scale: (
            scale * image @ normalize(texts, dim=1).T
        ).softmax(1),
        "The scale is missing: cosines alone give nearly equal probabilities.": lambda image, texts, scale: (
            cosines(image, texts).softmax(1)
        ),
        "You wrote 100 as in the tutorials. That is the scale of *one* model; take the "
        "one that was given.": lambda image, texts, scale: (100 * cosines(image, texts)).softmax(1),
        "You divided by the scale. A temperature divides, its inverse, the scale, multiplies.": lambda image, texts, scale: (
            (cosines(image, texts) / scale).softmax(1)
        ),
        "Your softmax runs over the pictures. The texts are the options: dim=1.": lambda image, texts, scale: (
            (scale * cosines(image, texts)).softmax(0)
        ),
        "These are logits. A softmax makes probabilities of them.": lambda image, texts, scale: (
            scale * cosines(image, texts)
        ),
    },
    praise="Normalise both, use the model's own scale, and choose the texts before you look.",
)

_scores = torch.tensor(
    [
        [0.1, 0.5, 0.3, 0.2],
        [0.9, 0.1, 0.3, 0.2],
        [0.2, 0.3, 0.4, 0.6],
        [0.7, 0.2, 0.3, 0.1],
        [0.3, 0.1, 0.2, 0.4],
    ]
)
_labels = torch.tensor([2, 0, 1, 0, 3])


def hits(scores, labels, k, largest=True):
    return (scores.topk(k, dim=1, largest=largest).indices == labels[:, None]).any(1)


check_top_k = FunctionCheck(
    right=lambda scores, labels, k: float(hits(scores, labels, k).float().mean()),
    cases=((_scores, _labels, 2), (_scores, _labels, 3), (_scores, _labels, 1)),
    mistakes={
        "That is top-1, whatever k is. The right name may stand in any of the first k places.": lambda scores, labels, k: (
            float(hits(scores, labels, 1).float().mean())
        ),
        "That is the number of hits. The question asks for their share.": lambda scores, labels, k: (
            float(hits(scores, labels, k).sum())
        ),
        "Those are the k *worst* guesses. The best have the largest scores.": lambda scores, labels, k: (
            float(hits(scores, labels, k, largest=False).float().mean())
        ),
        "You also divided by k. A picture is right if the true name is *one* of its k guesses.": lambda scores, labels, k: (
            float(hits(scores, labels, k).float().mean()) / k
        ),
        "That is the share of pictures that were missed.": lambda scores, labels, k: (
            1 - float(hits(scores, labels, k).float().mean())
        ),
        "You counted k - 1 guesses. Is your slice one too short?": lambda scores, labels, k: (
            float(hits(scores, labels, k - 1).float().mean()) if k > 1 else 0.0
        ),
        "You looked at the first k classes of the list, and not at the k best.": lambda scores, labels, k: (
            float((labels < k).float().mean())
        ),
    },
    praise="Chance grows with it: k guesses among C names are right with k/C. Never "
    "compare top-5 with another top-1.",
)

_frames = numbers(4, 3, seed=7) * 2

check_clip = FunctionCheck(
    right=lambda frames: normalize(normalize(frames, dim=1).mean(0), dim=0),
    cases=((_frames,), (numbers(2, 3, seed=8),)),
    mistakes={
        "A frame with a long feature counts more than the others. Give each frame "
        "length 1 *before* the mean.": lambda frames: normalize(frames.mean(0), dim=0),
        "The mean of unit vectors is shorter than 1. Normalise once more, *after* the mean.": lambda frames: (
            normalize(frames, dim=1).mean(0)
        ),
        "You averaged, and normalised nowhere. Cosines need vectors of length 1, "
        "before the mean and after it.": lambda frames: frames.mean(0),
        "That is the frame in the middle. The question asks for the mean of all frames.": lambda frames: (
            normalize(frames, dim=1)[len(frames) // 2]
        ),
        "That is the first frame only.": lambda frames: normalize(frames, dim=1)[0],
        "You took the largest value of each dimension. The paper takes the mean.": lambda frames: (
            normalize(normalize(frames, dim=1).amax(0), dim=0)
        ),
        "You averaged over the wrong dimension: one number for each frame is left, and "
        "not one feature of the clip.": lambda frames: normalize(frames, dim=1).mean(1),
        "You normalised down the columns, over the frames. Each *frame*, a row, needs "
        "length 1: dim=1.": lambda frames: normalize(normalize(frames, dim=0).mean(0), dim=0),
    },
    praise="The same two steps make one class weight of many templates. And a reversed "
    "clip has the same feature.",
)

DAY = 86_400


def days_of(gflops, pairs, tflops, used, passes=3):
    return passes * gflops * 1e9 * pairs / (tflops * 1e12 * used) / DAY


check_days = FunctionCheck(
    right=days_of,
    cases=((14.8, 12.8e9, 65, 0.3), (0.2, 156e6, 0.1, 0.5)),
    mistakes={
        "That is a forward pass only. Training costs three: gradients of the "
        "activations and of the weights, too.": lambda gflops, pairs, tflops, used: days_of(
            gflops, pairs, tflops, used, 1
        ),
        "You counted one backward pass as dear as a forward pass. It costs two, so a "
        "step costs three in all.": lambda gflops, pairs, tflops, used: days_of(
            gflops, pairs, tflops, used, 2
        ),
        "No card reaches its peak. Only the share `used` of it counts.": lambda gflops, pairs, tflops, used: (
            days_of(gflops, pairs, tflops, 1)
        ),
        "You multiplied by the share. A card that is used less takes *longer*.": lambda gflops, pairs, tflops, used: (
            days_of(gflops, pairs, tflops, 1 / used)
        ),
        "Those are seconds. A day has 86,400 of them.": lambda gflops, pairs, tflops, used: (
            DAY * days_of(gflops, pairs, tflops, used)
        ),
        "Those are hours.": lambda gflops, pairs, tflops, used: (
            24 * days_of(gflops, pairs, tflops, used)
        ),
        "Giga and tera are mixed up: 1 GFLOP are 1e9 operations, 1 TFLOP/s are 1e12 a second.": lambda gflops, pairs, tflops, used: (
            1000 * days_of(gflops, pairs, tflops, used)
        ),
        "That is for one pair.": lambda gflops, pairs, tflops, used: days_of(
            gflops, 1, tflops, used
        ),
        "That is the speed, days turned upside down: operations belong above the line, "
        "the card below it.": lambda gflops, pairs, tflops, used: (
            1 / days_of(gflops, pairs, tflops, used)
        ),
    },
    praise="Compute it before you rent a card. (Reading files can cost more than the arithmetic.)",
)

HOLDS, FAILS = "holds", "does not hold"
check_claims = ChoiceCheck(
    right={
        "the model is 97% sure, so it is right in 97 of 100 such cases": FAILS,
        "my ViT-B/32 has 20% on ImageNetV2; first I look at the preprocessing": HOLDS,
        "it found the tower of Tokyo, so it knows where Tokyo is": FAILS,
        "it tells “opening a door” from “closing a door” by the mean of the frames": FAILS,
        "two models with cosines of 0.3 and 0.6 for the same pair: the second is surer": FAILS,
    },
    why={
        "the model is 97% sure, so it is right in 97 of 100 such cases": "97% among the texts that somebody wrote. Add a "
        "better one, and it is another number.",
        "my ViT-B/32 has 20% on ImageNetV2; first I look at the preprocessing": "others measured 55.9% with these weights. "
        "A wrong crop, mean or activation is the usual cause.",
        "it found the tower of Tokyo, so it knows where Tokyo is": "it found a picture that looks alike, and the "
        "coordinates were written beside that one.",
        "it tells “opening a door” from “closing a door” by the mean of the frames": "backwards, the mean is the same.",
        "two models with cosines of 0.3 and 0.6 for the same pair: the second is surer": "each model has its own range of "
        "cosines, and its own scale. Compare the order within a model.",
    },
    praise="A demonstration shows that something *can* happen. How often, only a measurement says.",
)
