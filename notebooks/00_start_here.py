# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00 Start here: pictures and words in one space
#
# How can a program name what is in a picture if nobody ever gave it labelled pictures? It can learn from
# pictures that come with a sentence, as they do on the web. **CLIP** (Radford et al. 2021) does this: it
# learns which sentence belongs to which picture. Afterwards you classify pictures by writing sentences.
#
# In this notebook we will
#
# * **place** four pictures and four sentences as points on one plane,
# * **classify** a picture by hand, with five class names and one template,
# * **check** our steps against the library,
# * **measure** how often a trained model is right, and compare that with chance,
# * **explore** prompts in a live widget.
#
# It takes about 15 to 20 minutes, on any laptop, without a network. (On Colab or Kaggle run the installation cell
# of the [README](../README.md#where-it-runs) first.) Run the cells one after the other, with
# Shift and Enter. At each **Predict** stop and say what you expect, *before* you run the cell: a wrong
# guess teaches more than a result that you only read.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %% [markdown]
# `SCALE` is the switch of every notebook. It chooses the model and the pictures:
#
# | scale | model | where it runs |
# |---|---|---|
# | `"tiny"` | small enough to be trained in minutes, 256 concepts | everywhere |
# | `"classroom"` | 4.5 million parameters, all concepts, shipped | everywhere, loads in a second |
# | `"full"` | OpenAI's ViT-B/32, downloaded on first use | Colab or a GPU; a CPU with patience |
#
# What follows is the same code for all three.

# %%
import clipbench

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)
data = clipbench.open_pictures("scenes:heldout256" if SCALE == "tiny" else "scenes:heldout")
print(f"model {encoder.name!r}, {len(data):,} pictures of {len(data.class_names):,} kinds of things")

# %% [markdown]
# Here is what we want to understand: one picture, five sentences, and how the model divides its trust among
# them.

# %%
from clipbench.evaluate.zero_shot import class_probabilities
from clipbench.figures import probability_bars

class_names, template = ["cat", "badger", "panda", "raccoon", "pizza"], "a photo of a {}."
picture = data.pictures([data.labels.tolist().index(data.class_names.index("raccoon"))])[0]
weights = clipbench.zero_shot_weights(encoder, class_names, [template])
image_feature = encoder.encode_image(encoder.preprocess([picture]))
library_cosines, library_probabilities = class_probabilities(image_feature, weights, encoder.scale)
probability_bars(picture, class_names, library_probabilities[0])

# %% [markdown]
# The picture is on the left, and on the right one bar for each sentence, "a photo of a cat." and so on. No
# one told the model what is in this picture. The rest of this lesson takes the figure apart.
#
# ## A world of our own
#
# This workbench, clipbench, brings its own pictures: small scenes made of emoji, drawn when they are
# needed. So every lesson works offline, and we always know what is in a picture. Here are four scenes that
# no model was trained on.

# %%
import torch

from clipbench.data.world.factors import SceneConfig, draw_factors
from clipbench.data.world.render import render
from clipbench.data.world.sprites import concept_ids
from clipbench.figures import contact_sheet, to_pictures

cat, dog = concept_ids()["cat"], concept_ids()["dog"]
plain_photos = SceneConfig(styles=(1, 0, 0, 0, 0, 0, 0), signs=(1, 0, 0, 0))
factors = draw_factors(torch.arange(4), seed=2_000_011, config=plain_photos)
factors = factors.with_groups(concept=torch.tensor([cat, dog, cat, dog]), count=torch.tensor([1, 1, 2, 2]))
pictures = to_pictures(render(factors))

# %%
sentences = ["one cat", "one dog", "two cats", "two dogs"]
contact_sheet(pictures, sentences, columns=4)

