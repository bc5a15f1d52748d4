# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 05: maps that can be believed
#
# Five short tasks about lesson [05 Embedding maps](../05_embedding_maps.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import torch

import clipbench
from clipbench.exercises import embedding_maps

# %% [markdown]
# ## 1. A plane by hand
#
# Project features on the plane in which they differ most. `torch.linalg.svd(points, full_matrices=False)` gives `U`,
# the singular values, and `Vh`, whose rows are directions. Give back one row of two numbers for each picture.


# %%
def plane(features):
    # solution
    points = features - features.mean(dim=0)
    directions = torch.linalg.svd(points, full_matrices=False)[2]
    return points @ directions[:2].T


# %%
embedding_maps.check_plane(plane)

# %% [markdown]
# ## 2. What does it keep?
#
# `spread` holds the singular values. What share of all differences does the plane of the first two keep?


# %%
def share_kept(spread):
    # solution
    squares = spread.square()
    return float(squares[:2].sum() / squares.sum())


# %%
embedding_maps.check_share(share_kept)

# %% [markdown]
# ## 3. Repair this: true neighbours
#
# What share of the `k` nearest neighbours in all dimensions are among the `k` nearest on the map? This function praises
# every map, even random points. Repair it.


# %% tags=["broken"]
def neighbours_kept(features, on_map, k):
    near = torch.cdist(features, features).argsort(dim=1)[:, :k]
    near_on_map = torch.cdist(on_map, on_map).argsort(dim=1)[:, :k]
    return float((near[:, :, None] == near_on_map[:, None]).any(dim=2).float().mean())


# %% tags=["solution"]
def neighbours_kept(features, on_map, k):
    near = torch.cdist(features, features).argsort(dim=1)[:, 1 : k + 1]  # 0 is the point itself
    near_on_map = torch.cdist(on_map, on_map).argsort(dim=1)[:, 1 : k + 1]
    return float((near[:, :, None] == near_on_map[:, None]).any(dim=2).float().mean())


# %%
embedding_maps.check_kept(neighbours_kept)

# %% [markdown]
# ## 4. The gap
#
# How far is the middle of the pictures from the middle of the texts?


# %%
def gap(pictures, texts):
    # solution
    return float((pictures.mean(dim=0) - texts.mean(dim=0)).norm())


# %%
embedding_maps.check_gap(gap)

# %% [markdown]
# ## 5. Map or data?
#
# Which of these is a fact about the data, and which only about the map?

# %%
MAP, DATA = "the map", "the data"
choices = {
    "group A is to the left of group B on one UMAP map": MAP,  # solution
    "two pictures have a cosine of 0.95 in all dimensions": DATA,  # solution
    "on a UMAP map group A is larger than group B": MAP,  # solution
    "noise falls into clumps on a UMAP map": MAP,  # solution
    "of 15 neighbours in all dimensions, 12 share the kind; 3 would by chance": DATA,  # solution
}

# %%
embedding_maps.check_what_is_real(choices)

# %% [markdown]
# ## All together
#
# When the checks are passed: your plane of 300 pictures. **Predict** how many of ten neighbours it keeps, and how many
# random points keep.

# %%
MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)
data = clipbench.open_pictures("scenes:heldout256").subset(range(300))
features = clipbench.image_features(encoder, data)

# %%
spread = torch.linalg.svdvals(features - features.mean(dim=0))
chaos = torch.rand(len(features), 2, generator=torch.Generator().manual_seed(0))
print(f"the plane keeps {share_kept(spread):.0%} of the differences")
print(f"and {neighbours_kept(features, plane(features), 10):.0%} of ten neighbours")
print(f"random points keep {neighbours_kept(features, chaos, 10):.0%}")
print(f"gap {gap(features, encoder.encode_text(data.class_names)):.2f}")
