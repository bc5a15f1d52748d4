# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 Pretraining: how pairs become a classifier
#
# In lesson 00 a model named pictures that nobody had labelled. Where does such a model come from? From
# pairs of pictures and captions, and from one question, asked again and again: *which caption belongs to
# which picture?*
#
# In this notebook we will
#
# * **look** at the data, the paper's and ours,
# * **count** the parameters of the two encoders, one layer by hand,
# * **derive** the contrastive loss by hand, watch it move three pairs, and check it against the library,
# * **train** a small CLIP from nothing while we watch its loss,
# * **measure** what it learned, and say honestly what the number means.
#
# It takes about 90 minutes in class, three of them for the live training. You should know cross-entropy and
# gradients. At each **Predict** write down what you expect before you run the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # the same for all lessons; this one trains "tiny"
MINUTES = 3.0  # of live training
FIRST_SECONDS = 60  # on a slow machine it stops here, and a model trained earlier takes over
STEPS = 30  # of the training loop by hand
ENOUGH = 60_000  # pairs; a machine that is too slow for so many is slow
DEMO_SECONDS = 20  # for each of the two short runs at the end

# %% [markdown]
# ## Where we are going
#
# Eight pictures, eight captions, and a model that was trained as you will train yours. The pairs come from a seed of
# their own: no model of this lesson was trained on them. Each cell holds the cosine of a picture and a caption: how
# similar the model finds them.

# %%
import torch

import clipbench
from clipbench.training.presets import find_preset, scenes_of

preset = find_preset("tiny")
world = scenes_of(preset, seed=0)  # what we train on
eight = scenes_of(preset, seed=880_001)(start=0, count=8)  # what we look at

# %%
from clipbench.figures import similarity_heatmap, to_pictures


def show_similarity(encoder, pairs):
    pictures = to_pictures(pairs.images)
    image_features = encoder.encode_image(encoder.preprocess(pictures))
    text_features = encoder.encode_text(pairs.captions)
    return similarity_heatmap(image_features @ text_features.T, pictures, pairs.captions)


show_similarity(clipbench.load("tiny"), eight)

# %% [markdown]
# Rows are pictures and columns are captions, as in figure 1 of the paper, and a frame marks a pair. The framed cells
# are high and the others are low: that is all that training asks for.
#
# ## The data
#
# What was there in 2021? MS-COCO and Visual Genome have captions that people wrote for the purpose, for some
# 100,000 training photos each. YFCC100M has 100 million photos, but many of their texts are file names or camera
# settings; with an English title or description 15 million are left, about the size of ImageNet (section 2.2).
#
# So the authors made their own, WIT, for WebImageText: 400 million pictures from the internet, each with the text
# that stood beside it. To cover many subjects, they collected pairs for 500,000 search words, at most 20,000
# pairs for each. WIT was never published. Nobody labelled it: the captions were already there.
#
# Our data are emoji scenes with captions from a small grammar. They imitate what captions on the web are
# like. Here are eighteen training pairs.

# %%
from clipbench.figures import contact_sheet

pairs = world(start=122, count=18)
contact_sheet(to_pictures(pairs.images), pairs.captions)

# %% [markdown]
# Look for five things: captions that tell only a part of the picture, captions with another word for the
# same object or only its kind, captions in another language, file names and advertisements, and printed
# signs whose word is what the caption is about. All captions are true. But are they labels in disguise?
#
# **Predict:** what share of the captions contains the exact name of the object that the picture shows?

# %%
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.factors import draw_factors, training_pool
from clipbench.data.world.sprites import concepts

factors = draw_factors(torch.arange(5000), 880_002, preset.scenes, training_pool(tiny=True))
names = [concepts()[number].name for number in factors.concept.tolist()]
named = list(zip(names, caption_scenes(factors), strict=True))
print(
    f"{sum(name == text for name, text in named) / len(named):.0%} of the captions are a class name and nothing else,"
)
print(f"{sum(name in text for name, text in named) / len(named):.0%} contain the exact class name somewhere")

