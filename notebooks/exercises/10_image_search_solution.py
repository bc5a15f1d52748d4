# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 10: nearest pictures
#
# Three short tasks about lesson [10 Image search](../10_image_search.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import torch
import torch.nn.functional as F

import clipbench
from clipbench.exercises import image_search

# %% [markdown]
# ## 1. The nearest
#
# `features` has one picture in each row, of *any* length; `query` is one vector. Give back the rows of the `k` pictures
# with the highest cosine, the best first, as a list.


# %%
def nearest(features, query, k):
    # solution
    cosines = F.normalize(features, dim=1) @ query
    return cosines.topk(k).indices.tolist()


# %%
image_search.check_nearest(nearest)

# %% [markdown]
# ## 2. Recall at k
#
# `scores` has a row for each text and a column for each picture; pairs are on the diagonal. What share of the texts has
# its picture among the best `k`?


# %%
def recall(scores, k):
    # solution
    best = scores.topk(k, dim=1).indices
    own = torch.arange(len(scores))[:, None]
    return float((best == own).any(dim=1).float().mean())


# %%
image_search.check_recall(recall)

# %% [markdown]
# ## 3. Repair this: more like this one
#
# The `k` pictures that are most similar to picture `row` (all rows have length 1). It works suspiciously well.


# %% tags=["broken"]
def similar(features, row, k):
    return (features @ features[row]).topk(k).indices.tolist()


# %% tags=["solution"]
def similar(features, row, k):
    best = (features @ features[row]).topk(k + 1).indices.tolist()
    return [each for each in best if each != row][:k]


# %%
image_search.check_similar(similar)

# %% [markdown]
# ## All together
#
# When the checks are passed, search 500 scenes with your functions. **Predict** which of the four pictures are wrong.

# %%
from clipbench.figures import contact_sheet

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)
data = clipbench.open_pictures("scenes:heldout256").subset(range(500))
features = clipbench.image_features(encoder, data)

# %%
found = nearest(features, encoder.encode_text(["a sketch of an animal"])[0], 4)
more = similar(features, found[0], 4)
names = [data.class_names[label] for label in data.labels[found + more].tolist()]
title = "Above: a sketch of an animal; below: more like the first"
contact_sheet(data.pictures(found + more), names, title, columns=4)
