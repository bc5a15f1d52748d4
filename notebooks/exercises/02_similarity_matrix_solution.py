# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 02: reading and mending a matrix
#
# Five short tasks about lesson [02 Similarity matrix](../02_similarity_matrix.ipynb). As there, rows are pictures and
# columns are captions.
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import math

import torch

import clipbench
from clipbench.exercises import similarity_matrix

# %% [markdown]
# ## 1. Two accuracies
#
# Give back two shares: how many pictures find their caption, and how many captions find their picture. Pairs are on
# the diagonal.


# %%
def two_accuracies(cosines):
    # solution
    own = torch.arange(len(cosines))
    pictures = (cosines.argmax(dim=1) == own).float().mean()
    captions = (cosines.argmax(dim=0) == own).float().mean()
    return float(pictures), float(captions)


# %%
similarity_matrix.check_two_accuracies(two_accuracies)

# %% [markdown]
# ## 2. Badness without overflow
#
# The badness of a row is *ln Σ exp(logit)*. Compute it for one row of logits, so that it still works when a logit is
# 1000 (for a computer, e to the 1000 is infinite). Do not use `logsumexp`: write it.


# %%
def log_sum_exp(logits):
    # solution
    largest = logits.max()
    return largest + (logits - largest).exp().sum().log()


# %%
similarity_matrix.check_log_sum_exp(log_sum_exp)

# %% [markdown]
# ## 3. Predict: equal captions
#
# Twelve pictures: four kinds, three pictures of each. Pictures of one kind have *exactly* the same caption. What is the
# lowest loss that any model can reach, in nats?

# %%
lowest_loss = math.log(3)  # solution

# %%
similarity_matrix.check_floor(lowest_loss)

# %% [markdown]
# ## 4. Repair this
#
# A batch has two pairs of a cat, with the captions "a small cat" and "a mammal". Both captions fit both pictures, and
# they are *different* sentences: the loss would push one true caption away (a false negative). `kinds` tells what each
# pair shows, such as `["cat", "dog", "cat"]`. The targets below call only the own caption right. Repair them: the
# captions of a kind share, and each row is a probability.


# %% tags=["broken"]
def targets(kinds):
    return torch.eye(len(kinds))


# %% tags=["solution"]
def targets(kinds):
    same = torch.tensor([[a == b for b in kinds] for a in kinds], dtype=torch.float)
    return same / same.sum(dim=1, keepdim=True)


# %%
similarity_matrix.check_targets(targets)

# %% [markdown]
# ## 5. The best scale
#
# From a list of scales choose the one with the lowest contrastive loss, in both directions.


# %%
def best_scale(cosines, scales):
    # solution
    def loss(scale):
        logits, own = scale * cosines, torch.arange(len(cosines))
        rows = torch.nn.functional.cross_entropy(logits, own)
        return (rows + torch.nn.functional.cross_entropy(logits.T, own)) / 2

    return min(scales, key=loss)


# %%
similarity_matrix.check_best_scale(best_scale)

# %% [markdown]
# ## All together
#
# When the checks are passed, measure the shipped model with *your* functions on 200 pairs. **Predict:** is your best
# scale near the one that the model learned? And for harder pairs, where one caption fits many pictures?

# %%
from clipbench.data.streams import ScenePairs
from clipbench.figures import to_pictures

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)
pairs = ScenePairs(seed=990_010, tiny=SCALE == "tiny")(start=0, count=200)
image_features = encoder.encode_image(encoder.preprocess(to_pictures(pairs.images)))

# %%
cosines = image_features @ encoder.encode_text(pairs.captions).T
pictures, captions = two_accuracies(cosines)
print(f"{pictures:.1%} of the pictures find their caption, {captions:.1%} of the captions their picture")
print(f"best scale here {best_scale(cosines, range(1, 101))}, learned {encoder.scale:.1f}")