# %% [markdown]
# So our captions are cleaner than those of the web: most of them are a class name with other words around it. Nobody
# tells the model *which* word is the name, and that is the difference to a label. Keep the number in mind when we
# praise the result.
#
# You see one caption for each picture. In training each has eight of them, drawn independently, and the loss is their
# mean: a picture is expensive to draw and to encode, a sentence is cheap, so we ask about each picture eight times.
#
# **Predict:** in one batch of training pairs from a world of 256 concepts, how many captions are different? If two
# pictures have the same caption, the model is punished for a choice that nobody could make.

# %%
batch = world(start=0, count=preset.train.batch_size)
print(f"{len(set(batch.captions))} different captions among {len(batch.captions)} pairs")

# %% [markdown]
# Nearly all: two equal captions in a batch are an accident. Scenes are drawn when they are needed, so no pair ever
# comes twice, and scene number 4,000 is the same on every computer.
#
# ## Two encoders
#
# A CLIP is two networks that share no weights (the diagram of lesson 00). The **image encoder** turns pixels into
# numbers, the **text encoder** turns tokens into numbers. A **projection** after each brings both to the same length.
# One more number is learned: the scale.
#
# **Tokens** are words and pieces of words, each with a number. Here is what the text encoder really reads.

# %%
from clipbench.pretrained.folders import world_tokenizer

tokenizer = world_tokenizer()
for text in ("a photo of a cat", "a photo of a cattery"):
    numbers = tokenizer([text])[0].tolist()
    print(tokenizer.tokens(text), "→", numbers[: numbers.index(tokenizer.end_id) + 1])

# %% [markdown]
# The first and the last number mark where a text starts and ends. A word that was rare in the captions is spelled in
# pieces.

# %%
from clipbench import CLIP

torch.manual_seed(0)
model = CLIP(preset.model)
preset.model

# %% [markdown]
# Our image encoder has seven convolutions; the paper used ResNets and vision transformers. Our text encoder
# is a bag of words: it looks up a vector for each token and takes their mean. The paper's figure 3 names
# both, a bag of words (CBOW) or a text transformer. The paper's models and our classroom model have the
# transformer, but in three minutes the simpler one learns more (`EXPERIMENTS.md`).
#
# **Predict** the number of parameters of the first convolution: it has a kernel of 5 × 5, three input channels (red,
# green, blue) and as many outputs as the width of the network. And which of the four parts below is the largest?

# %%
convolution = next(module for module in model.modules() if isinstance(module, torch.nn.Conv2d))
width = preset.model.image.width
print(f"first convolution: 5 × 5 × 3 × {width} = {25 * 3 * width:,}; counted {convolution.weight.numel():,}")

# %%
parts = {
    "image encoder": model.image_encoder,
    "image projection": model.image_projection,
    "word vectors": model.text_encoder.token_embedding,
    "text projection": model.text_projection,
    "all of it": model,
}
for name, part in parts.items():
    print(f"{name:17}{sum(weight.numel() for weight in part.parameters()):10,}")

# %% [markdown]
# The image encoder is the largest part. In second place is the table of word vectors, one row for each token of the
# vocabulary: in a small model words are expensive.
# For comparison: the released ViT-B/32 has 151 million parameters, the largest model, RN50x64, 623 million.
#
# ## Before training
#
# **Predict:** what will the matrix of the same eight pairs look like with random weights?

# %%
from clipbench import ClipbenchEncoder
from clipbench.preprocess import Preprocess

preprocess = Preprocess(preset.model.image_size)
show_similarity(ClipbenchEncoder(model, tokenizer, preprocess, "untrained"), eight)

# %% [markdown]
# Now the rows hardly differ: an untrained network sends all pictures to almost the same point. The columns do differ,
# but a caption that happens to lie nearer to that point is nearer for *every* picture. Nothing here says who belongs
# to whom.
#
# ## The loss, by hand
#
# Take three pairs, and put their features on a circle, so that each is one angle. The cosine of two
# features is the cosine of the angle between them.

