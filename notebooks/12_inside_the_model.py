# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12 Inside the model: where is the sun?
#
# In 2021 researchers opened a large CLIP and found single units that answer to Spider-Man: to a photo of a spider, to a
# comic, and to the word "spider" (Goh et al., *Multimodal Neurons*). Is there a unit like that in our small model?
# Below is a candidate for the sun. By the end of this lesson you will know whether to believe it.
#
# In this notebook we will
#
# * **search** for units that answer to an object's picture and to its written name, and ask what luck can do,
# * **follow** a concept from pictures to words, layer by layer, in two models that differ in one cause,
# * **map** attention, and test whether its maps explain anything,
# * **cover** a picture bit by bit to see what a text needs,
# * **steer** pixels towards a text, and see why most of such pictures look like noise.
#
# It takes about 70 minutes in class, and no training. At each **Predict** write down what you expect before you run
# the cell.

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
reads = clipbench.load("twin:reader")

# %% [markdown]
# ## One wonderful unit proves nothing, the number of good ones does
#
# The reader of lesson 04 saw a million pairs of a world full of printed signs, whose words were in the captions: a name
# on a picture fools it. A **unit** is one output behind a nonlinearity. We show it 100 concepts, each as ten pictures
# and as ten signs with its name, and note what every unit answers.

# %%
from clipbench.inside import concept_pictures, unit_layers, unit_responses, word_pictures
from clipbench.inside.stimuli import spread_concepts

concepts, each = spread_concepts(100), 10
layers = unit_layers(reads.model)


def look(encoder, draw=0, layers=layers):
    """Pictures, signs, and what each unit of each layer answers to them."""
    pictures, signs = concept_pictures(concepts, each, draw), word_pictures(concepts, each, draw)
    answers = [unit_responses(encoder, shown, layers) for shown in (pictures, signs)]
    return pictures, signs, *answers


# %%
seen = look(reads)
pictures, signs, to_pictures, to_signs = seen
labels = pictures.labels
print(f"{len(pictures)} pictures, {len(signs)} signs; units of each layer:")
print(*[answers.shape[1] for answers in to_signs.values()])

# %% [markdown]
# How well does one unit tell suns from everything else? Take a sun and something else at random: how often does the
# unit answer more strongly to the sun? This share is called the AUC: 0.5 is guessing, 1 is perfect. By hand it is a
# count over all such couples. We do it for unit 201 of the last layer, and shall see soon why.


# %%
def auc_by_counting(mine, others):
    more, equal = mine[:, None] > others[None, :], mine[:, None] == others[None, :]
    return float((more + 0.5 * equal).mean())


# %%
sun, last = concepts.index("sun"), layers[-1]
unit = to_pictures[last][:, 201]
by_hand = auc_by_counting(unit[labels == sun], unit[labels != sun])
by_hand

# %% [markdown]
# The library does it for all units and concepts at once, by ranks. They agree:

# %%
from clipbench.inside import auc_by_class


def both_areas(layer, pictures, signs, to_pictures, to_signs):
    """(concepts, units) for pictures and for signs."""
    both = (to_pictures[layer], pictures.labels), (to_signs[layer], signs.labels)
    return [auc_by_class(*each, len(concepts)) for each in both]


# %%
of_pictures, of_signs = both_areas(last, *seen)
torch.testing.assert_close(float(of_pictures[sun, 201]), by_hand)
tuple(of_pictures.shape)

# %% [markdown]
# A unit for an object in *both* forms needs two high numbers, one for pictures and one for signs. Its score is the
# smaller of the two. Here is the best unit of the last layer, with what excites it most.

# %%
from clipbench.figures import unit_favourites
from clipbench.inside import strongest


def favourites(unit):
    """Five pictures and five signs, with their concepts."""
    rows = [strongest(answers[last], unit, 5) for answers in (to_pictures, to_signs)]
    both = list(zip((pictures, signs), rows, strict=True))
    shown = [kind.pictures(some) for kind, some in both]
    return *shown, *([concepts[k] for k in kind.labels[some]] for kind, some in both)


