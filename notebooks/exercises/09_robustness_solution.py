# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 09: is it more robust?
#
# Four short tasks about lesson [09 Robustness](../09_robustness.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import math

import torch

from clipbench.exercises import robustness

# %% [markdown]
# ## 1. Effective robustness
#
# Standard models lie on a line in logits: if $x = \ln\frac{a}{1-a}$ is the logit of their accuracy *a* before the
# shift, then the logit of their accuracy under it is `slope * x + intercept`. A new model has `accuracy` before the
# shift and `shifted` under it, both between 0 and 1. How far above the line is it, as a difference of accuracies?


# %%
def effective_robustness(accuracy, shifted, slope, intercept):
    # solution
    on_the_line = slope * math.log(accuracy / (1 - accuracy)) + intercept
    expected = 1 / (1 + math.exp(-on_the_line))
    return shifted - expected


# %%
robustness.check_effective(effective_robustness)

# %% [markdown]
# ## 2. How much of the gap was closed?
#
# Under the shift a standard model loses `standard_loss` points, a new model of the same accuracy loses `loss`. What
# share of the gap did it close?


# %%
def gap_closed(standard_loss, loss):
    # solution
    return 1 - loss / standard_loss


# %%
robustness.check_gap(gap_closed)

# %% [markdown]
# ## 3. Repair this: two models, the same pictures
#
# `a` and `b` hold a 1 for each picture that a model got right, else a 0. How far does the 95% interval of the
# difference in accuracy reach to one side? This function forgets that both saw the same pictures.


# %% tags=["broken"]
def half_width(a, b):
    error_a, error_b = a.std() / len(a) ** 0.5, b.std() / len(b) ** 0.5
    return float(1.96 * (error_a**2 + error_b**2) ** 0.5)


# %% tags=["solution"]
def half_width(a, b):
    difference = a - b  # picture by picture
    return float(1.96 * difference.std() / len(difference) ** 0.5)


# %%
robustness.check_paired(half_width)

# %% [markdown]
# ## 4. What follows?

# %%
YES, NO = "follows", "does not follow"
choices = {
    "A loses 10 points under the shift and B loses 20, so A is more robust": NO,  # solution
    "a probe gained at home and lost elsewhere, so it used what is special to home": YES,  # solution
    "our model falls on another artist's drawings, so contrastive training is not robust": NO,  # solution
}

# %%
robustness.check_what_follows(choices)

# %% [markdown]
# ## All together
#
# When the checks are passed: two templates for the same shifted pictures. **Predict:** are their answers more different
# than chance allows?

# %%
import clipbench

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)
data = clipbench.open_pictures("twemoji").subset(range(500))
features = clipbench.image_features(encoder, data)


# %%
def right(template):
    weights = clipbench.zero_shot_weights(encoder, data.class_names, [template])
    return ((features @ weights).argmax(1) == data.labels).float()


# %%
a, b = right("{}"), right("a drawing of a {}.")
print(f"difference {float((a - b).mean()):+.1%}, paired interval ±{half_width(a, b):.1%}")
print(f"the two disagree on {int((a != b).sum())} of {len(a)} pictures")
print(f"chance {data.chance:.2%}, right {float(torch.stack([a, b]).mean()):.1%} on average")