# %%
from clipbench.figures import arrows_on_circle

picture_angles = torch.tensor([10.0, 100.0, 200.0]).deg2rad()
caption_angles = torch.tensor([25.0, 160.0, 215.0]).deg2rad()
at_first = {"pictures blue, captions orange": (picture_angles.tolist(), caption_angles.tolist())}
title = "Caption 2 is 60° from its own picture and 40° from picture 3; the other pairs are together"
arrows_on_circle(at_first, title)

# %%
similarity = torch.cos(picture_angles[:, None] - caption_angles[None, :])
similarity

# %% [markdown]
# Rows are pictures, and columns are captions. The pairs on the diagonal should win. Pairs 1 and 3 do. Picture 2 is 60
# degrees away from its caption, and caption 2 is nearer to picture 3.
#
# The loss asks two questions of every pair: which of the three captions belongs to this picture, and which
# of the three pictures belongs to this caption? Each answer is a softmax over *scale × cosine*, and costs
# *−ln* of the probability of the right one. (As the logarithm is the natural one, the unit is called *nat*.)

# %%
from math import exp, log


def loss_with_loops(similarity, scale):
    n, total = len(similarity), 0.0
    for i in range(n):
        right = exp(scale * similarity[i][i])
        captions = sum(exp(scale * similarity[i][j]) for j in range(n))
        pictures = sum(exp(scale * similarity[j][i]) for j in range(n))
        total += -log(right / captions) - log(right / pictures)
    return total / (2 * n)


by_hand = loss_with_loops(similarity.tolist(), scale=5.0)
print(f"loss {by_hand:.3f} nats; a model that knows nothing would have ln 3 = {log(3):.3f}")

# %% [markdown]
# The loops say what happens, but they are slow. The same without loops is the heart of the paper's figure 3: one
# product gives all cosines, and a cross-entropy along the rows and one along the columns give both questions. Because
# pictures and captions are treated alike, this is called a **symmetric** loss. (In figure 3 `loss_i` runs along axis 0
# and `loss_t` along axis 1, so the two names look swapped; their mean is the same.)

# %%
import torch.nn.functional as F


def loss_of_figure_3(image_features, text_features, scale):
    logits = scale * image_features @ text_features.T  # one row for each picture
    labels = torch.arange(len(logits))  # the right answers are on the diagonal
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


image_features = torch.stack([picture_angles.cos(), picture_angles.sin()], dim=1)
text_features = torch.stack([caption_angles.cos(), caption_angles.sin()], dim=1)
ours = loss_of_figure_3(image_features, text_features, scale=5.0)
ours

# %% [markdown]
# And the library? `assert_close` is silent when its two numbers agree, and stops with an error when they do
# not.

# %%
from clipbench import clip_loss

torch.testing.assert_close(ours, torch.tensor(by_hand))
torch.testing.assert_close(ours, clip_loss(image_features, text_features, 5.0))
print("loops, figure 3 and clip_loss agree")

# %% [markdown]
# From now on `clip_loss` is no longer a black box.
#
# ### What the loss does
#
# Each training step turns every arrow a little in the direction that lowers the loss.
#
# **Predict:** which of the six arrows will turn most, and which hardly at all?

# %%
angles, moments = torch.stack([picture_angles, caption_angles]).requires_grad_(), {}
for step in range(21):
    images, texts = torch.stack([angles.cos(), angles.sin()], dim=-1)
    loss = clip_loss(images, texts, 5.0)
    if step in (0, 1, 3, 8, 20):
        moments[f"step {step}: loss {loss:.3f}"] = angles.detach().clone()
    (slope,) = torch.autograd.grad(loss, angles)
    angles = (angles - 0.5 * slope).detach().requires_grad_()

