# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 04: attack, control, conclusion
#
# Five short tasks about lesson [04 Typographic attacks](../04_typographic_attacks.ipynb). In all of them `scores` has
# one row for each attacked picture and one column for each class, `labels` holds the class of each *thing*, and
# `targets` the class of each *written word*.
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import torch

import clipbench
from clipbench.exercises import typographic_attacks

# %% [markdown]
# ## 1. Success
#
# In what share of the pictures does the written class win against all others?


# %%
def success(scores, labels, targets):
    # solution
    return float((scores.argmax(dim=1) == targets).float().mean())


# %%
typographic_attacks.check_success(success)

# %% [markdown]
# ## 2. Two-way
#
# Now only two candidates are asked: the object and the word. In what share of the pictures does the *thing* win?


# %%
def two_way(scores, labels, targets):
    # solution
    rows = torch.arange(len(scores))
    return float((scores[rows, labels] > scores[rows, targets]).float().mean())


# %%
typographic_attacks.check_two_way(two_way)

# %% [markdown]
# ## 3. Repair this: the harm of reading
#
# Three accuracies for the object: without a sticker (`clean`), with a word that means nothing (`control`), and with the
# name of another class (`attacked`). This function should say how much accuracy was lost by *reading*. It says too
# much.


# %% tags=["broken"]
def harm_of_reading(clean, control, attacked):
    return clean - attacked


# %% tags=["solution"]
def harm_of_reading(clean, control, attacked):
    return control - attacked  # the control word covers as much, and says nothing


# %%
typographic_attacks.check_harm(harm_of_reading)

# %% [markdown]
# ## 4. Predict: how sure is one measurement?
#
# The attack succeeded on a quarter of 300 pictures. How far does the 95% interval reach to *one* side, as a fraction?
# Guess first. Then compute it with the normal approximation.

# %%
one_side = 1.96 * (0.25 * 0.75 / 300) ** 0.5  # solution

# %%
typographic_attacks.check_interval(one_side)

# %% [markdown]
# ## 5. What follows?
#
# Think of the twins of the lesson. Which conclusion follows from their comparison, and which does not?

# %%
YES, NO = "follows", "does not follow"
choices = {
    "signs in the training world caused the reading": YES,  # solution
    "a model that falls further under stickers reads better": NO,  # solution
    "every model of signs in its world will read": NO,  # solution
    "only the twin with signs can be fooled by the meaning of a word": YES,  # solution
}

# %%
typographic_attacks.check_conclusions(choices)

# %% [markdown]
# ## All together
#
# When the checks are passed, attack both twins with your own functions. **Predict** the harm of reading for each.

# %%
from clipbench.data.alter.sticker import Sticker
from clipbench.evaluate.typographic import plan_attack, printed

data = clipbench.open_pictures("scenes:heldout256").subset(range(200))
plan = plan_attack(data.labels, data.class_names, seed=0, longest=8)
sticker = Sticker("word", height=0.25)
attacked, control = printed(data, plan.words, sticker), printed(data, plan.controls, sticker)


# %%
def scores(encoder, pictures):
    weights = clipbench.zero_shot_weights(encoder, data.class_names, data.templates)
    return clipbench.image_features(encoder, pictures) @ weights


# %%
for name in ("twin:many-signs", "twin:no-signs"):
    encoder = clipbench.load(name)
    views = {"clean": data, "control": control, "attacked": attacked}
    wins = {view: scores(encoder, each) for view, each in views.items()}
    wins = {view: two_way(each, data.labels, plan.targets) for view, each in wins.items()}
    print(name, *(f"{view} {share:.1%}," for view, share in wins.items()), "thing against word;")
    print(f"    harm of reading {harm_of_reading(**wins):.1%}")
