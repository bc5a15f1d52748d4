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
# A classifier that was trained to say *cat* or *dog* can say nothing else. Show it a bear, and it answers "dog". To ask
# it for bears you would have to collect bears, label them, and train it again. **CLIP** (Radford et al. 2021) has no
# such list. It learned from pictures that come with a sentence, as they do on the web, *which sentence belongs to which
# picture*. Afterwards you ask for a bear by writing "a bear".
#
# In this notebook we will
#
# * **draw** the machine, and place four pictures and four sentences in one space,
# * **classify** a picture by hand, with five class names and one template,
# * **check** our steps against the library,
# * **measure** how often a trained model is right, and compare that with chance,
# * **explore** prompts in a live widget.
#
# It takes about 50 minutes in class, on any laptop, without a network. You should know what a vector and a matrix
# product are; everything else is explained. (On Colab or Kaggle run the installation cell of the
# [README](../README.md#where-it-runs) first.) Run the cells one after the other, with Shift and Enter. At each
# **Predict** stop and say what you expect, *before* you run the cell: a wrong guess teaches more than a result that you
# only read.
#
# [Español](translations/00_start_here.es.ipynb) · [Deutsch](translations/00_start_here.de.ipynb) ·
# [中文](translations/00_start_here.zh.ipynb) · [Русский](translations/00_start_here.ru.ipynb)

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
# ## What we want to understand
#
# One picture, five sentences, and how the model divides its probability among them.

# %%
from clipbench.data.world.staged import Staged, stage

(picture,) = stage([Staged(("cat",), "pink", style="sketch")])
class_names, template = ["cat", "dog", "wolf", "rabbit", "pizza"], "a photo of a {}."

# %%
from clipbench.evaluate.zero_shot import class_probabilities
from clipbench.figures import probability_bars

weights = clipbench.zero_shot_weights(encoder, class_names, [template])
image_feature = encoder.encode_image(encoder.preprocess([picture]))
library_cosines, library_probabilities = class_probabilities(image_feature, weights, encoder.scale)
probability_bars(picture, class_names, library_probabilities[0])

# %% [markdown]
# On the left is the picture, on the right one bar for each sentence, "a photo of a cat." and so on. Nobody told the
# model what this sketch shows. The `classroom` model is not sure, and it should not be: a few lines could be several
# animals, but hardly a pizza. The rest of this lesson takes this figure apart.
#
# ## The machine
#
# This workbench, clipbench, brings its own pictures: small scenes made of emoji, drawn when they are needed. So every
# lesson works offline, and we always know what is in a picture. Here are four of them with a sentence for each, on
# their way through CLIP.

# %%
sentences = ["one cat", "one dog", "two cats", "two dogs"]
scenes = [("cat",), ("dog",), ("cat", "cat"), ("dog", "dog")]
colours = ["green", "pink", "yellow", "turquoise"]
pictures = stage([Staged(objects, colour) for objects, colour in zip(scenes, colours, strict=True)])
image_features = encoder.encode_image(encoder.preprocess(pictures))
text_features = encoder.encode_text(sentences)

# %%
from clipbench.figures import two_encoders

two_encoders(pictures, sentences, image_features @ text_features.T)

# %% [markdown]
# This is figure 1 of the paper, with our pictures. There are **two encoders**, two neural networks that share no
# weights: one reads pixels, the other reads words. A **projection** (one matrix) after each brings both to lists of the
# same length, *I* for a picture and *T* for a sentence. Then each picture is compared with each sentence. Training
# wanted one thing only: high numbers on the diagonal, low ones beside it. (Lesson 01 trains such a model, lesson 02
# reads such tables.)
#
# ## The word *embedding*
#
# A list of numbers that stands for a thing is called its **embedding**; the paper says *feature*. You can make one by
# hand. Count the cats and the dogs in a picture: one cat and two dogs become the point (1, 2) of a plane.
#
# **Predict:** where in this plane is a raccoon?

# %%
from clipbench.figures import counted_axes

counts = {"one cat": (1, 0, 0), "two dogs": (0, 2, 0), "one cat, two dogs": (1, 2, 0)}
more = {"one raccoon": (0, 0, 1), "one cat, two raccoons": (1, 0, 2)}
title = "Counted by hand: a plane for cats and dogs; raccoons need a third axis"
counted_axes(counts | more, ("cats", "dogs", "raccoons"), title)

# %% [markdown]
# Nowhere. The plane has no place for it but (0, 0), which means "nothing". A raccoon needs a third axis, a bear a
# fourth, and colours, moods and places need more still. Nobody can list the axes of everything that people photograph.
# So CLIP is not given any axes. It gets some hundred of them and learns what to use them for: whatever helps to tell
# one picture's sentence from another's.

