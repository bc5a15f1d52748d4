# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 15: few of many
#
# Four short tasks about lesson [15 Sparse autoencoders](../15_sparse_autoencoders.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import torch

import clipbench
from clipbench.exercises import sparse_autoencoders

# %% [markdown]
# ## 1. TopK
#
# Of each row of `values` keep the `k` largest, where they are positive. All other places become zero.


# %%
def largest(values, k):
    # solution
    top = values.topk(k, dim=-1)
    return torch.zeros_like(values).scatter(-1, top.indices, top.values.relu())


# %%
sparse_autoencoders.check_largest(largest)

# %% [markdown]
# ## 2. Repair this: silence one feature
#
# `x` are rows (M, W), `z` their activations (M, F), `decoder` the directions (F, W). Give the rows without what one
# feature put into them. This function loses everything that the autoencoder cannot explain.


# %% tags=["broken"]
def silenced(x, z, decoder, feature):
    others = z.clone()
    others[:, feature] = 0
    return others @ decoder


# %% tags=["solution"]
def silenced(x, z, decoder, feature):
    return x - z[:, [feature]] * decoder[feature]


# %%
sparse_autoencoders.check_silenced(silenced)

# %% [markdown]
# ## 3. A feature of signs?
#
# `activity` (M, F) says how active each feature is on each scene, `signs` (M,) whether a scene has a sign. Of each
# feature's activity, which share falls on scenes with signs, if there were as many with as without?


# %%
def share(activity, signs):
    # solution
    on, off = activity[signs].mean(0), activity[~signs].mean(0)
    return on / (on + off)


# %%
sparse_autoencoders.check_share(share)

# %% [markdown]
# ## 4. Yes or no?

# %%
YES, NO = "yes", "no"
claims = {
    "a feature whose top pictures are all sketches answers to all sketches": NO,  # solution
    "the best of 512 directions, chosen and graded on the same scenes, is graded too well": YES,  # solution
    "if switching features off stops the attack, these features are the cause": NO,  # solution
    "the nearest text of a feature proves what it means": NO,  # solution
    "a probe that is better than every feature shows that more is in the vector": YES,  # solution
}

# %%
sparse_autoencoders.check_claims(claims)

# %% [markdown]
# ## All together
#
# When the checks are passed: your own TopK, on image vectors, with random directions in place of trained ones. **Predict**
# how much of the variance 16 of 512 random directions explain.

# %%
encoder = clipbench.load("tiny" if SCALE == "tiny" else "classroom")
scenes = clipbench.open_pictures("scenes:heldout256").subset(range(300))
x = clipbench.image_features(encoder, scenes, progress=False)
x = x - x.mean(0)
directions = torch.nn.functional.normalize(
    torch.randn(512, x.shape[1], generator=torch.Generator().manual_seed(0)), dim=1
)
z = largest(x @ directions.T, 16)
best = (x * (z @ directions)).sum() / (z @ directions).pow(2).sum()  # the best common factor
print(f"{1 - (x - best * (z @ directions)).pow(2).sum() / x.pow(2).sum():.0%} of the variance")