# %%
scores = torch.minimum(of_pictures, of_signs)
of, best = divmod(int(scores.argmax()), scores.shape[1])
a, b = of_pictures[of, best], of_signs[of, best]
title = f"Unit {best}: “{concepts[of]}” as a picture (AUC {a:.2f}) and as a word ({b:.2f})"
unit_favourites(f"unit {best}", *favourites(best), title)

# %% [markdown]
# Two high numbers: convincing? Many talks stop here.
#
# **Predict:** we searched 256 units for 100 concepts. If words had *nothing* to do with pictures, how good would the
# best of these 25,600 scores be, just by luck?
#
# We can find out. Deal the words to the concepts at random, so that the sun's pictures are judged with, say, the signs
# of an onion. Then search for the best unit again. Do that 300 times.

# %%
from clipbench.figures import histograms
from clipbench.inside.units import derangement

dice = torch.Generator().manual_seed(0)
deals = [derangement(len(concepts), dice) for _ in range(300)]
luck = torch.stack([torch.minimum(of_pictures, of_signs[deal]).max() for deal in deals])

# %%
where = float((luck >= scores.max()).float().mean())
title = f"The best true score is {scores.max():.3f}; {where:.0%} of the random deals reach it"
by_luck = {"best score when words are dealt at random": luck.tolist()}
histograms(by_luck, title, "best score of the layer", 20)

# %% [markdown]
# Luck has such a unit, too: some unit likes suns, another one likes the shape of the word "sun", and among so many
# there is always one that does a bit of both. That a unit answers so *again* on fresh pictures does not help: it is a
# true property of that unit, and still no sign that the model connects the two.
#
# But look at the axis. The best of 25,600 numbers is close to 1 whatever the truth is: a statistic that cannot grow
# cannot find anything. The best unit is the wrong question. Ask **how many** pairs of a unit and a concept are good in
# both forms, and compare with how many luck makes. We put the threshold where luck makes 40.
#
# **Predict:** if the model connects words and objects, how many pairs will there be: 45, 80, 150?

# %%
from clipbench.inside import unit_pairs

pairs = unit_pairs(of_pictures, of_signs, expected=40, permutations=300)
by_hand = [int((torch.minimum(of_pictures, of_signs[d]) >= pairs.threshold).sum()) for d in deals]
assert pairs.luck.tolist() == by_hand

# %%
title = f"{len(pairs)} pairs score {pairs.threshold:.2f} or more; luck makes {max(by_hand)} at most"
counts = {"pairs when words are dealt at random": by_hand, "the true words": [len(pairs)]}
histograms(counts, title, "pairs of a unit and a concept", 40)

# %% [markdown]
# So they are there: not one wonder, but many units that answer to an object in both forms a little better than luck
# allows. Which of them can be trusted? Not all: about 40 of them are luck's own. The best ones, seen again on *fresh*
# pictures and words:

# %%
fresh = both_areas(last, *look(reads, draw=1))
again = torch.minimum(*fresh)[pairs.concept, pairs.unit]
print(f"{(again >= pairs.threshold).float().mean():.0%} are above the threshold again")
for k in range(12):
    name, unit = concepts[pairs.concept[k]], int(pairs.unit[k])
    first = int(of_pictures[:, unit].argmax()) == int(of_signs[:, unit].argmax()) == pairs.concept[k]
    note = "first of all concepts in both forms" if first else ""
    print(f"unit {unit:3}  {name:13}{pairs.score[k]:6.3f}, fresh{again[k]:6.3f}  {note}")

# %% [markdown]
# What about the other layers, and other models? The two twins of lesson 04 share recipe and number of pairs (fewer
# than the reader's); one saw printed signs, the other none. Now we make many tests, so one small *p* is no find: Holm's
# correction (1979) asks more of the smallest, the more tests there are.
#
# **Predict:** which layers of which model?

# %%
from clipbench.evaluate.statistics.several import holm

twins = {name: clipbench.load(f"twin:{name}") for name in ("many-signs", "no-signs")}
ends = [*layers[-3:], "image_projection"]
looks = {"reader": seen}
looks |= {name: look(twin, layers=[*layers, ends[-1]]) for name, twin in twins.items()}
tests = {
    (name, layer): unit_pairs(*both_areas(layer, *its), permutations=300)
    for name, its in looks.items()
    for layer in ends[:3]
}