# %%
turned = (list(moments.values())[-1] - torch.stack([picture_angles, caption_angles])).rad2deg().abs()
title = f"In twenty steps picture 2 turns by {turned[0, 1]:.0f}° and caption 2 by {turned[1, 1]:.0f}°,"
title += f" picture 3 by {turned[0, 2]:.0f}°, pair 1 by at most {turned[:, 0].max():.0f}°"
arrows_on_circle({name: both.tolist() for name, both in moments.items()}, title)

# %% [markdown]
# The pair that was wrong finds each other, mostly in the first steps. Picture 3 turns, too: caption 2 stood beside it
# and was its rival. Pair 1 hardly moves: its softmax is sure, so almost no gradient is left for it (lesson 02 looks
# at that).
#
# ## What is the loss of a model that knows nothing?
#
# If all cosines are equal, each of *N* captions gets the probability *1/N*, whatever the scale is.
#
# **Predict** the loss for our batch size. And for the paper's batch of 32,768 pairs (table 18)?

# %%
N = preset.train.batch_size
same = torch.nn.functional.normalize(torch.ones(N, 2), dim=1)
print(f"measured {clip_loss(same, same, 14.3):.4f}, ln {N} = {log(N):.4f}, ln 32768 = {log(32768):.4f}")

# %% [markdown]
# So *ln N* is the level of a model that knows nothing, and it grows with the batch: losses of different
# batch sizes cannot be compared. Our untrained model should start near it.
#
# **Predict:** exactly at *ln N*, above it, or below?

# %%
with torch.no_grad():
    images = preprocess.normalise(batch.images)
    start = clip_loss(*model(images, tokenizer(batch.captions)))
print(f"the untrained model has {start:.3f}, and ln {len(images)} is {log(len(images)):.3f}")

# %% [markdown]
# A little above: the cosines of random features are not exactly equal, and being randomly sure costs. If *your* model
# starts far above *ln N*, look for a bug: a scale that starts too high, or features that are not normalised.
#
# (Why does the model learn the *logarithm* of the scale? So that the scale itself stays positive, and a step changes it
# by a percentage.)
#
# ### Why not simply answer yes or no?
#
# One could ask of every cell of the matrix: do these two belong together, 1 or 0? That is a pairwise loss.
# In a batch of *N* there are *N* ones and *N² − N* zeros, so a model that always says 0 is right almost
# everywhere. It can work: SigLIP (Zhai et al. 2023) does it, and needs a learned bias against that
# imbalance. CLIP's contrastive loss never asks whether a pair fits. It asks which of *N* fits *best*, so
# only the comparison counts.

# %%
print(f"a pairwise model that always says 0 is right in {1 - 1 / N:.1%} of the {N * N:,} cells")

# %% [markdown]
# ## Train
#
# ### By hand
#
# A training step is six lines: draw pairs, encode both, take the loss, clear the old gradients, compute the new ones,
# move every weight a little. The whole of contrastive training is this loop.
#
# **Predict:** after thirty steps, will the loss have left *ln N* at all?

# %%
torch.manual_seed(0)
practice = CLIP(preset.model)
optimizer = torch.optim.AdamW(practice.parameters(), lr=1e-3)
losses = []
for step in range(STEPS):
    pairs = world(start=64 * step, count=64)
    images, tokens = preprocess.normalise(pairs.images), tokenizer(pairs.captions)
    loss = clip_loss(*practice(images, tokens))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(f"step 1: {losses[0]:.2f}, step {STEPS}: {losses[-1]:.2f}; ln 64 = {log(64):.2f}")

# %% [markdown]
# It falls, below *ln N* already: something was learned from some two thousand pairs. Now let the library do the same
# for three minutes. Its `Trainer` adds what a long run needs: a better optimiser, a schedule, a log, checkpoints. The
# settings are those of `clipbench train --preset tiny`.

# %%
from dataclasses import replace

from clipbench import ModelBundle, Trainer
from clipbench.figures import LiveTrainingCurve

recipe = replace(preset.train, minutes=MINUTES, pairs=None)
curve = LiveTrainingCurve(recipe.batch_size)
bundle = ModelBundle(model, tokenizer, preprocess)
trainer = Trainer(bundle, world, recipe, callbacks=[curve])