# %%
image_features.shape, text_features.shape

# %% [markdown]
# Each row is one embedding, and each has length 1. So the product of two rows is the **cosine** of the angle between
# them: 1 for the same direction, 0 for a right angle. That is our similarity of a picture and a sentence.
#
# **Predict:** for each picture (each row below), which sentence has the highest cosine, and which the lowest?

# %%
from clipbench.figures import similarity_heatmap

cosines = image_features @ text_features.T
similarity_heatmap(cosines, pictures, sentences)

# %%
for sentence, row in zip(sentences, cosines, strict=True):
    ranked = [f"{sentences[i]} {row[i]:.2f}" for i in row.argsort(descending=True).tolist()]
    print(f"picture of {sentence:9} | {', '.join(ranked)}")
missed = [sentences[row] for row in range(len(sentences)) if cosines[row].argmax() != row]
print("prefers another sentence than its own:", ", ".join(missed) or "none")

# %% [markdown]
# Rows are pictures, columns are sentences; a framed cell is a picture with its own sentence. You may have said that
# each picture prefers its own sentence. The last line names those that do not. At the end of each ranking stand the two
# sentences about the other animal: animals are told apart, numbers hardly. Counting is harder than naming, because most
# captions do not count (lesson 11).
#
# Nobody can see so many dimensions, so we look at a shadow of the eight points on a plane. First we subtract the mean
# picture and the mean sentence, because the two groups stand apart (the "modality gap", lesson 05). Then principal
# component analysis finds the two directions in which the points differ most.
#
# **Predict:** which of the four pictures will be neighbours?

# %%
import torch

from clipbench.figures import points_in_plane

points = torch.cat([image_features - image_features.mean(0), text_features - text_features.mean(0)])
_, spread, directions = torch.linalg.svd(points, full_matrices=False)
on_plane = points @ directions[:2].T
share = float(spread[:2].square().sum() / spread.square().sum())
print(f"this plane shows {share:.0%} of the differences between the eight points")

# %%
shown = on_plane[:4]  # the pictures: one cat, one dog, two cats, two dogs
animal = (shown[[0, 2]].mean(0) - shown[[1, 3]].mean(0)).norm()
number = (shown[:2].mean(0) - shown[2:].mean(0)).norm()
title = f"Pictures: {animal:.2f} from cats to dogs, {number:.2f} from one to two"
points_in_plane(on_plane[:4], on_plane[4:], pictures, sentences, title)

# %% [markdown]
# Pictures have blue frames, sentences are orange dots, and a dotted line joins what belongs together. Pictures of the
# same animal are neighbours: from one animal to the other it is much further than from one to two, because far more
# captions name an animal than a number. Nobody told the model that animals exist. It only had to find the right
# sentence for each picture.
#
# ## Who teaches, if nobody labels?
#
# Language models found an answer first: hide a word of a sentence, and let the model guess it (*masked language
# modelling*; BERT, Devlin et al. 2019). The text itself holds the answer, so every sentence on the web becomes an
# exercise. Here is the simplest model of this kind. For each pair of neighbours it counts which words stand between
# them, in 10,000 captions of our world.
#
# **Predict:** which words will stand in the gap of "a ___ of", and which in that of "a ___ background"?

# %%
from collections import Counter, defaultdict

from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.factors import COLOURS, draw_factors

captions = caption_scenes(draw_factors(torch.arange(10_000), seed=2_000_012))
gaps = defaultdict(Counter)  # (word before, word after): how often each word stands between them
for caption in captions:
    words = caption.strip(".").split()
    for before, word, after in zip(words, words[1:], words[2:], strict=False):
        gaps[before, after][word] += 1

# %%
print("a ___ of:        ", gaps["a", "of"].most_common(5))
print("a ___ background:", gaps["a", "background"].most_common(5))

# %% [markdown]
# Kinds of pictures fill the first gap, colours the second. *Guessing the word is not the goal.* What is learned on the
# way is worth more. Describe each word by the gaps that it fills, one number for each gap: that row is an embedding of
# the word.
#
# **Predict:** which words will be nearest to "red"?

# %%
often = Counter(word for gap in gaps.values() for word in gap.elements())
known = [word for word, count in often.items() if count >= 20]
counts = torch.tensor([[float(gap[word]) for gap in gaps.values()] for word in known])
word_features = torch.nn.functional.normalize(counts.sqrt(), dim=1)  # the root, so that rare gaps count, too
nearest = (word_features @ word_features.T).fill_diagonal_(-1).topk(5).indices.tolist()
for word in ("red", "two", "photo"):
    print(f"nearest to {word!r}:", ", ".join(known[row] for row in nearest[known.index(word)]))