# %%
print(f"{'model':12}{'layer':25}{'pairs':>6}{'luck':>6}{'p, of nine tests':>18}")
for (name, layer), found, p in zip(
    tests, tests.values(), holm([found.p_value for found in tests.values()]), strict=True
):
    print(f"{name:12}{layer:25}{len(found):6}{found.luck.float().mean():6.0f}{p:18.3f}")

# %% [markdown]
# Only models that learned to read have such units, only in their last layers, and the better reader has more of them:
# what Goh et al. saw, in a model a hundred times smaller. (`clipbench eval units --model twin:reader` tests all
# layers, with twice the pictures, on two draws.)
#
# ## As directions, word and object meet in the last layers
#
# A concept need not sit in one unit. It can be a *direction*: a pattern over all units of a layer. We take the mean
# answer to the *pictures* of each concept as its direction, and ask whether the *signs* with its name lie on the same
# side. Nothing is searched, so there is nothing for luck to choose from.
#
# **Predict:** draw the AUC from the first to the last layer, one line for each twin. Where do they part?


# %%
def scaled(answers):
    return (answers - answers.mean(0)) / (answers.std(0) + 1e-6)


def from_pictures_to_words(layer, pictures, signs, to_pictures, to_signs):
    """One AUC for each concept: its direction comes from pictures, and is tried on signs."""
    rows, count = scaled(to_pictures[layer]), len(concepts)
    directions = torch.stack([rows[pictures.labels == c].mean(0) for c in range(count)])
    scores = scaled(to_signs[layer]) @ directions.T
    return auc_by_class(scores, signs.labels, count).diagonal()


# %%
def with_band(areas):
    mean, error = areas.mean(), 1.96 * areas.std() / len(areas) ** 0.5
    return float(mean), float(mean - error), float(mean + error)


# %%
from clipbench.figures import line_chart

lines, every = {}, [*layers, ends[-1]]
for twin in twins:
    areas = [from_pictures_to_words(layer, *looks[twin]) for layer in every]
    lines[twin] = tuple(zip(*map(with_band, areas), strict=True))

# %%
a, b = lines["many-signs"][0][-1], lines["no-signs"][0][-1]
title = f"In the joint space {a:.2f} with signs in the training and {b:.2f} without"
lines["guessing"] = [0.5] * len(every)
axes = "layer (the last is the joint space)", "AUC of words, from pictures"
line_chart(list(range(1, len(every) + 1)), lines, title, *axes, ylim=(0.4, 1.0))

# %% [markdown]
# (Bands are 95% intervals over the 100 concepts; each twin is one training.) Here is the same effect with its cause:
# only the twin that read captions *about* signs brings a word to the place of its object, and only in its last layers.
# Up to there a sign is a sign. It is this meeting that makes typographic attacks work: what can be read can be mistaken
# for the object.
#
# And why did we search for units behind a nonlinearity, and not in the joint space itself? There no single number can
# mean anything of its own: turn the space by any rotation, and all cosines stay the same. A ReLU, which cuts each unit
# at zero, is what gives a single unit a meaning. (Lesson 15 finds directions in the joint space all the same.)

# %%
torch.manual_seed(0)
turned = torch.linalg.qr(torch.randn(reads.embed_dim, reads.embed_dim)).Q
image_features = clipbench.image_features(reads, pictures)
text_features = reads.encode_text(concepts)
before = image_features @ text_features.T
after = (image_features @ turned) @ (text_features @ turned).T
print(f"largest change of any cosine: {(before - after).abs().max():.0e}")

# %%
size = sum(weight.numel() for weight in reads.model.parameters())
print(f"our reader: {size / 1e6:.1f} million parameters; RN50x4: {178.3e6 / size:.0f} times as many")

# %% [markdown]
# ## Attention draws one map, whatever you ask
#
# The image encoder of the classroom model is a vision transformer. It cuts the picture into patches; in each of its
# layers every patch, and one **class token**, asks all others and takes from them in proportion to its *attention*.
# What we get in the end is the class token.

# %%
encoder = clipbench.load(MODEL)
settings = encoder.model.config.image
P = settings.patch_size
side = settings.image_size // P
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