# %% [markdown]
# Four small pictures: one cat, one dog, two cats, two dogs, each on a background of another colour.
#
# ## Who teaches, if nobody labels?
#
# Language models found an answer first: hide a word of a sentence, and let the model guess it (BERT, Devlin et al.
# 2019). The text itself holds the answer, so every sentence of the web becomes a lesson. Here is the simplest of
# such models. It only counts which words fill a gap, in 5,000 captions of our world.
#
# **Predict:** which words will stand in the gap of "a ___ of a", and which in that of "a ___ background"?

# %%
import re
from collections import Counter

from clipbench.data.world.captions import caption_scenes

captions = "\n".join(caption_scenes(draw_factors(torch.arange(5000), seed=2_000_012)))
for gap in ("a ___ of a", "a ___ background"):
    words = Counter(re.findall(gap.replace("___", r"(\w+)"), captions))
    print(gap, "|", ", ".join(f"{word} {count}" for word, count in words.most_common(5)))

# %% [markdown]
# Kinds of pictures fill the one gap, colours the other, and nobody said that there are such things. But so a
# model learns words from words alone: it has never seen red. CLIP hides more, the whole caption, and shows the
# picture: *which of these captions is it?* To answer, it has to build a bridge between pictures and words.
#
# ## Pictures and sentences as points
#
# CLIP has two encoders. One turns a picture into a list of numbers, the other turns a sentence into a list
# of the same length. Such a list is called a **feature**. It is a point in a space with many dimensions,
# and both encoders use the *same* space. Training pulled each picture towards its own sentence.

# %%
image_features = encoder.encode_image(encoder.preprocess(pictures))
text_features = encoder.encode_text(sentences)
image_features.shape, text_features.shape

# %% [markdown]
# Each row is one point, and each has length 1. So the product of two rows is the cosine of the angle
# between them: 1 for the same direction, 0 for a right angle. We use it as the similarity of a picture and
# a sentence.
#
# **Predict:** in each column below, which sentence has the highest cosine? Which has the lowest?

# %%
from clipbench.figures import similarity_heatmap

similarity_heatmap(text_features @ image_features.T, pictures, sentences)

# %% [markdown]
# A framed cell is a picture with its own sentence. The sentence about the other animal is far away; the
# sentence about the same animal in another number is close. Counting is harder than naming (lesson 11).
#
# Nobody can see so many dimensions, so we look at a shadow of the eight points on a plane. First we move
# the middle of the pictures and the middle of the sentences to zero, because the two groups stand a little
# apart (the "modality gap", lesson 05). Then principal component analysis finds the two directions in which
# the points differ most.
#
# **Predict:** which of the four pictures will be neighbours?

# %%
from clipbench.figures import points_in_plane

points = torch.cat([image_features - image_features.mean(0), text_features - text_features.mean(0)])
_, spread, directions = torch.linalg.svd(points, full_matrices=False)
on_plane = points @ directions[:2].T
share = float(spread[:2].square().sum() / spread.square().sum())
title = f"This plane shows {share:.0%} of the differences between the eight points"
points_in_plane(on_plane[:4], on_plane[4:], pictures, sentences, title)

# %% [markdown]
# Pictures stand in blue frames, sentences are orange dots, and a dotted line joins what belongs together.
# From left to right the points go from one animal to the other, and from top to bottom from one number to
# the other. Which of the two separates the pictures better? Nobody told the model that animals and numbers
# exist. It only had to find the right sentence for each picture.
#
# ## Classify a picture by hand
#
# Back to the picture of the beginning. It was drawn for evaluation only. Letting sentences vote on it is
# called **zero-shot classification** (section 3.1 of the paper), and it has five steps.
#
# **Step 1: the picture becomes a feature.**

# %%
image_feature = encoder.encode_image(encoder.preprocess([picture]))
image_feature.shape

# %% [markdown]
# **Step 2: class names become sentences, and sentences become features.** A sentence with a gap for the
# name is called a template.

# %%
prompts = [template.format(name) for name in class_names]
class_features = encoder.encode_text(prompts)
prompts

# %% [markdown]
# **Step 3: cosines.** One number for each class.