# %% [markdown]
# A slow computer, such as Binder's single core, would need too long. After a minute we look at the rate: where the
# whole time would not be enough, we stop there.


# %%
def stop_in_time(event):
    if event["seconds"] >= FIRST_SECONDS:
        expected = event["pairs"] / event["seconds"] * 60 * MINUTES
        if expected < ENOUGH:
            trainer.stop()


trainer.callbacks.append(stop_in_time)

# %% [markdown]
# **Predict:** draw the loss over the next minutes. Where does it begin? Does it fall at once? Where will it
# end: can it reach 0? And what share of the pictures in a batch will find their caption?
#
# Then run the cell. The curve is drawn anew every few seconds.

# %%
end = trainer.run()

# %% [markdown]
# On the left the loss, with the *ln N* line near which it began; on the right the share of pictures that pick their own
# caption among those of the batch. The thin line is every batch, the bold line a running mean. The loss falls at once,
# then ever more slowly. It does not reach 0, and cannot: some captions tell only a part ("a mammal"), so they fit
# several pictures.
#
# Two runs with a budget in minutes differ slightly; set `pairs` for an exact repeat.

# %%
pairs_per_second = end["pairs"] / end["seconds"]
print(f"{end['pairs']:,} pairs in {end['seconds']:.0f} s, {pairs_per_second:,.0f} pairs per second")
print(f"the scale began at {1 / 0.07:.1f} and is now {model.scale.detach():.1f}")

# %%
if end["finished"]:
    encoder = ClipbenchEncoder(model, tokenizer, preprocess, "the model trained above")
else:
    encoder = clipbench.load("tiny")
    print(f"At {pairs_per_second:,.0f} pairs per second, {MINUTES:g} minutes are not enough for {ENOUGH:,} pairs.")
    print("The training was stopped early: from here on we use the shipped model of the same world.")
encoder.name

# %% [markdown]
# ## After training
#
# The same eight pairs once more.

# %%
show_similarity(encoder, eight)

# %% [markdown]
# Compare with the matrix before training. There all cells were pale. Now the frames are dark, and the cells beside them
# have become more colourful, too: some blue, some red, around a mean near 0. Where a cell outside the frames is dark,
# read its caption. Is it wrong about the picture, or only true of another picture as well?
#
# ## What did it learn?
#
# We classify 1,000 held-out scenes into 256 classes. They are frozen: single objects, all styles, from
# seeds that no training uses. The class names and ten templates are all that the model gets.
#
# **Predict** the accuracy. Chance is 1 in 256.

# %%
data = clipbench.open_pictures("scenes:heldout256").subset(range(1000))
weights = clipbench.zero_shot_weights(encoder, data.class_names, data.templates)
features = clipbench.image_features(encoder, data)
metrics = clipbench.zero_shot_metrics(features, data.labels, weights)
print(f"top-1 {metrics['top1']:.1%}, 95% interval {metrics['top1_low']:.1%} to {metrics['top1_high']:.1%}")
print(f"top-5 {metrics['top5']:.1%}, chance {metrics['chance']:.2%}")

# %% [markdown]
# That is far above chance, and you may have said less. It helps that the answer is one of 256 words which the model
# read again and again, each beside a picture of its object.
#
# A little more than half of the scenes are plain "photos"; six other styles share the rest. **Predict:** which style is
# the hardest?

# %%
from clipbench.data.world.evaluation_sets import heldout_factors
from clipbench.data.world.factors import STYLES
from clipbench.figures import accuracy_bars

style = heldout_factors(tiny=True).style[: len(data)]
by_style = {"all styles": metrics}
for number, name in enumerate(STYLES):
    rows = style == number
    by_style[name] = clipbench.zero_shot_metrics(features[rows], data.labels[rows], weights)
ranked = sorted(STYLES, key=lambda name: by_style[name]["top1"])
low, high = (f"{name}, {by_style[name]['top1']:.0%}" for name in (ranked[0], ranked[-1]))
accuracy_bars(by_style, data.chance, f"The hardest style is {low}; the easiest {high}")

