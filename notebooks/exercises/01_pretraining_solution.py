# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 01: pairs and their loss
#
# Four short tasks about lesson [01 Pretraining](../01_pretraining.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import math

import torch
import torch.nn.functional as F

from clipbench.exercises import pretraining

# %% [markdown]
# ## 1. The loss
#
# Row *i* of both features belongs together, and all rows have length 1. Write the contrastive loss of figure 3.


# %%
def loss(image_features, text_features, scale):
    # solution
    logits = scale * image_features @ text_features.T
    labels = torch.arange(len(logits))
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


# %%
pretraining.check_loss(loss)

# %% [markdown]
# ## 2. Whose curve is it?
#
# Sixteen free pairs were trained three times, each time with another bug in the loss. Here are the curves. Which bug made
# which? (*ln* 16 = 2.77 is the level of a model that knows nothing. A right loss would fall to 0.1.)

# %%
from clipbench.figures import line_chart

curves = pretraining.bug_curves()
title = "Three bugs, three curves: " + ", ".join(f"{name} ends at {curve[-1]:.1f}" for name, curve in curves.items())
lines = curves | {"ln 16": [math.log(16)] * len(curves["A"])}
line_chart(range(1, len(curves["A"]) + 1), lines, title, "step", "loss in nats", ylim=(0, 12))

# %%
OUT_OF_STEP, TOO_LONG, NO_SCALE = pretraining.OUT_OF_STEP, pretraining.TOO_LONG, pretraining.NO_SCALE
print(OUT_OF_STEP, TOO_LONG, NO_SCALE, sep="\n")
whose = {
    "A": NO_SCALE,  # solution
    "B": OUT_OF_STEP,  # solution
    "C": TOO_LONG,  # solution
}

# %%
pretraining.check_curves(whose)

# %% [markdown]
# ## 3. The scale
#
# The model learns `logit_scale`, the logarithm of the scale (a tensor with one number). Give back the scale that is
# used, at most 100, as in the paper.


# %%
def scale_of(logit_scale):
    # solution
    return logit_scale.exp().clamp(max=100)


# %%
pretraining.check_scale(scale_of)

# %% [markdown]
# ## 4. Repair this
#
# Before each round through the data the pairs are shuffled. With this function the loss stays at *ln N* for ever. Find
# the reason, and repair it here.


# %% tags=["broken"]
def shuffled(pictures, captions):
    pictures = pictures[torch.randperm(len(pictures))]
    captions = [captions[row] for row in torch.randperm(len(captions)).tolist()]
    return pictures, captions


# %% tags=["solution"]
def shuffled(pictures, captions):
    order = torch.randperm(len(pictures))  # one order for both
    return pictures[order], [captions[row] for row in order.tolist()]


# %%
pretraining.check_shuffle(shuffled)

# %% [markdown]
# ## All together
#
# When the checks are passed: does your loss learn? Sixteen points on a sphere in eight dimensions and sixteen
# others learn to be pairs.
# **Predict** the first value. Can the last one be 0?

# %%
torch.manual_seed(0)
pictures, captions = torch.randn(16, 8, requires_grad=True), torch.randn(16, 8, requires_grad=True)
logit_scale = torch.tensor(math.log(1 / 0.07), requires_grad=True)
optimizer = torch.optim.Adam([pictures, captions, logit_scale], lr=0.05)

# %%
losses = []
for _ in range(100):
    value = loss(F.normalize(pictures, dim=1), F.normalize(captions, dim=1), scale_of(logit_scale))
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    losses.append(value.item())

# %%
losses_and_level = {"your loss": losses, "ln 16": [math.log(16)] * 100}
title = f"From {losses[0]:.2f} to {losses[-1]:.4f}; the scale ends at {scale_of(logit_scale):.0f}"
line_chart(range(1, 101), losses_and_level, title, "step", "loss in nats")

# %% [markdown]
# Sixteen free points can be separated completely, so the loss goes on falling as the scale grows. Real captions that
# fit several pictures do not allow that: there the scale stops by itself.