# %%
colours = [row for row, word in enumerate(known) if word in COLOURS]
found = sum(other in colours for row in colours for other in nearest[row]) / (5 * len(colours))
by_chance = (len(colours) - 1) / (len(known) - 1)
print(f"of the five nearest words of a colour {found:.0%} are colours; by chance it would be {by_chance:.0%}")

# %% [markdown]
# Colours lie beside colours. Nobody said that there is such a thing as a colour; it came out of guessing words, as a
# by-product. Such embeddings of words are what people use of a language model like BERT. But this model knows words
# only from other words. It has never seen red. CLIP hides more, the whole caption, and shows the picture: *which of
# these captions is it?* To answer, it has to build a bridge between pictures and words.
#
# ## Classify a picture by hand
#
# Back to the sketch, which no model was trained on. Letting sentences *compete* for a picture is called **zero-shot
# classification** (section 3.1 of the paper): no labelled example is needed. It has five steps.
#
# **Step 1: the picture becomes an embedding.**

# %%
image_feature = encoder.encode_image(encoder.preprocess([picture]))
image_feature.shape

# %% [markdown]
# **Step 2: class names become sentences, and sentences become embeddings.** A sentence with a gap for the name is
# called a template.

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
# **Step 4: times the scale.** The model learned one more number, the **scale**. It says how much a difference between
# two cosines counts. Others write the same with a **temperature** τ = 1 / scale, and divide by it: a small temperature
# is a large scale. (The parameter *t* of the paper is the logarithm of the scale.) The products are called logits.

# %%
logits = encoder.scale * cosines
print(f"scale {encoder.scale:.1f}, temperature {1 / encoder.scale:.3f}")
{name: round(logit, 1) for name, logit in zip(class_names, logits[0].tolist(), strict=True)}

# %% [markdown]
# **Step 5: softmax.** It raises *e* to each logit, and divides by the sum, so that the numbers are positive and sum to
# 1. Two classes then differ by a *factor*: *e* to the difference of their logits.
#
# **Predict:** by what factor does the cat beat the rabbit, and the pizza? Will the numbers match the bars of the first
# figure?

# %%
for other in (3, 4):
    gap = float(logits[0, 0] - logits[0, other])
    print(f"cat and {class_names[other]}: cosines {gap / encoder.scale:.3f} apart, logits {gap:.1f}:", end=" ")
    print(f"a factor of e^{gap:.1f} = {2.718281828**gap:,.1f}")

# %%
probabilities = logits.softmax(dim=-1)
{name: f"{value:.1%}" for name, value in zip(class_names, probabilities[0].tolist(), strict=True)}

# %% [markdown]
# They match. A small difference of two cosines became a factor, because the scale is large. And the probability is
# only a comparison *among the sentences that you wrote*: if none of them fits, they still sum to 1. Keep that in mind
# for the end.
#
# ## The library does the same
#
# At the top the library's `zero_shot_weights` did step 2, and `class_probabilities` did steps 3 to 5. We check that
# nothing is hidden: if our numbers and the library's differ, the next cell stops with an error.

# %%
torch.testing.assert_close(cosines, library_cosines)
torch.testing.assert_close(probabilities, library_probabilities)
f"equal for all {len(class_names)} classes"

# %% [markdown]
# And once more without clipbench. With the library `transformers` most introductions to CLIP show these lines. The
# shipped `classroom` model is a folder that `transformers` opens; at `full` it opens OpenAI's. (A `tiny` model opens
# nowhere else, so at that scale the next cell shows the numbers of `classroom`.)

# %%
from transformers import CLIPModel, CLIPProcessor

from clipbench.pretrained.folders import find_folder

folder = find_folder(MODEL if SCALE == "full" else "classroom")
model, processor = CLIPModel.from_pretrained(folder).float(), CLIPProcessor.from_pretrained(folder)
inputs = processor(text=prompts, images=[picture], return_tensors="pt", padding=True)
with torch.no_grad():
    shares = model(**inputs).logits_per_image.softmax(dim=1)[0].tolist()
{name: f"{value:.1%}" for name, value in zip(class_names, shares, strict=True)}

# %% [markdown]
# Three programs, the same probabilities: by hand, clipbench, `transformers`. What you learn here holds there.
#
# ### Ask for a bear
#
# Now for what no classifier with a fixed list can do. We add a class by writing it; nothing is trained.
#
# **Predict:** two classes, cat and dog, and the picture of a bear. Then the same with a third class, bear.

