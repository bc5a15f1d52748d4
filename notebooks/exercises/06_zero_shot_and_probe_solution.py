# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 06: labels against words
#
# Four short tasks about lesson [06 Zero-shot and probe](../06_zero_shot_and_probe.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import torch

import clipbench
from clipbench.exercises import zero_shot_and_probe

# %% [markdown]
# ## 1. k pictures of each class
#
# Give back the rows of the first `k` pictures of each class. `labels` is a list of class numbers.


# %%
def few_shot_rows(labels, k):
    # solution
    rows = []
    for label in set(labels):
        rows += [row for row, each in enumerate(labels) if each == label][:k]
    return sorted(rows)


# %%
zero_shot_and_probe.check_few_shot(few_shot_rows)

# %% [markdown]
# ## 2. Repair this: an honest standard
#
# Before a probe, every number of a feature is brought to mean 0 and spread 1. `train` and `test` are features, one
# picture in each row. This function gives back the test features in standard units. It cheats a little. Repair it.


# %% tags=["broken"]
def standardised(train, test):
    return (test - test.mean(dim=0)) / test.std(dim=0)


# %% tags=["solution"]
def standardised(train, test):
    return (test - train.mean(dim=0)) / train.std(dim=0)  # only the training set may teach


# %%
zero_shot_and_probe.check_standard(standardised)

# %% [markdown]
# ## 3. What is zero-shot worth?
#
# `accuracy` holds the accuracy of a probe at each of `shots` pictures a class, and rises. At how many pictures a class
# does it reach `zero_shot`? Interpolate between the two points around it, along the *logarithm* of the shots, as the
# paper does in figure 7.


# %%
def worth(shots, accuracy, zero_shot):
    # solution
    for i in range(len(shots) - 1):
        if accuracy[i] <= zero_shot <= accuracy[i + 1]:
            share = (zero_shot - accuracy[i]) / (accuracy[i + 1] - accuracy[i])
            return shots[i] * (shots[i + 1] / shots[i]) ** share


# %%
zero_shot_and_probe.check_worth(worth)

# %% [markdown]
# ## 4. Which of the two?

# %%
ZERO_SHOT, PROBE, BOTH = "zero-shot", "linear probe", "both"
choices = {
    "needs labelled pictures of the task": PROBE,  # solution
    "depends on how the class is called": ZERO_SHOT,  # solution
    "reads the features after the projection": ZERO_SHOT,  # solution
    "has a strength of regularisation to choose": PROBE,  # solution
    "changes when a class is added": BOTH,  # solution
}

# %%
zero_shot_and_probe.check_who(choices)

# %% [markdown]
# ## All together
#
# When the checks are passed: handwritten digits, and the nearest mean of `k` pictures a class as the simplest probe.
# **Predict:** how many pictures a class does it need to beat the words?

# %%
MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)
data = clipbench.open_pictures("digits").subset(range(1000))
features = clipbench.image_features(encoder, data)
train, test, labels = features[:600], features[600:], data.labels[600:]


# %%
def nearest_mean(k):
    rows = few_shot_rows(data.labels[:600].tolist(), k)
    mine, theirs = standardised(train, train[rows]), standardised(train, test)
    means = torch.stack([mine[data.labels[rows] == digit].mean(0) for digit in range(10)])
    return float((torch.cdist(theirs, means).argmin(1) == labels).float().mean())


# %%
weights = clipbench.zero_shot_weights(encoder, data.class_names, data.templates)
words = float(((test @ weights).argmax(1) == labels).float().mean())
print(f"words: {words:.1%}", *(f"{k} a class: {nearest_mean(k):.1%}" for k in (1, 2, 4, 8, 16)), sep="\n")
