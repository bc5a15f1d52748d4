# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 13: diagnose and repair
#
# Four short tasks about lesson [13 The bug museum](../13_bug_museum.ipynb).
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
from clipbench.exercises import bug_museum

# %% [markdown]
# ## 1. The lowest loss
#
# A perfect model has a cosine of 1 for each own caption, and the others are as far away as *n* features can be from
# each other: a cosine of *−1/(n − 1)*. What loss is left, at this scale?


# %%
def lowest_loss(scale, n):
    # solution
    others = (n - 1) * math.exp(-scale * (1 + 1 / (n - 1)))
    return math.log(1 + others)


# %%
bug_museum.check_lowest_loss(lowest_loss)

# %% [markdown]
# ## 2. Repair this: several processes
#
# Process `rank` (0, 1, ...) has `n` pictures, and compares them with the captions of *all* processes, in order. Which
# caption is right for each of its pictures?


# %% tags=["broken"]
def labels_of(rank, n):
    return torch.arange(n)


# %% tags=["solution"]
def labels_of(rank, n):
    return rank * n + torch.arange(n)  # the captions of process 0 come first


# %%
bug_museum.check_labels(labels_of)

# %% [markdown]
# ## 3. Repair this: where is a sentence read?
#
# Each row of `ids` begins with a start token and ends with an end token, which has the largest number of all. Padding
# (0) may follow. A causal transformer has read everything at the end token only. Give back its position in each row.


# %% tags=["broken"]
def end_of(ids):
    return torch.zeros(len(ids), dtype=torch.long)


# %% tags=["solution"]
def end_of(ids):
    return ids.argmax(dim=1)  # the end token has the largest number


# %%
bug_museum.check_end(end_of)

# %% [markdown]
# ## 4. Diagnose
#
# Which bug of the museum shows these signs? Choose from `no normalisation`, `scale without exp`, `shuffled pairs`,
# `first token`, `local labels`, `one direction`, `blue, green, red`.

# %%
diagnosis = {
    "the loss begins at 30, ln N is 4.16": "no normalisation",  # solution
    "the loss falls, and stops at 1.9 whatever you do": "scale without exp",  # solution
    "the loss stays at ln N; before the training all captions are one vector": "first token",  # solution
    "the loss stays at ln N; before the training captions differ": "shuffled pairs",  # solution
    "the loss is fine on process 0, and above ln N on process 1": "local labels",  # solution
    "exchanging pictures and captions changes the loss": "one direction",  # solution
    "blue things are called red": "blue, green, red",  # solution
}

# %%
bug_museum.check_diagnosis(diagnosis)

# %% [markdown]
# ## All together
#
# When the checks are passed: your floor and the library's loss. The corners of a regular simplex are the perfect model.
# **Predict** the scale from which on the floor of 64 pairs is below 0.01.

# %%
corners = torch.nn.functional.normalize(torch.eye(64, dtype=torch.float64) - 1 / 64, dim=1)
for scale in (1.0, 2.66, 5.0, 10.0, 14.3):
    library = float(clipbench.clip_loss(corners, corners, scale))
    print(f"scale {scale:5.2f}: your floor {lowest_loss(scale, 64):.4f}, clip_loss {library:.4f}")
