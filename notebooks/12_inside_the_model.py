# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12 Inside the model: where is the flute?
#
# In 2021 researchers opened a large CLIP and found single units that answer to Spider-Man: to a photo of a spider, to a
# comic, and to the word "spider" (Goh et al., *Multimodal Neurons*). Is there a unit like that in our small model?
# Below is the best candidate that we could find. By the end of this lesson you will know whether to believe it.
#
# In this notebook we will
#
# * **search** for units that answer to a thing's picture and to its written name, and ask what luck can do,
# * **follow** a concept from pictures to words, layer by layer, in two models that differ in one cause,
# * **map** attention, and test whether its maps explain anything,
# * **cover** a picture bit by bit to see what a text needs,
# * **steer** pixels towards a text, and see why most of such pictures look like noise.
#
# It takes about 45 minutes, and no training. At each **Predict** write down what you expect before you run the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"
STEPS = 80  # of steering

# %%
import torch

import clipbench

# a transformer at every scale: the tiny model has no attention to look at
torch.set_num_threads(1)  # the same numbers on every machine with the same processor
MODEL = {"full": "openai/clip-vit-base-patch32"}.get(SCALE, "classroom")
reads, blind = clipbench.load("twin:many-signs"), clipbench.load("twin:no-signs")

# %% [markdown]
# ## A unit for one thing?
#
# The two models are twins: the same recipe, the same number of pairs. One saw printed signs in many of
# its pictures, whose words were in the captions, the other saw none (lesson 04). A **unit** is one output behind a
# nonlinearity. We show 60 concepts to the first twin, each as ten pictures and as ten signs with its name, and note
# what every unit of the last layer answers.

# %%
from clipbench.inside import concept_pictures, unit_layers, unit_responses, word_pictures
from clipbench.inside.stimuli import spread_concepts

concepts, each = spread_concepts(60), 10
layers = [*unit_layers(reads.model), "image_projection"]


def look(encoder, draw=0):
    """Pictures, signs, and what each unit of each layer answers to them."""
    pictures, signs = concept_pictures(concepts, each, draw), word_pictures(concepts, each, draw)
    answers = [unit_responses(encoder, shown, layers) for shown in (pictures, signs)]
    return pictures, signs, *answers


pictures, signs, to_pictures, to_signs = look(reads)
labels, sign_labels = pictures.labels, signs.labels
print(f"{len(pictures)} pictures, {len(signs)} signs; units of each layer:")
print(*[answers.shape[1] for answers in to_signs.values()])

# %% [markdown]
# How well does one unit tell flutes from everything else? Take a flute and something else at random: how often does the
# unit answer more strongly to the flute? This share is called the AUC: 0.5 is guessing, 1 is perfect. By hand it is a
# count over all such couples. We do it for unit 57, and shall see soon why.


# %%
def auc_by_counting(mine, others):
    more, equal = mine[:, None] > others[None, :], mine[:, None] == others[None, :]
    return float((more + 0.5 * equal).mean())


flute = concepts.index("flute")
unit = to_pictures["image_encoder.layers.20"][:, 57]
by_hand = auc_by_counting(unit[labels == flute], unit[labels != flute])
by_hand

# %% [markdown]
# The library does it for all units and concepts at once, by ranks. They agree:

# %%
from clipbench.inside import auc_by_class

all_units = auc_by_class(to_pictures["image_encoder.layers.20"], labels, len(concepts))
torch.testing.assert_close(float(all_units[flute, 57]), by_hand)
tuple(all_units.shape)

# %% [markdown]
# A unit for a thing in *both* forms needs two high numbers, one for pictures and one for signs. Its score is the
# smaller of the two. Here is the best unit of the last layer, with what excites it most.

# %%
from clipbench.figures import unit_favourites
from clipbench.inside import multimodal_units, strongest


def both_areas(layer, to_pictures, to_signs):
    """(concepts, units) for pictures and for signs."""
    both = (to_pictures[layer], labels), (to_signs[layer], sign_labels)
    return [auc_by_class(*each, len(concepts)) for each in both]


last = "image_encoder.layers.20"
units = multimodal_units(*both_areas(last, to_pictures, to_signs), permutations=300)
best = int(units.score.argmax())
of = concepts[units.concept[best]]


