# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---


# %% [markdown]
# # Exercises 12: luck, evidence, and invisible steps
#
# Four short tasks about lesson [12 Inside the model](../12_inside_the_model.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import torch

import clipbench
from clipbench.exercises import inside_the_model

# %% [markdown]
# ## 1. How well does a unit tell?
#
# `inside` holds a unit's answers to pictures of the concept, `outside` those to other pictures. Take one of each at
# random: how often is the one inside larger? Ties are guesses.


# %%
def auc(inside, outside):
    # solution
    a, b = inside[:, None], outside[None, :]
    return float((a > b).float().mean() + 0.5 * (a == b).float().mean())


# %%
inside_the_model.check_auc(auc)

# %% [markdown]
# ## 2. What can luck do?
#
# `found` is how many pairs of a unit and a concept a search finds. `by_luck` holds how many the same search finds after
# the words were dealt at random, once for each deal. How often does luck find at least as many?


# %%
def p_value(found, by_luck):
    # solution
    return float((by_luck >= found).float().mean())


# %%
inside_the_model.check_luck(p_value)

# %% [markdown]
# ## 3. Repair this: one step for every pixel
#
# Every value of a picture moves by one step of 255, each in the direction that helps. To first order, by how much does
# the score grow? `gradient` has the shape of the picture. This function finds almost nothing.


# %% tags=["broken"]
def growth(gradient):
    return float(gradient.sum() / 255)


# %% tags=["solution"]
def growth(gradient):
    return float(gradient.abs().sum() / 255)  # each value goes its own way


# %%
inside_the_model.check_growth(growth)

# %% [markdown]
# ## 4. Yes or no?

# %%
YES, NO = "yes", "no"
choices = {
    "attention gives one map for each text that you ask": NO,  # solution
    "covering a part and measuring again works for any model": YES,  # solution
    "the best of many units is above chance, so it means something": NO,  # solution
    "if a map marks what matters, covering it hurts more than covering random parts": YES,  # solution
    "a high cosine with 'a cat' shows that a picture looks like a cat": NO,  # solution
}

# %%
inside_the_model.check_maps(choices)

# %% [markdown]
# ## All together
#
# When the checks are passed: the cosine of a dog with "a cat", one invisible step later. **Predict** what is larger,
# the growth to first order or the true one.

# %%
from clipbench.data.world.staged import Staged, stage

encoder = clipbench.load("tiny" if SCALE == "tiny" else "classroom")
target = encoder.encode_text(["a cat"])[0].clone()
pixels = encoder.square(stage([Staged(("dog",))], 160)[0]).float().div(255).requires_grad_()


def cosine(pixels):
    return encoder.encode_image(encoder.normalise(255 * pixels[None]), gradients=True)[0] @ target


# %%
before = cosine(pixels)
gradient = torch.autograd.grad(before, pixels)[0]
with torch.no_grad():
    rise = float(cosine(pixels + gradient.sign() / 255) - before)
print(f"to first order {growth(gradient):+.3f}, in truth {rise:+.3f}")