# %%
pixels = encoder.preprocess([scene])[0]
ground = (pixels - pixels[:, :1, :1]).abs().mean(0).unfold(0, P, P).unfold(1, P, P)
thing = ground.mean((2, 3)) > 0.5  # patches that are not background
left = torch.arange(side)[None, :] < side / 2
for name, one in zip(names[3:], on_grid(torch.stack(maps[3:])), strict=True):
    shares = [float(one[thing & half].sum() / one.sum()) for half in (left, ~left)]
    print(f"{name:14} {shares[0]:.0%} on the left object, {shares[1]:.0%} on the right one")
print(f"they cover {(thing & left).float().mean():.0%} and {(thing & ~left).float().mean():.0%} of the picture")

# %% [markdown]
# In its last layer at the pizza; along the whole way at both, twice as much as at the ground. Compare each share with
# the part of the picture that the object covers: a map that knew nothing would give just that. Such maps look like
# explanations. Are they? An explanation makes a prediction that can fail: if these patches carry the answer, then
# covering them must hurt more than covering others.
#
# ## Covering gives each text its own map
#
# The oldest method needs no attention, and works with any model: cover a part, and see how far the cosine with a text
# falls (Zeiler and Fergus 2014).
#
# **Predict:** what happens to the cosine with "a pizza" when we cover the *cat*?

# %%
from clipbench.figures import occlusion_beside_picture
from clipbench.inside import occlusion_maps, part_of_picture