# %%
cosines = image_feature @ class_features.T
{name: round(cosine, 3) for name, cosine in zip(class_names, cosines[0].tolist(), strict=True)}

# %% [markdown]
# **Step 4: times the scale.** The model learned one more number, the scale (one over the temperature τ; its logarithm
# is the parameter *t* of the paper). It says how much a difference between two cosines counts. The products are
# called logits.

# %%
logits = encoder.scale * cosines
print(f"scale {encoder.scale:.1f}:", [round(logit, 1) for logit in logits[0].tolist()])

# %% [markdown]
# **Step 5: softmax.** It turns the logits into numbers that are positive and sum to 1.
#
# **Predict:** will these numbers be the bars of the beginning?

# %%
probabilities = logits.softmax(dim=-1)
{name: f"{value:.1%}" for name, value in zip(class_names, probabilities[0].tolist(), strict=True)}

# %% [markdown]
# Such a probability is only a comparison *among the sentences that you wrote*. If none of them fits, they
# still sum to 1. Keep that in mind for the end.
#
# ## The library does the same
#
# At the beginning the library's `zero_shot_weights` did step 2, and `class_probabilities` did steps 3 to 5.
# We check that nothing is hidden: if our numbers and the library's differ, the next cell stops with an
# error.

# %%
torch.testing.assert_close(cosines, library_cosines)
torch.testing.assert_close(probabilities, library_probabilities)
f"equal for all {len(class_names)} classes"

# %% [markdown]
# ## More pictures, and all the names
#
# Five names make an easy test. Now the model must choose among the names of *all* concepts, with ten
# templates for each name. The features of the templates are averaged (lesson 03 shows why that helps).

# %%
weights = clipbench.zero_shot_weights(encoder, data.class_names, data.templates)
print(f"{len(data.class_names):,} classes from {len(data.class_names) * len(data.templates):,} sentences")

# %% [markdown]
# **Predict:** of twelve pictures, how many will be right? Guessing is right once in as many pictures as
# there are classes.

# %%
rows = range(100, 112)
features = clipbench.image_features(encoder, data.subset(rows))
_, probabilities = class_probabilities(features, weights, encoder.scale)
best = probabilities.max(dim=1)
said = [data.class_names[label] for label in best.indices.tolist()]
truth = [data.class_names[label] for label in data.labels[rows].tolist()]

# %%
from clipbench.figures import BLUE, ORANGE

right = [answer == name for answer, name in zip(said, truth, strict=True)]
captions = [f"{answer}, {sure:.0%}" for answer, sure in zip(said, best.values.tolist(), strict=True)]
rows_of_text = zip(captions, right, truth, strict=True)
captions = [text if good else f"{text}; is {name}" for text, good, name in rows_of_text]
colours = [BLUE if good else ORANGE for good in right]
title = f"{sum(right)} of {len(right)} are right; among {len(data.class_names):,} classes"
contact_sheet(data.pictures(rows), captions, title, colours=colours)

# %% [markdown]
# Under each picture is the model's answer and its probability: blue where it is right, orange where it is
# wrong, followed by the truth. Some scenes are sketches, some are blurred, some have inverted colours.
#
# ## How good is it?
#
# Twelve pictures say little. We take 500 and state the accuracy with a 95% interval: if we drew other 500
# pictures many times, such intervals would hold the true accuracy in about 95 of 100 cases.
#
# **Predict:** write down your number before you run the cell.

# %%
sample = data.subset(range(500))
features = clipbench.image_features(encoder, sample)
metrics = clipbench.zero_shot_metrics(features, sample.labels, weights)
print(f"top-1 {metrics['top1']:.1%}, interval {metrics['top1_low']:.1%} to {metrics['top1_high']:.1%}")
times = metrics["top1"] / metrics["chance"]
print(f"chance {metrics['chance']:.2%}; the model is right {times:,.0f} times as often")