# %%
def favourites(unit):
    """Five pictures and five signs, with their concepts."""
    rows = [strongest(answers[last], unit, 5) for answers in (to_pictures, to_signs)]
    both = list(zip((pictures, signs), rows, strict=True))
    shown = [kind.pictures(some) for kind, some in both]
    return *shown, *([concepts[k] for k in kind.labels[some]] for kind, some in both)


seen, read = units.picture_auc[best], units.word_auc[best]
title = f"Unit {best}: “{of}” as a picture (AUC {seen:.2f}) and as a word ({read:.2f})"
unit_favourites(f"unit {best}", *favourites(best), title)

# %% [markdown]
# Two high numbers, and flutes among its favourite pictures: convincing? Many talks stop here. (And its favourite
# signs? An AUC of 0.95 leaves room for stronger ones.)
#
# **Predict:** we searched 256 units for 60 concepts. If words had *nothing* to do with pictures, how good would the
# best of these 15,360 scores be, just by luck?
#
# We can find out. Deal the words to the concepts at random, so that flute's pictures are judged with, say, the signs of
# onion. Then search for the best unit again. Do that 300 times.

# %%
from clipbench.figures import histograms

where = float((units.luck >= units.score[best]).float().mean())
title = f"The best true score is {units.score[best]:.3f}; {where:.0%} of the random deals reach it"
by_luck = {"best score when words are dealt at random": units.luck.tolist()}
histograms(by_luck, title, "best score of the layer", 20)

# %% [markdown]
# Our wonderful unit is what luck would give us anyway. Some unit likes flutes, another one likes the shape of the word
# "flute", and among so many there is always one that does a bit of both. That the unit answers so *again* on fresh
# pictures does not help: it is a true property of that unit, and still no sign that the model connects the two.
#
# What about the other layers, and the twin that never saw a sign?

# %%
looks = {"many signs": (to_pictures, to_signs), "no signs": look(blind)[2:]}
print(f"{'twin':12}{'layer':25}{'best':>6}{'luck, 95%':>11}{'p':>7}  units beyond luck")
for twin, answers in looks.items():
    for layer in layers[-4:]:
        found = multimodal_units(*both_areas(layer, *answers), permutations=300)
        numbers = f"{found.score.max():6.3f}{found.threshold:11.3f}{found.p_value:7.3f}"
        print(f"{twin:12}{layer:25}{numbers}  {len(found.found)}")

# %% [markdown]
# *p* is the share of deals that are as good as the truth. We made eight such tests, so one *p* near 0.05 is no find
# either. The published effect does **not** appear in single units of so small a model. Does the model then not connect
# pictures and words at all?
#
# ## A direction for one thing
#
# A concept need not sit in one unit. It can be a *direction*: a pattern over all units of a layer. We take the mean
# answer to the *pictures* of each concept as its direction, and ask whether the *signs* with its name lie on the same
# side. Nothing is searched, so there is nothing for luck to choose from.
#
# **Predict:** draw the AUC from the first to the last layer, one line for each twin. Where do they part?


# %%
def scaled(answers):
    return (answers - answers.mean(0)) / (answers.std(0) + 1e-6)


def from_pictures_to_words(to_pictures, to_signs):
    """One AUC for each concept: its direction comes from pictures, and is tried on signs."""
    shown = scaled(to_pictures)
    directions = torch.stack([shown[labels == c].mean(0) for c in range(len(concepts))])
    return auc_by_class(scaled(to_signs) @ directions.T, sign_labels, len(concepts)).diagonal()


def with_band(areas):
    mean, error = areas.mean(), 1.96 * areas.std() / len(areas) ** 0.5
    return float(mean), float(mean - error), float(mean + error)


# %%
from clipbench.figures import line_chart

lines, place = {}, list(range(1, len(layers) + 1))
for twin, (to_pictures, to_signs) in looks.items():
    areas = [from_pictures_to_words(to_pictures[layer], to_signs[layer]) for layer in layers]
    lines[twin] = tuple(zip(*map(with_band, areas), strict=True))
a, b = lines["many signs"][0][-1], lines["no signs"][0][-1]
title = f"In the last layer {a:.2f} with signs in the training and {b:.2f} without"
lines["guessing"] = [0.5] * len(place)
axes = "layer (the last is the joint space)", "AUC of words, from pictures"
line_chart(place, lines, title, *axes, ylim=(0.4, 1.0))

