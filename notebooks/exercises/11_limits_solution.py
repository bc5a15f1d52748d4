# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 11: what it cannot do, and how you know
#
# Three short tasks about lesson [11 Limits](../11_limits.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import clipbench
from clipbench.exercises import limits

# %% [markdown]
# ## 1. Repair this: ties
#
# Each picture has two captions, its own and one with another order of words. `own` and `other` hold the two cosines of
# each picture. In what share is the model right? This function says that a model without any word order is perfect.


# %% tags=["broken"]
def share_right(own, other):
    return float((own >= other).float().mean())


# %% tags=["solution"]
def share_right(own, other):
    right = (own > other).float() + 0.5 * (own == other).float()  # a tie is a guess
    return float(right.mean())


# %%
limits.check_ties(share_right)

# %% [markdown]
# ## 2. None of these
#
# `cosines` holds the cosine of a picture with each of `names`. Give back the best name, or `"none of these"` when even
# the best cosine is below `threshold`.


# %%
def answer(cosines, names, threshold):
    # solution
    best = int(cosines.argmax())
    return names[best] if cosines[best] >= threshold else "none of these"


# %%
limits.check_sink(answer)

# %% [markdown]
# ## 3. Does it show the cause?

# %%
CAUSE, NOT = "shows the cause", "does not show it"
choices = {
    "a twin whose captions never count, all else equal, cannot count": CAUSE,  # solution
    "the larger of two released models counts better": NOT,  # solution
    "a probe of the twin's features can count": NOT,  # solution
    "with three seeds each, both twins differ by more than seeds do": CAUSE,  # solution
}

# %%
limits.check_causes(choices)

# %% [markdown]
# ## All together
#
# When the checks are passed: word order, by your count of ties. **Predict** the share for the two shipped models, one
# of which reads a bag of words.

# %%
from clipbench.data.world.staged import Staged, stage

things = ["cat", "dog", "lion", "pizza", "rocket", "guitar", "bus", "owl"]
pairs = [(a, b) for a in things for b in things if a != b]
pictures = stage([Staged(pair) for pair in pairs])
own = [f"a {a} to the left of a {b}" for a, b in pairs]
other = [f"a {b} to the left of a {a}" for a, b in pairs]

# %%
for name in ("tiny", "classroom"):
    encoder = clipbench.load(name)
    features = encoder.encode_image(encoder.preprocess(pictures))
    cosines = [(features * encoder.encode_text(texts)).sum(1) for texts in (own, other)]
    print(f"{name:10} {share_right(*(each.mul(1e5).round() for each in cosines)):.1%} of {len(pairs)}")
