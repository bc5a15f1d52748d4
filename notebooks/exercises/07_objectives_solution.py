# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 07: three questions about a caption
#
# Four short tasks about lesson [07 Objectives](../07_objectives.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # the rivals are tiny models at every scale

# %%
import math

import torch

import clipbench
from clipbench.exercises import objectives

# %% [markdown]
# ## 1. Which words are there?
#
# `likely` holds *ln p(word | picture)* for each word of a vocabulary, and `caption` the numbers of the words of a
# caption; some may be there twice ("a cat and a dog"). What is the loss of the bag of words?


# %%
def bag_loss(likely, caption):
    # solution
    bag = set(caption)
    return -sum(float(likely[word]) for word in bag) / len(bag)


# %%
objectives.check_bag(bag_loss)

# %% [markdown]
# ## 2. Repair this: which word comes next?
#
# `ids` are the tokens of one caption, from the start token to the end token. Row `t` of `logits` is what a language
# model says after it has read the tokens *up to and including* number `t`. This function is to give the loss of the
# whole caption, the sum of *−ln p* of all that has to be guessed.


# %% tags=["broken"]
def caption_loss(logits, ids):
    losses = -logits.log_softmax(dim=1).gather(1, ids[:, None])
    return float(losses.sum())


# %% tags=["solution"]
def caption_loss(logits, ids):
    losses = -logits[:-1].log_softmax(dim=1).gather(1, ids[1:, None])  # row t guesses token t + 1
    return float(losses.sum())


# %%
objectives.check_written(caption_loss)

# %% [markdown]
# ## 3. Which of these captions?
#
# In a batch some captions may be equal, letter by letter. What is the lowest contrastive loss that any model can have
# then? `captions` is the list of the batch's captions. (Think of one picture first: how probable can its own caption
# be, if *k* of the captions are the same? The other direction has the same answer.)


# %%
def lowest_loss(captions):
    # solution
    return sum(math.log(captions.count(caption)) for caption in captions) / len(captions)


# %%
objectives.check_floor(lowest_loss)

# %% [markdown]
# ## 4. Who asks what?

# %%
LM, BOW, CONTRASTIVE = "language model", "bag of words", "contrastive"
answers = {
    "asks one question for each token of a caption": LM,  # solution
    "has the same target for “a cat and no dog” and “no cat and a dog”": BOW,  # solution
    "the loss of a pair depends on the other pairs of its batch": CONTRASTIVE,  # solution
    "can write a caption that nobody wrote before": LM,  # solution
    "a model that knows nothing has a loss of ln of the batch size": CONTRASTIVE,  # solution
    "has to give “a” and “of” a share of its one softmax": BOW,  # solution
}

# %%
objectives.check_who_asks(answers)

# %% [markdown]
# ## All together
#
# When the checks are passed: one picture of a cat on red, and four captions. **Predict:** which two captions have the
# same loss in the bag of words, although only one of them is true? Which is the best one for the language model?

# %%
from clipbench.data.world.staged import Staged, stage

captions = ["a cat on a red background", "a red cat on a background", "a cat", "a dog on a red background"]
(picture,) = stage([Staged(("cat",), "red")])
bow, writer = clipbench.load("twin:bow"), clipbench.load("twin:caption-lm")
all_ids = [row[: row.argmax() + 1] for row in bow.tokenizer(captions)]  # up to the end token

# %%
with torch.no_grad():
    likely = bow.objective.log_likely(bow.image_tower(bow.preprocess([picture])))[0]
    seen = writer.image_tower(writer.preprocess([picture]))
    for caption, ids in zip(captions, all_ids, strict=True):
        words = bag_loss(likely, ids[1:-1].tolist())
        written = caption_loss(writer.objective.logits(seen, ids[None])[0], ids)
        print(f"{caption:28} bag of words {words:5.2f}, language model {written:5.2f}")