# %% [markdown]
# (Bands are 95% intervals over the 60 concepts.) Here is the effect, and its cause: only the twin that read captions
# *about* signs brings a word to the place of its thing, and only in its last layers. Up to there a sign is a sign. It
# is this meeting that makes typographic attacks work: what can be read can be mistaken for the thing.
#
# So the famous finding holds here for directions, not for units. Why? Nothing in the loss asks for units: turn the
# joint space by any rotation, and all cosines stay the same. And with few units each has to serve many concepts. Goh et
# al. looked at RN50x4, which has 178 million parameters and learned from 400 million pairs.

# %%
torch.manual_seed(0)
turned = torch.linalg.qr(torch.randn(reads.embed_dim, reads.embed_dim)).Q
image_features = clipbench.image_features(reads, pictures)
text_features = reads.encode_text(concepts)
before = image_features @ text_features.T
after = (image_features @ turned) @ (text_features @ turned).T
print(f"largest change of any cosine: {(before - after).abs().max():.0e}")
size = sum(weight.numel() for weight in reads.model.parameters())
print(f"our twin: {size / 1e6:.1f} million parameters; RN50x4: {178.3e6 / size:.0f} times as many")

# %% [markdown]
# `clipbench eval units --model twin:many-signs` measures more concepts, with fresh pictures.
#
# ## Where does it look?
#
# The image encoder of the classroom model is a vision transformer. It cuts the picture into patches; in each of its
# layers every patch, and one **class token**, asks all others and takes from them in proportion to its *attention*.
# What we get in the end is the class token.

# %%
encoder = clipbench.load(MODEL)
settings = encoder.model.config.image
side = settings.image_size // settings.patch_size
print(f"{settings.depth} layers with {settings.heads} heads, {side} x {side} patches")

# %%
from clipbench.data.world.staged import Staged, stage
from clipbench.inside import attention_maps, on_grid, rollout

scene = stage([Staged(("cat", "pizza"), "turquoise")], settings.image_size)[0]
attention = attention_maps(encoder.model.image_encoder, encoder.preprocess([scene]))
attention.shape

# %% [markdown]
# (Layers, pictures, heads, who asks, who is asked.) Attention of the last layer is only the last step: what it takes
# from a patch has been mixed with other patches before. **Rollout** follows the way through all layers: in each, half
# of a token stays what it was (the residual path), half is a mixture by attention, and the matrices are multiplied.

# %%
flow = torch.eye(attention.shape[-1])
for layer in attention[:, 0]:  # (heads, N, N)
    flow = (0.5 * torch.eye(len(flow)) + 0.5 * layer.mean(0)) @ flow
torch.testing.assert_close(flow, rollout(attention)[0])
torch.testing.assert_close(flow.sum(1), torch.ones(len(flow)))
print("the loop and the library agree, and every row sums to 1")

# %% [markdown]
# **Predict:** what does the class token look at: the cat, the pizza, both, or the background?

# %%
from clipbench.figures import attention_over_picture

heads = attention[-1, 0, :, 0]  # the class token asks
maps = [*heads[:3], heads.mean(0), rollout(attention)[0, 0]]
names = ["last layer, head 1", "head 2", "head 3", "mean of heads", "rollout"]
attention_over_picture(scene, on_grid(torch.stack(maps)), names)

# %% [markdown]
# Such maps look like explanations. Are they? An explanation makes a prediction that can fail: if these patches carry
# the answer, then covering them must hurt more than covering others.
#
# ## Cover and see
#
# The oldest method needs no attention, and works with any model: cover a part, and see how far the cosine with a text
# falls (Zeiler and Fergus 2014).
#
# **Predict:** what happens to the cosine with "a pizza" when we cover the *cat*?

# %%
from clipbench.figures import occlusion_beside_picture
from clipbench.inside import occlusion_maps

texts = ["a cat", "a pizza", "a turquoise background"]
occlusion_beside_picture(scene, occlusion_maps(encoder, scene, texts), texts)

# %% [markdown]
# Orange: covering it hurts this text. Violet: covering it helps, because a rival is gone. Unlike attention this map
# depends on the text, and its unit is the answer itself.
#
# ### A test for maps
#
# Now the contest. For 40 pictures of one thing each we cover a quarter of the patches: those that a map calls most
# important. The larger the fall of the cosine with the own name, the better the map found what matters.
#
# **Predict** the order: attention of the last layer, rollout, occlusion, random patches.