# %%
(bear,) = stage([Staged(("bear",), "green")])
bear_feature = encoder.encode_image(encoder.preprocess([bear]))
for names in (["cat", "dog"], ["cat", "dog", "bear"]):
    weights = clipbench.zero_shot_weights(encoder, names, [template])
    _, shares = class_probabilities(bear_feature, weights, encoder.scale)
    print(", ".join(f"{name} {share:.1%}" for name, share in zip(names, shares[0].tolist(), strict=True)))

# %% [markdown]
# With two classes it has to call the bear a cat or a dog, and does so with confidence. One more word repairs it.
#
# ## More pictures, and all the names
#
# Five names make an easy test. Now the model must choose among the names of *all* concepts, with ten templates for each
# name. The embeddings of the templates are averaged (lesson 03 shows why that helps).

# %%
weights = clipbench.zero_shot_weights(encoder, data.class_names, data.templates)
print(f"{len(data.class_names):,} classes from {len(data.class_names) * len(data.templates):,} sentences")
print(f"a blind guess is right once in {len(data.class_names):,} tries")

# %% [markdown]
# **Predict:** of twelve pictures, how many will be right?

# %%
rows = range(100, 112)
features = clipbench.image_features(encoder, data.subset(rows))
_, probabilities = class_probabilities(features, weights, encoder.scale)
best = probabilities.max(dim=1)
said = [data.class_names[label] for label in best.indices.tolist()]
truth = [data.class_names[label] for label in data.labels[rows].tolist()]

# %%
from clipbench.figures import BLUE, ORANGE, contact_sheet

right = [answer == name for answer, name in zip(said, truth, strict=True)]
sure = [f"{answer}, {share:.0%}" for answer, share in zip(said, best.values.tolist(), strict=True)]
below = [text if text.startswith(f"{name},") else f"{text}; is {name}" for text, name in zip(sure, truth, strict=True)]
title = f"{sum(right)} of {len(right)} are right; among {len(data.class_names):,} classes"
contact_sheet(data.pictures(rows), below, title, colours=[BLUE if good else ORANGE for good in right])

# %% [markdown]
# The title has the count. Under each picture is the model's answer and its probability: blue where it is right, orange
# where it is wrong, followed by the truth. Some scenes are sketches, some are blurred, some have inverted colours.
#
# ## How good is it?
#
# Twelve pictures say little. We take 500 and state the accuracy with a 95% interval: if we repeated this with 500 fresh
# pictures again and again, about 95 of 100 such intervals would contain the true accuracy.
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
# If your number was lower, you may have thought of the 1,216 wrong names. Most of them are no rivals: that "rocket" is
# on the list costs the picture of a cat nothing. What costs something are the few names that look alike.
#
# A word of care. At the scales `tiny` and `classroom` the class names are words that the model read in its training
# captions, and the scenes come from the same generator as its training scenes, only from a part of it that training
# never used. So this is zero-shot in a narrow sense: no labels, and new pictures. The paper means more by it: data sets
# that CLIP was never made for (section 3.1.1). Lesson 01 comes back to this.
#
# ## Explore
#
# Your turn. Choose a picture, write sentences, one on each line, and watch cosine, logit and probability. (If you read
# this on a web page, there are no controls below, only a picture of them: open the notebook in JupyterLab and run it.)

# %%
from clipbench_widgets import PromptExplorer

new = [(f"new scene {row + 1}", scene) for row, scene in enumerate(data.pictures(range(8)))]
PromptExplorer(encoder, pictures=[*zip(sentences, pictures, strict=True), *new], prompts=sentences[:2])

# %% [markdown]
# <details><summary>What the app looks like</summary>
#
# ![A picture, two prompts, and cosine, logit and probability of each](../docs/prompt_explorer.png)
#
# </details>
#
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
# * We **drew** the machine, made an embedding by hand, and placed four pictures and four sentences in one space.
# * We **classified** a picture by hand: embedding, template, cosine, scale, softmax.
# * We **checked** our steps against clipbench and `transformers`, and all agreed; one more word made a bear possible.
# * We **measured** the accuracy on 500 new scenes, with an interval, against chance.
# * We **explored** prompts in `PromptExplorer`.
#
# Next: [01 pretraining](01_pretraining.ipynb), where you train such a model while you watch.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*,
# ICML 2021, arXiv 2103.00020. This lesson uses figure 1 and section 3.1. Hidden words: J. Devlin et al., *BERT*,
# NAACL 2019.