texts, S = ["a cat", "a pizza", "a turquoise background"], settings.image_size
part = part_of_picture(S, patch=S // 4, stride=S // 16)  # a cell lies in the middle of its square
falls = occlusion_maps(encoder, scene, texts)
occlusion_beside_picture(scene, falls, texts, part)

# %%
centre = falls.shape[2] // 2
of_cat, of_pizza = falls[1, :, :centre].mean(), falls[1, :, centre + 1 :].mean()
print(f"“a pizza” falls by {of_cat:+.3f} on average over the cat's half, by {of_pizza:+.3f} over the pizza's")

# %% [markdown]
# It falls there, too: less than over the pizza, and still by more than half of that. So not all of a fall is *about*
# the text; a covered cat is also a picture of a kind that the model has never seen.
#
# Orange: with this square
# the cosine is lower. Violet: it is higher. Unlike attention this map depends on the text, and its unit is the answer
# itself. But a grey square is a new object, too: even squares on the empty background cost something. And where the
# squares cut the model's own patches, the pattern shows the patches, not the picture.
#
# ### A rule without a model is as good as the maps
#
# Now the contest. For 40 pictures of one thing each we cover a quarter of the patches: those that a map calls most
# important. The larger the fall of the cosine with the own name, the better the map found what matters.
#
# A contest needs rivals that are not too weak. Random patches are weak. So two maps enter that know nothing of any
# model: the *middle* of the picture, and how much each patch *differs from the colour of the border*.
#
# **Predict** the order: attention of the last layer, rollout, occlusion, the middle, unlike the border, random patches.

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
def unlike_border(inputs):
    """(B, side, side): how far each patch's mean colour is from the picture's mean border colour."""
    edges = [inputs[:, :, 0], inputs[:, :, -1], inputs[:, :, :, 0], inputs[:, :, :, -1]]
    border = torch.cat(edges, 2).mean(2)[:, :, None, None]
    differs = (inputs - border).abs().mean(1, keepdim=True)
    return torch.nn.functional.avg_pool2d(differs, settings.patch_size)[:, 0]


steps = torch.arange(side) - (side - 1) / 2
middle = -(steps[:, None] ** 2 + steps[None, :] ** 2).expand(40, side, side)

# %%
attention = attention_maps(encoder.model.image_encoder, inputs)
singly = [occlusion_maps(encoder, each, [f"a photo of a {name}"], P, P)[0]
          for each, name in zip(many, own_names, strict=True)]  # fmt: skip

# %%
contest = {
    "unlike the border": unlike_border(inputs),
    "rollout": on_grid(rollout(attention)[:, 0]),
    "occlusion": torch.stack(singly),
    "the middle": middle,
    "attention, last layer": on_grid(attention[-1, :, :, 0].mean(1)),
    "random": torch.rand(40, side, side, generator=torch.Generator().manual_seed(0)),
}

# %%
before = cosines(inputs)
print(f"cosine with the own name, nothing covered: {before.mean():.2f}")
falls = {name: before - cosines(cover(inputs, maps)) for name, maps in contest.items()}
for name, fall in falls.items():
    mean, low, high = with_band(fall)
    print(f"{name:22} falls by {mean:.2f}, 95% interval {low:.2f} to {high:.2f}")

# %% [markdown]
# On top, beside rollout, stands the rule that knows no model. But the intervals overlap. Does that mean that forty
# pictures decide nothing? No: all maps were tried on the *same* pictures. Some pictures are easy to spoil, others
# hard; that is in every interval, and cancels in a difference.

# %%
for name in list(falls)[1:]:
    mean, low, high = with_band(falls["unlike the border"] - falls[name])
    print(f"unlike the border - {name:22} {mean:+.3f}, 95% interval {low:+.3f} to {high:+.3f}")

# %% [markdown]
# A rule with no model in it is at least as good as the maps of the model. So it is no merit of a map that it beats
# random patches: in such pictures everything that prefers the object to the background does. The maps do say something;
# but "it marks the object" is not yet "it shows how the model decides". What attention can never say is for which
# *text*: it gives one map, whatever you ask.
#
# (Look again at the maps above: some heads send much to a single patch of empty background. Large models do that, too;
# such patches serve as scratch paper for the whole picture and are called *registers*, Darcet et al. 2024.)
#
# ## Steered pixels convince one model and nobody else
#
# Finally, reverse the roles: keep the model, and change the *picture* until it fits a text. The gradient says for each
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
# A real cat convinces both models, and stays a cat when you move it. What plain steering found is a pattern for
# exactly these weights at exactly this place: shift it a little, and it is gone. With views such patterns no longer
# pay, and what remains is coarser. But see the last column: even that convinces the other model less than a cat does.
#
# ### Why noise: thousands of invisible steps add up
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
# So thousands of tiny pushes in the right direction add up, and random ones cancel (Goodfellow et al. 2015). It
# explains much of adversarial pictures, and of noise in plain steering: the steepest way up uses all pixels a little,
# and no cat is needed. A dozen steps are enough to rename the dog:

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
# one is made for one model (some such pictures work for others, too), the other works for all that can read.

# %%
from clipbench_widgets import TypographicStudio

TypographicStudio("twin:reader")

# %% [markdown]
# (Without a running kernel, as on GitHub, the app is not shown. It looks like
# [this picture](../docs/typographic_studio.png).)
#
# ## Exercises
#
# Exercises with checks that help: [exercises/12_inside_the_model](exercises/12_inside_the_model.ipynb).
#
# 1. **Luck with fewer concepts.** Search only 20 concepts. Does the threshold of luck rise or fall, and why?
#    (Hint: `of_pictures[:20]`, `of_signs[:20]`; how many scores is the best now the best of?)
# 2. **A better map.** Multiply attention of the last layer by the gradient of the cosine with respect to it, and enter
#    the contest. Does it beat plain attention, and the border rule? (Hint: a map is any (40, side, side) tensor.)
# 3. **Two words at once.** Steer towards "a red heart" and then, from its last frame, towards "a blue background". Is
#    the heart still found by the other model? (Hint: `steer(..., start=run.pictures[-1])`, then `judged`.)
#
# ## What we did
#
# * We **searched** for units that answer to thing and word: the best one proved nothing, their number did.
# * We **followed** concepts from pictures to words: as directions they meet, in the last layers of the twin that read.
# * We **mapped** attention, and let the map make a prediction that could fail.
# * We **covered** pictures, and saw what each text needs.
# * We **steered** pixels towards a text: noise without views, coarse shapes with them, and why.
#
# Next: [13 the bug museum](13_bug_museum.ipynb), where models are wrong because somebody's line is.
#
# Sources: G. Goh et al., *Multimodal Neurons in Artificial Neural Networks*, Distill 2021. S. Holm, *A Simple
# Sequentially Rejective Multiple Test Procedure*, 1979. S. Abnar and W. Zuidema, *Quantifying Attention Flow in
# Transformers*, ACL
# 2020. M. Zeiler and R. Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014. The paper: A.
#       Radford et al., ICML 2021, arXiv 2103.00020, section 2.4.