# %%
many = pictures.subset(range(0, len(pictures), len(pictures) // 40)).pictures(range(40))
own_names = [concepts[label] for label in labels[:: len(pictures) // 40][:40]]
inputs = encoder.preprocess(many)
own = encoder.encode_text([f"a photo of a {name}" for name in own_names])


def cosines(inputs):
    return (encoder.encode_image(inputs) * own).sum(1)


def cover(inputs, maps):
    """The quarter of the patches with the largest values becomes the mean colour."""
    keep = torch.ones(len(maps), side * side)
    keep.scatter_(1, maps.flatten(1).topk(side * side // 4).indices, 0)
    mask = keep.view(-1, 1, side, side).repeat_interleave(settings.patch_size, 2)
    return inputs * mask.repeat_interleave(settings.patch_size, 3)


# %%
P = settings.patch_size
attention = attention_maps(encoder.model.image_encoder, inputs)
singly = [occlusion_maps(encoder, each, [f"a photo of a {name}"], P, P)[0]
          for each, name in zip(many, own_names, strict=True)]  # fmt: skip
contest = {
    "occlusion": torch.stack(singly),
    "rollout": on_grid(rollout(attention)[:, 0]),
    "attention, last layer": on_grid(attention[-1, :, :, 0].mean(1)),
    "random": torch.rand(40, side, side, generator=torch.Generator().manual_seed(0)),
}

# %%
before = cosines(inputs)
print(f"cosine with the own name, nothing covered: {before.mean():.2f}")
falls = {}
for name, maps in contest.items():
    falls[name] = with_band(before - cosines(cover(inputs, maps)))
    mean, low, high = falls[name]
    print(f"{name:22} falls by {mean:.2f}, 95% interval {low:.2f} to {high:.2f}")

# %% [markdown]
# All three are far from random: attention is no mere decoration. And occlusion, which measured just this, does not win
# by measuring. It asks for one patch at a time, and a thing that fills many patches survives the loss of any one; a map
# that marks the whole thing takes all of them away. What attention can never say is for which *text*: it gives one map,
# whatever you ask. (Forty pictures decide little between maps whose intervals overlap.)
#
# ## Steer the pixels
#
# Last, turn everything round: keep the model, and change the *picture* until it fits a text. The gradient says for each
# pixel which way to go. **Predict:** what will "a cat" look like after some dozen steps?

# %%
from clipbench.inside import steer

plain = steer(encoder, "a cat", steps=STEPS, views=0, frames=6)
moved = steer(encoder, "a cat", steps=STEPS, views=8, frames=6)

# %%
from clipbench.figures import steering_filmstrip

strips = {"as it is": plain, "eight random views": moved}
runs = {name: (run.pictures, run.steps, run.cosines.tolist()) for name, run in strips.items()}
steering_filmstrip("a cat", runs)

# %% [markdown]
# In the first row the picture is scored as it is; in the second, as the mean over eight versions that are shifted,
# turned and resized at random. The first reaches the higher cosine, higher than any real cat, and shows no cat. What
# did it find?

# %%
from clipbench.inside.steering import random_views

other = clipbench.load("tiny")
four = [Staged(("cat",), colour) for colour in ("white", "green", "pink", "blue")]
cats = stage(four, settings.image_size)


def judged(pictures):
    """Mean cosine with "a cat": as it is, over 64 new views, and for a model trained apart."""
    pixels = torch.stack([encoder.square(picture) for picture in pictures]).float() / 255
    dice = torch.Generator().manual_seed(1)
    views = torch.cat([random_views(each, 64, dice) for each in pixels])
    inputs = encoder.preprocess(pictures), encoder.normalise(255 * views)
    cosines = [encoder.encode_image(each) @ encoder.encode_text(["a cat"]).T for each in inputs]
    apart = other.encode_image(other.preprocess(pictures)) @ other.encode_text(["a cat"]).T
    return [float(each.mean()) for each in (*cosines, apart)]


# %%
print(f"{'':28}{'as it is':>10}{'new views':>11}{'other model':>13}")
rows = {"real cats": cats}
rows |= {f"steered, {name}": run.pictures[-1:] for name, run in strips.items()}
for name, shown in rows.items():
    alone, views, apart = judged(shown)
    print(f"{name:28}{alone:10.2f}{views:11.2f}{apart:13.2f}")

# %% [markdown]
# A cat is a cat for everyone, and stays one when you move it. What plain steering found is a pattern for exactly these
# weights at exactly this place: shift it a little, and it is gone. With views such patterns no longer pay, and what
# remains is coarser. But see the last column: even that convinces the other model less than a cat does.
#
# ### Why noise?
#
# Change every one of the *d* pixel values by one step of 255, each in the direction of its gradient *g*. To first order
# the cosine grows by the sum of all |*g*| / 255. Each change is invisible, but *d* is in the thousands.
#
# **Predict:** we take a picture of a dog, and change all values by *one* step. How much does the cosine with "a cat"
# grow? And if the signs of the steps are random?

# %%
(dog,) = stage([Staged(("dog",), "green")], settings.image_size)
target = encoder.encode_text(["a cat"]).clone()[0]


def score(pixels):
    return encoder.encode_image(encoder.normalise(pixels[None]), gradients=True)[0] @ target


pixels = encoder.square(dog).float().requires_grad_()
gradient = torch.autograd.grad(score(pixels), pixels)[0]

# %%
with torch.no_grad():
    start, dice = score(pixels), torch.Generator().manual_seed(0)
    rise = score(pixels + gradient.sign()) - start
    by_chance = score(pixels + torch.randn(pixels.shape, generator=dice).sign()) - start
print(f"{pixels.numel():,} values, one step each: first order says {gradient.abs().sum():+.3f}")
print(f"measured {rise:+.3f}; with random signs {by_chance:+.4f}")

# %% [markdown]
# So thousands of tiny pushes in the right direction add up, and random ones cancel. That is the whole secret of
# adversarial pictures, and of noise in plain steering: the steepest way up uses all pixels a little, and no cat is
# needed. A dozen steps are enough to rename the dog:

# %%
from clipbench.figures import contact_sheet

renamed = steer(encoder, "a cat", steps=12, rate=0.01, views=0, start=dog, frames=3)
animals = ["cat", "dog", "lion", "fox", "panda", "frog"]
weights = clipbench.zero_shot_weights(encoder, animals, ["a {}"])
winners = (encoder.encode_image(encoder.preprocess(renamed.pictures)) @ weights).argmax(1)
below = [f"step {n}: “{animals[k]}”" for n, k in zip(renamed.steps, winners, strict=True)]
moved_by = 255 * (renamed.pixels[-1] - renamed.pixels[0]).abs().mean()
title = f"In the end a value has moved by {moved_by:.0f} of 255 on average"
contact_sheet(renamed.pictures, below, title)

# %% [markdown]
# ## Explore
#
# The typographic studio shows the other way to fool a model, one that needs no gradient: paste a word. Compare the two:
# one works for one model only, the other for all that can read.

# %%
from clipbench_widgets import TypographicStudio

TypographicStudio("twin:many-signs")

# %% [markdown]
# ## Exercises
#
# Exercises with checks that help: [exercises/12_inside_the_model](exercises/12_inside_the_model.ipynb).
#
# 1. **Luck with fewer units.** Search only 20 concepts. Does the threshold of luck rise or fall, and why?
# 2. **A fairer map.** Multiply attention of the last layer by the gradient of the cosine with respect to it, and enter
#    the contest. Does it beat plain attention?
# 3. **Two words at once.** Steer towards "a red heart" and then, from its last frame, towards "a blue background". Is
#    the heart still found by the other model?
#
# ## What we did
#
# * We **searched** for units that answer to thing and word, and found only what luck gives.
# * We **followed** concepts from pictures to words: as directions they meet, in the last layers of the twin that read.
# * We **mapped** attention, and let the map make a prediction that could fail.
# * We **covered** pictures, and saw what each text needs.
# * We **steered** pixels towards a text: noise without views, coarse shapes with them, and why.
#
# Next: [13 the bug museum](13_bug_museum.ipynb), where models are wrong because somebody's line is.
#
# Sources: G. Goh et al., *Multimodal Neurons in Artificial Neural Networks*, Distill 2021. P. Westfall and S. Young,
# *Resampling-Based Multiple Testing*, 1993. S. Abnar and W. Zuidema, *Quantifying Attention Flow in Transformers*, ACL
# 2020. M. Zeiler and R. Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014. The paper: A.
#       Radford et al., ICML 2021, arXiv 2103.00020, section 2.4.