# %% [markdown]
# What lacks colour is the hardest: the model names things by their colours more than by their shapes. One bar for
# each style, with its 95% interval; the dashed line is chance. The intervals of the rare styles are wide because
# there are fewer pictures. If two intervals overlap widely, do not say that one style is harder.
#
# ### Look at the mistakes
#
# A number never says *why*. Twelve pictures that the model got wrong, with its answer and the truth:

# %%
answers = (features @ weights).argmax(dim=1)
wrong = (answers != data.labels).nonzero()[:12, 0].tolist()
said = [data.class_names[answer] for answer in answers[wrong].tolist()]
truth = [data.class_names[label] for label in data.labels[wrong].tolist()]
captions = [f"said {answer}, is {name}" for answer, name in zip(said, truth, strict=True)]
title = f"{int((answers != data.labels).sum())} of {len(data):,} are wrong; here are {len(wrong)}"
contact_sheet(data.pictures(wrong), captions, title)

# %% [markdown]
# Sort them: which mistakes could a human make too? Which come from the style, which from small objects,
# which from two concepts that look alike?
#
# ### What this number does and does not say
#
# * The 256 class names are words of the training captions, and most captions contain one. The model has read each of
#   them many times beside the right picture. The paper's zero-shot transfer means data sets that CLIP was not made for
#   (section 3.1.1). Call ours *accuracy on held-out scenes without labels*, not zero-shot transfer.
# * The scenes are new, but the artist, the styles and the generator are the same. `clipbench eval zero-shot
#   --data twemoji` asks for another artist's pictures.
# * It is one run with one seed. A difference of a point or two to your neighbour's run means nothing.
# * What it *does* show is real: pairs are enough, and the paper's loss. Nobody said which word is a name.
#
# ## An experiment: shuffled captions
#
# Does the loss fall because of the *pairs*, or would any pictures and any captions do? We give every
# picture the caption of the next scene. The pictures are the same, the captions are the same, only the
# pairing is gone.
#
# **Predict:** draw both loss curves before you run this, one for true and one for shuffled captions.

# %%
from clipbench.data.streams import Pairs


class ShuffledCaptions:
    name = "scenes with shuffled captions"

    def __call__(self, start, count):
        pairs = world(start, count)
        captions, *more = [texts[1:] + texts[:1] for texts in (pairs.captions, *pairs.more_captions)]
        return Pairs(pairs.images, captions, more_captions=more)


# %%
from clipbench import Machine


def short_run(stream, seconds=DEMO_SECONDS, learn_scale=True, **changes):
    torch.manual_seed(0)
    model, events = CLIP(preset.model), []
    model.logit_scale.requires_grad_(learn_scale)
    recipe = replace(preset.train, minutes=seconds / 60, pairs=None, **changes)
    bundle = ModelBundle(model, tokenizer, preprocess)
    machine = Machine(threads=torch.get_num_threads())
    Trainer(bundle, stream, recipe, machine=machine, callbacks=[events.append]).run()
    return events


# %%
from clipbench.figures import compare_losses

runs = {"true captions": short_run(world), "shuffled captions": short_run(ShuffledCaptions())}
compare_losses(runs, recipe.batch_size)

# %% [markdown]
# With true captions the loss leaves the *ln N* line, with shuffled ones it stays there (the numbers are in the
# title). There is nothing to learn, and the best that a model can do is to find all captions equally likely. A loss
# that stays at *ln N* in your own project is the signature of pairs that got out of step: a shuffle of one list and
# not of the other.
#
# ## From here to the paper
#
# **On a GPU** this notebook needs no change: it uses an NVIDIA GPU if there is one. **On your own
# photographs** there is one command. A folder has one sub-folder for each class, or a parquet file has the
# columns `image` and `label`; class names become captions by templates.
#
# ```bash
# clipbench train --preset tiny --data photos/ --out runs/photos
# clipbench train --preset tiny --data cifar10/train.parquet --minutes 10 --out runs/cifar10
# clipbench eval zero-shot --model runs/cifar10 --data cifar10/test.parquet
# ```
#
# **At the paper's size** it is the same loop with other numbers:

# %%
size = sum(weight.numel() for weight in model.parameters())
rows = [
    ("", "this run", "paper, ViT-B/32"),
    ("pairs seen", f"{end['pairs']:,}", "12.8 billion (32 times 400 million)"),
    ("batch", f"{recipe.batch_size}", "32,768"),
    ("parameters", f"{size / 1e6:.1f} million", "151 million"),
    ("picture", f"{preset.model.image_size} pixels", "224 pixels"),
    ("first scale", f"{1 / 0.07:.1f}", f"{1 / 0.07:.1f}, at most 100"),
    ("optimiser", "Muon and AdamW", "Adam with decoupled weight decay"),
]
print("\n".join(f"{name:13} {ours:16} {paper}" for name, ours, paper in rows))

# %% [markdown]
# The right column is from sections 2.2 to 2.5 and tables 18 to 20 of the paper; the parameters are counted in the
# released weights. The largest ResNet, RN50x64, took 18 days on 592 V100 GPUs, the largest vision transformer 12 days
# on 256 (section 2.5). Some articles write "30 days on 592"; lesson 08 asks which account is plausible.
#
# **Predict:** how long would *this* computer need for 12.8 billion pairs, even with our tiny model?

# %%
f"{12.8e9 / pairs_per_second / 86_400:,.0f} days"

# %% [markdown]
# And that is for a model with 1.2% of the parameters and pictures with 8% of the pixels. What cannot be bought with
# patience is learned in this course from small worlds: there one can change the cause and look.

# %% [markdown]
# ## Explore
#
# `TrainingMonitor` is the live curve with buttons: start, pause, go on, save. It does nothing until you press start.
# **Predict** with a neighbour what a pause does to the curve.

# %%
from clipbench_widgets import TrainingMonitor

another = ModelBundle(CLIP(preset.model), tokenizer, preprocess)
TrainingMonitor(Trainer(another, world, recipe))

# %% [markdown]
# <details><summary>What the app looks like</summary>
#
# ![The loss of a training beside the line of ln N, with buttons](../docs/training_monitor.png)
#
# </details>
#
# ## Exercises
#
# Exercises with checks that help: [exercises/01_pretraining](exercises/01_pretraining.ipynb).
#
# Predict first, each time. `short_run` takes what you need.
#
# 1. **Batch size.** Draw `clipbench.figures.training_curve(short_run(world, batch_size=16), 16)` and
#    compare it with the true run above, each with its own *ln N* line. Which loss is lower at the end?
#    Which model is better, and why does the loss not tell you?
# 2. **A frozen scale.** `short_run(world, learn_scale=False)` keeps the scale at its first value. Is that
#    better or worse after 20 seconds? What do you expect after an hour?
# 3. **Word order.** Compare the features of `a cat to the left of a dog` and `a dog to the left of a cat`
#    with `encoder.encode_text`. What must come out for a mean of word vectors? And for the transformer of
#    `clipbench.load("classroom")`?
#
# ## What we did
#
# * We **looked** at pairs: true, but partial and noisy, with a name in most of them.
# * We **counted** the parameters of both encoders, and of one layer by hand.
# * We **derived** the contrastive loss with loops, wrote it as in figure 3, saw it turn arrows, and trained with it.
# * We **trained** a small CLIP from nothing, from *ln N* downwards.
# * We **measured** it on held-out scenes, saw its mistakes, and said what the number is not.
#
# Next: [02 similarity matrix](02_similarity_matrix.ipynb), where you learn to read what you have just trained.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*,
# ICML 2021, arXiv 2103.00020, sections 2.2 to 2.5, figures 1 and 3. The pairwise loss: X. Zhai et al.,
# *Sigmoid Loss for Language Image Pre-Training*, ICCV 2023.