# %% [markdown]
# A word of care. At the scales `tiny` and `classroom` the class names are words that the model read in its
# training captions, and the scenes come from the same generator as its training scenes, only from a part of
# it that training never used. So this is zero-shot in a narrow sense: no labels, and new pictures. The
# paper means more by it: data sets that CLIP was never made for (section 3.1.1). Lesson 01 comes back to
# this.
#
# ## Explore
#
# Your turn. Choose a picture, write sentences, one on each line, and watch cosine, logit and probability.
# (If you read this on a web page and see no controls below, the notebook must be opened in JupyterLab and
# run.)

# %%
from clipbench_widgets import PromptExplorer

new = [(f"new scene {row + 1}", scene) for row, scene in enumerate(data.pictures(range(8)))]
PromptExplorer(encoder, pictures=[*zip(sentences, pictures, strict=True), *new], prompts=sentences[:2])

# %% [markdown]
# Three things to try. Predict first, each time.
#
# 1. **Change one word.** Begin with `a photo of a cat`, for the picture of one cat. Change `photo` to
#    `drawing`, then change `cat` to `tiger`. Which change moves the cosine more?
# 2. **Add a wrong option.** Add `a rocket` to your sentences, then `two cats`. What happens to the
#    probability of `one cat`? What happens to its cosine? Why do the two behave differently?
# 3. **None of these.** Remove every sentence that fits. One wrong sentence still wins. Now add `none of
#    these`. Does it win, as it should? Read its cosine before you trust it.
#
# ## Exercises
#
# Exercises with checks that help: [exercises/00_start_here](exercises/00_start_here.ipynb).
#
# ## The course
#
# | lesson | question |
# |---|---|
# | 00 start here | How can words classify pictures? |
# | [01 pretraining](01_pretraining.ipynb) | How does a model learn that, from pairs alone? |
# | [02 similarity matrix](02_similarity_matrix.ipynb) | What is good on the diagonal and bad beside it? |
# | [03 prompt sensitivity](03_prompt_sensitivity.ipynb) | Why does the wording matter? |
# | [04 typographic attacks](04_typographic_attacks.ipynb) | Why does a written word beat a picture? |
# | [05 embedding maps](05_embedding_maps.ipynb) | What can a map of the space say, and what not? |
# | [06 zero-shot and linear probe](06_zero_shot_and_probe.ipynb) | What do a few labels add? |
# | [07 objectives](07_objectives.ipynb) | Why contrastive, and not predicting the caption? |
# | [08 scaling](08_scaling_and_batch_size.ipynb) | What do more data, larger batches and more compute buy? |
# | [09 robustness](09_robustness.ipynb) | What happens when the pictures change their style? |
# | [10 image search](10_image_search.ipynb) | How does one sentence find one picture in thousands? |
# | [11 limits](11_limits.ipynb) | What can it not do, and why not? |
# | [12 inside the model](12_inside_the_model.ipynb) | What do single units and attention answer to? |
# | [13 the bug museum](13_bug_museum.ipynb) | Which one-line bugs ruin a CLIP, and how do you find them? |
# | [14 real checkpoints](14_real_checkpoints.ipynb) | Does all this hold for the published models? |
# | [15 sparse autoencoders](15_sparse_autoencoders.ipynb) | Which directions of the space mean something? |
#
# ## What we did
#
# * We **placed** four pictures and four sentences on one plane: animal in one direction, number in the
#   other.
# * We **classified** a picture by hand: feature, template, cosine, scale, softmax.
# * We **checked** our steps against `zero_shot_weights`, and they agreed.
# * We **measured** the accuracy on 500 new scenes, with an interval, against chance.
# * We **explored** prompts in `PromptExplorer`.
#
# Next: [01 pretraining](01_pretraining.ipynb), where you train such a model while you watch.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*,
# ICML 2021, arXiv 2103.00020. This lesson uses figure 1 and section 3.1. Hidden words: J. Devlin et al., *BERT*,
# NAACL 2019.
