# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 14: before you show it to others
#
# Five short tasks about lesson [14 Real checkpoints](../14_real_checkpoints.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import clipbench
from clipbench.exercises import real_checkpoints

# %% [markdown]
# ## 1. Repair this: the three lines
#
# `image` and `texts` are features as the released code returns them, one in each row: *not* of length 1. `scale` is
# the model's own. The function is to give the probabilities of the texts for each picture.


# %% tags=["broken"]
def probabilities(image, texts, scale):
    return (scale * image @ texts.T).softmax(dim=1)


# %% tags=["solution"]
def probabilities(image, texts, scale):
    image = image / image.norm(dim=1, keepdim=True)
    texts = texts / texts.norm(dim=1, keepdim=True)
    return (scale * image @ texts.T).softmax(dim=1)


# %%
real_checkpoints.check_three_lines(probabilities)

# %% [markdown]
# ## 2. Five guesses
#
# `scores` has a row for each picture and a column for each class, `labels` holds the true classes. Of how many
# pictures (as a share) is the true class among the `k` best?


# %%
def top_k(scores, labels, k):
    # solution
    best = scores.topk(k, dim=1).indices
    return float((best == labels[:, None]).any(dim=1).float().mean())


# %%
real_checkpoints.check_top_k(top_k)

# %% [markdown]
# ## 3. A clip in one feature
#
# `frames` has a row for each frame of a clip: features as the released code returns them. Every frame is to count
# alike, whatever its length, and the result is to be compared by cosines. Give back the feature of the clip.


# %%
def clip_feature(frames):
    # solution
    frames = frames / frames.norm(dim=1, keepdim=True)
    mean = frames.mean(dim=0)
    return mean / mean.norm()


# %%
real_checkpoints.check_clip(clip_feature)

# %% [markdown]
# ## 4. How many days?
#
# A forward pass of one pair costs `gflops` (10⁹ operations), and a training step three times as much. The training
# sees `pairs` pairs, on one card whose peak is `tflops` (10¹² operations a second), and of which the share `used` is
# reached. How many days does it take?


# %%
def days(gflops, pairs, tflops, used):
    # solution
    operations = 3 * gflops * 1e9 * pairs
    seconds = operations / (tflops * 1e12 * used)
    return seconds / 86_400


# %%
real_checkpoints.check_days(days)

# %% [markdown]
# ## 5. What holds?

# %%
HOLDS, FAILS = "holds", "does not hold"
claims = {
    "the model is 97% sure, so it is right in 97 of 100 such cases": FAILS,  # solution
    "my ViT-B/32 has 20% on ImageNetV2; first I look at the preprocessing": HOLDS,  # solution
    "it found the tower of Tokyo, so it knows where Tokyo is": FAILS,  # solution
    "it tells “opening a door” from “closing a door” by the mean of the frames": FAILS,  # solution
    "two models with cosines of 0.3 and 0.6 for the same pair: the second is surer": FAILS,  # solution
}

# %%
real_checkpoints.check_claims(claims)

# %% [markdown]
# ## All together
#
# When the checks are passed: what a training of each model of the paper would cost on one T4, at 30% of its peak.
# **Predict** the shortest and the longest, in years.

# %%
from clipbench.compute.flops import PEAKS, image_flops, text_flops
from clipbench.model import PAPER_MODELS, CLIPConfig

for name in PAPER_MODELS:
    config = CLIPConfig.named(name)
    gflops = (image_flops(config) + text_flops(config)) / 1e9
    years = days(gflops, 12.8e9, PEAKS["T4"]["fp16"], 0.3) / 365.25
    print(f"{name:14} {gflops:6.1f} GFLOPs a pair, {years:7,.1f} years")

# %% [markdown]
# And the guesses of the model that is loaded here. **Predict:** does the accuracy or the chance grow faster with `k`?

# %%
MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)
data = clipbench.open_pictures("scenes:heldout256").subset(range(200))
features = clipbench.image_features(encoder, data)
weights = clipbench.zero_shot_weights(encoder, data.class_names, ["a photo of a {}."])
for k in (1, 2, 5, 10):
    share = top_k(features @ weights, data.labels, k)
    print(f"top-{k:<2} {share:6.1%}, by chance {k / len(data.class_names):.1%}")
