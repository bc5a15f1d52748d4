# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 00: from features to an answer
#
# Four short tasks about lesson [00 Start here](../00_start_here.ipynb), and at the end your own functions classify
# pictures.
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import torch

import clipbench
from clipbench.exercises import start_here

# %% [markdown]
# ## 1. Cosines
#
# `pictures` and `sentences` are features of *any* length, one in each row. Give back the table of cosines: one row for
# each picture, one column for each sentence.


# %%
def cosines(pictures, sentences):
    # solution
    pictures = pictures / pictures.norm(dim=1, keepdim=True)
    sentences = sentences / sentences.norm(dim=1, keepdim=True)
    return pictures @ sentences.T


# %%
start_here.check_cosines(cosines)

# %% [markdown]
# ## 2. Probabilities
#
# From cosines to probabilities: the sentences compete for each picture.


# %%
def probabilities(cosines, scale):
    # solution
    return (scale * cosines).softmax(dim=1)


# %%
start_here.check_probabilities(probabilities)

# %% [markdown]
# ## 3. Predict, then run: a third sentence
#
# Two sentences have the logits 2 and 0. So the first one has a probability of 88%. Now somebody adds a third sentence,
# also with the logit 0. What is the probability of the first one now? Predict before you compute.

# %%
first_of_three = torch.tensor([2.0, 0.0, 0.0]).softmax(0)[0]  # solution

# %%
start_here.check_third_sentence(first_of_three)

# %% [markdown]
# ## 4. Repair this
#
# This function should name each picture. It gives names, without any error, and they are wrong. Find out why, and
# repair it here.


# %% tags=["broken"]
def answers(image_features, class_features, class_names):
    cosines = image_features @ class_features.T
    best = cosines.argmax(dim=0)
    return [class_names[number] for number in best.tolist()]


# %% tags=["solution"]
def answers(image_features, class_features, class_names):
    cosines = image_features @ class_features.T
    best = cosines.argmax(dim=1)  # along the row: one answer for each picture
    return [class_names[number] for number in best.tolist()]


# %%
start_here.check_answers(answers)

# %% [markdown]
# ## All together
#
# When all checks are passed, this is your classifier. **Predict** which of the six pictures it gets wrong. Then change
# the names.

# %%
from clipbench.figures import contact_sheet

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)
pictures = clipbench.open_pictures("scenes:heldout256").pictures(range(20, 26))
names = ["cat", "dog", "pizza", "rocket", "guitar", "owl", "whale", "hat", "tree", "bus"]

# %%
image_features = encoder.encode_image(encoder.preprocess(pictures))
class_features = encoder.encode_text([f"a photo of a {name}." for name in names])
said = answers(image_features, class_features, names)
sure = probabilities(cosines(image_features, class_features), encoder.scale).amax(dim=1)
contact_sheet(pictures, [f"{name}, {p:.0%}" for name, p in zip(said, sure.tolist(), strict=True)])

# %% [markdown]
# Some of these pictures show none of the ten things, and still every picture gets a name, often with great confidence.
# Which name would you have to add?
