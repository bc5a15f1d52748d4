# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 03: words for classes
#
# Five short tasks about lesson [03 Prompt sensitivity](../03_prompt_sensitivity.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import torch.nn.functional as F

import clipbench
from clipbench.exercises import prompt_sensitivity

# %% [markdown]
# ## 1. Fill the templates
#
# Give back a list for each class, with one sentence for each template. A template has the gap `{}`.


# %%
def prompts(class_names, templates):
    # solution
    return [[template.format(name) for template in templates] for name in class_names]


# %%
prompt_sensitivity.check_prompts(prompts)

# %% [markdown]
# ## 2. Average the templates
#
# `features` has the shape (classes, templates, numbers), and its rows are not yet of length 1. Give back one unit
# vector for each class: every template counts the same.


# %%
def ensemble(features):
    # solution
    features = F.normalize(features, dim=-1)
    return F.normalize(features.mean(dim=1), dim=-1)


# %%
prompt_sensitivity.check_ensemble(ensemble)

# %% [markdown]
# ## 3. Predict: what changes an answer?
#
# The answer is the class with the largest product of picture and class feature. Which of these changes can change an
# answer?

# %%
NOTHING, SOMETHING = "no answer changes", "answers can change"
choices = {
    "the same vector is added to every class feature": NOTHING,  # solution
    "every class feature is doubled": NOTHING,  # solution
    "another vector is added to each class feature": SOMETHING,  # solution
    "the scale is doubled": NOTHING,  # solution
    "one more class is added": SOMETHING,  # solution
}

# %%
prompt_sensitivity.check_what_changes(choices)

# %% [markdown]
# ## 4. Repair this
#
# Somebody tried many templates and reports the accuracy of the best. `validation` and `test` hold the accuracy of each
# template on two different sets of pictures. Repair the function, so that the number can be believed.


# %% tags=["broken"]
def reported(validation, test):
    return max(test)


# %% tags=["solution"]
def reported(validation, test):
    best = max(range(len(validation)), key=lambda number: validation[number])
    return test[best]  # chosen on other pictures than it is measured on


# %%
prompt_sensitivity.check_choice(reported)

# %% [markdown]
# ## 5. From names to kinds
#
# `probabilities` has one number for each class, `kinds` the kind of each class. Give back a dict: the probability of
# each kind.


# %%
def by_kind(probabilities, kinds):
    # solution
    total = dict.fromkeys(kinds, 0.0)
    for probability, kind in zip(probabilities, kinds, strict=True):
        total[kind] += probability
    return total


# %%
prompt_sensitivity.check_kinds(by_kind)

# %% [markdown]
# ## All together
#
# When the checks are passed: your own ensemble, on pictures. **Predict:** which of the two sets of templates is better?
# Then write a third one.

# %%
MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)
data = clipbench.open_pictures("scenes:heldout256").subset(range(500))
image_features = clipbench.image_features(encoder, data)


# %%
def accuracy(templates):
    sentences = sum(prompts(data.class_names, templates), [])
    features = encoder.encode_text(sentences).view(len(data.class_names), len(templates), -1)
    metrics = clipbench.zero_shot_metrics(image_features, data.labels, ensemble(features).T)
    return f"{metrics['top1']:.1%} ({metrics['top1_low']:.1%} to {metrics['top1_high']:.1%})"


# %%
print("one:  ", accuracy(["a photo of a {}."]))
print("three:", accuracy(["{}", "a {}", "a small photo of a {}"]))
