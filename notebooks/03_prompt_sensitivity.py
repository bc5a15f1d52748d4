# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 Prompt sensitivity: the same picture, other words
#
# A zero-shot classifier is made of words, so it is only as good as the words. The paper gained almost five
# points on ImageNet, without any training, by writing better prompts. Which words matter, how much, and for
# which model?
#
# In this notebook we will
#
# * **rename** the classes: synonyms, kinds, and four other languages,
# * **frame** the names in templates, good ones, wrong ones and nonsense, and average many,
# * **mislead** the model with a word of two meanings, and with the word *not*,
# * **describe** one picture in shorter and in longer sentences, and add a class by writing it,
# * **explore** wordings in a live widget.
#
# It takes about 40 minutes, and no training. At each **Predict** write down what you expect before you run
# the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import torch

import clipbench

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)
data = clipbench.open_pictures("scenes:heldout256" if SCALE == "tiny" else "scenes:heldout")
data = data.subset(range(2000))
image_features = clipbench.image_features(encoder, data)
print(f"{len(data):,} held-out pictures, {len(data.class_names):,} classes, chance {data.chance:.2%}")

# %%
from clipbench.figures import contact_sheet

shown = [data.class_names[label] for label in data.labels[:6].tolist()]
contact_sheet(data.pictures(range(6)), [f"“{name}”?" for name in shown], "Are these the best names?")

# %% [markdown]
# Under each picture is the name of its class. The pictures are encoded once. From here on we only change words, and
# each new classifier costs a second or two.


# %%
def classify(class_names, templates):
    weights = clipbench.zero_shot_weights(encoder, class_names, templates)
    return clipbench.zero_shot_metrics(image_features, data.labels, weights)


def told(metrics):
    return f"{metrics['top1']:.1%} ({metrics['top1_low']:.1%} to {metrics['top1_high']:.1%})"


# %%
print("bare names:", told(classify(data.class_names, ["{}"])))

# %% [markdown]
# ## Which name?
#
# Every concept of our world has more than one name: synonyms and associated words, the kind of thing that it is,
# and its name in other languages. All of them occur in training captions, but not equally often.

# %%
from clipbench.data.world.sprites import concept_ids, concepts

classes = [concepts()[concept_ids()[name]] for name in data.class_names]
cat = concepts()[concept_ids()["cat"]]
print(cat.name, "|", cat.keywords, "|", cat.hypernym, "|", cat.names)

# %% [markdown]
# **Predict:** order these from best to worst: the name, the first keyword, the kind ("a mammal"), Spanish,
# German, Chinese, Russian. Where do you expect chance?

# %%
from clipbench.figures import accuracy_bars

languages = {"Spanish": "es", "German": "de", "Chinese": "zh", "Russian": "ru"}
names = {
    "the name": data.class_names,
    "a keyword": [concept.keywords[0] if concept.keywords else concept.name for concept in classes],
    "its kind": [concept.hypernym for concept in classes],
}
for language, code in languages.items():
    names[language] = [concept.names.get(code, concept.name) for concept in classes]

# %%
accuracy_bars({name: classify(words, ["{}"]) for name, words in names.items()}, data.chance)

# %% [markdown]
# Why is the kind so bad? Dozens of classes share one: "a mammal" is true of all mammals, so the classifier cannot
# be better than a guess among them. A name has to be *true*, and it has to *separate*.
#
# And why are the other languages bad? Count how often the model could read them.

# %%
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.factors import draw_factors

sample = caption_scenes(draw_factors(torch.arange(20_000), seed=990_004))
for language, code in languages.items():
    foreign = {concept.names.get(code) for concept in concepts()}
    print(f"{language:8} {sum(caption in foreign for caption in sample) / len(sample):.2%} of the captions")

# %% [markdown]
# The model is a mirror of its captions. OpenAI's models have the same weakness for the same reason. So let us change
# the captions: `twin:languages` is a tiny model of 256 concepts, and each of its captions came in one of the five
# languages, drawn by lot.
#
# **Predict:** how far are the four behind English now?

# %%
from clipbench.data.world.languages import named

polyglot = clipbench.load("twin:languages")
few = clipbench.open_pictures("scenes:heldout256").subset(range(2000))
few_features = clipbench.image_features(polyglot, few)
few_classes = [concepts()[concept_ids()[name]] for name in few.class_names]
by_language = {}
for language, code in {"English": "en", **languages}.items():
    weights = clipbench.zero_shot_weights(polyglot, [named(each, code) for each in few_classes], ["{}"])
    by_language[language] = clipbench.zero_shot_metrics(few_features, few.labels, weights)

# %%
accuracy_bars(by_language, few.chance)

# %% [markdown]
# For a model that has met a language, it is hardly harder than English: all five lie within a few points. It saw
# the same pictures; that a thing is called
# "perro", "Hund" and "собака" costs the image encoder nothing. (`clipbench eval zero-shot --language es` asks with
# whole sentences.)
#
# Names that do not separate are a problem of real data sets too: in ImageNet two classes are called "crane", a
# bird and a machine. The authors of CLIP repaired such names by hand; for their ViT-B/32 that alone was worth 1.5
# points (notes of the released code).
#
# ## Which frame?
#
# In the paper, "A photo of a {label}." was 1.3 points better on ImageNet than the bare label (section 3.1.4). The
# reason: captions on the web are rarely a single word.
#
# **Predict:** will that hold here? Remember lesson 01: how many of *our* captions were bare names?

# %%
templates = {
    "{}": "the bare name",
    "a {}": "an article",
    "a photo of a {}.": "the paper's default",
    "not a photo of a {}.": "its opposite",
    "a sketch of a {}": "wrong for most pictures",
    "a photo of three {}": "wrong for all pictures",
    "a sign that says {}": "true of other pictures",
    "xyzzy {} qwert": "nonsense",
}

# %%
by_template = {template: classify(data.class_names, [template]) for template in templates}
accuracy_bars(by_template, data.chance)

# %% [markdown]
# Three lessons in one chart.
#
# * **A frame need not help.** Where bare names are common captions, as in our world, they are hard to beat. The
#   1.3 points are a fact about captions of the web, not about contrastive models.
# * **A wrong frame costs little, as long as it is wrong in the same way for every class.** It moves all class
#   features in one direction, and only their *differences* decide. "Not a photo" moves them together too.
# * **A frame that makes the text mean something else ruins everything.** "A sign that says cat" is, for the model,
#   no cat at all (lesson 04). And words that it never saw push the name out of the features.
#
# ### The right frame for the style
#
# Some of our pictures are sketches, some are blurred. **Predict:** is "a sketch of a ..." the best template for
# sketches?

# %%
from clipbench.data.world.evaluation_sets import heldout_factors
from clipbench.data.world.factors import STYLES
from clipbench.figures import value_grid

frames = {
    "photo": "a photo of a {}",
    "grayscale": "a {}, in black and white",
    "sketch": "a sketch of a {}",
    "blurry": "a blurry photo of a {}",
    "pixelated": "a pixelated photo of a {}",
    "inverted": "a negative of a {}",
    "painting": "a painting of a {}",
}
style = heldout_factors(tiny=SCALE == "tiny").style[: len(data)]


# %%
def accuracy_by_style(template):
    weights = clipbench.zero_shot_weights(encoder, data.class_names, [template])
    right = ((image_features @ weights).argmax(1) == data.labels).float()
    return torch.stack([100 * right[style == number].mean() for number in range(len(STYLES))])


# %%
table = torch.stack([accuracy_by_style(frames[name]) for name in STYLES])
on_diagonal = int((table.diagonal() == table.amax(0)).sum())
title = f"Top-1 in %: for {on_diagonal} of {len(STYLES)} styles the template that names it is the best"
heads = [f"{name} ({int((style == number).sum())})" for number, name in enumerate(STYLES)]
value_grid(table, list(frames.values()), heads, title, best_of="column")

# %% [markdown]
# Each column is a group of pictures, with their number; the best template of the column is in bold. One or two
# points down a column of 150 pictures mean little, ten points mean something. Differences *between* columns are
# about the pictures, not about the words. (The paper does the same for whole data sets: "a satellite photo of a {}."
# where all pictures were taken from above, and quotation marks around what a picture says, section 3.1.4.)
#
# ### Many frames at once
#
# If you do not know the best template, average several: each class gets the mean of its prompts' features. The
# paper used 80 templates on ImageNet, worth another 3.5 points.
#
# **Predict:** what happens to the *mean* accuracy as templates are added, and what to the *spread* between lucky
# and unlucky choices?

# %%
import random

from clipbench.evaluate.features.compute import text_features
from clipbench.evaluate.features.prompts import fill_templates
from clipbench.evaluate.zero_shot import ensemble

prompts = [text for row in fill_templates(data.class_names, data.templates) for text in row]
cached = text_features(encoder, prompts).view(len(data.class_names), len(data.templates), -1)


# %%
def accuracy_of(rows):
    return 100 * float(((image_features @ ensemble(cached[:, rows])).argmax(1) == data.labels).float().mean())


# %%
from clipbench.figures import line_chart

sizes = list(range(1, len(data.templates) + 1))
chooser = random.Random(0)
draws = {k: [accuracy_of(chooser.sample(range(len(sizes)), k)) for _ in range(10)] for k in sizes}
mean = [sum(draws[k]) / len(draws[k]) for k in sizes]
band = ([min(draws[k]) for k in sizes], [max(draws[k]) for k in sizes])
title = f"Mean of ten random choices: {mean[0]:.1f}% with one template, {mean[-1]:.1f}% with all ten"
lines = {"mean; band from worst to best": (mean, *band)}
line_chart(sizes, lines, title, "templates averaged", "top-1 in %")

# %% [markdown]
# The mean rises for a few templates and then stops. The band closes: averaging is insurance against a bad template
# more than a source of new knowledge. Compare the end with the bare name above: did the ensemble beat it?
#
# One more control, from a later paper (Roth et al. 2023, "WaffleCLIP"): put *random words* after the name, ten
# versions, and average those.

# %%
random_words = ["river", "qx zt", "seven", "mango", "plinth", "ji ko", "fold", "hm", "tarn", "vex"]
waffle = {"one random word": classify(data.class_names, ["{} " + random_words[0]])}
waffle["ten random words"] = classify(data.class_names, ["{} " + word for word in random_words])
waffle["our ten templates"] = classify(data.class_names, data.templates)
accuracy_bars(waffle, data.chance)

# %% [markdown]
# Part of what an ensemble gains is simply averaging: noise of single prompts cancels, whatever the words are. Before
# you praise a clever set of templates, compare it with a silly one of the same size.
#
# ## One word, two meanings
#
# "Mouse" is an animal and a part of a computer. A text encoder sees only the word. What is around it must decide.

# %%
from clipbench.data.world.staged import Staged, stage
from clipbench.figures import similarity_heatmap

COLOURS = ["white", "green", "pink", "blue", "yellow", "orange"]


def mean_cosines(texts, scenes):
    """(texts, scenes): each scene is drawn on six backgrounds, and its cosines are averaged."""
    drawn = [stage([Staged(objects, colour) for colour in COLOURS]) for objects in scenes]
    features = torch.stack([encoder.encode_image(encoder.preprocess(six)) for six in drawn])
    return encoder.encode_text(texts) @ features.mean(1).T


# %%
def compare(texts, *scenes):
    cosines, heads = mean_cosines(texts, scenes), stage([Staged(objects) for objects in scenes])
    first = int((cosines.argmax(1) == 0).sum())
    title = f"{first} of {len(texts)} texts prefer the first picture; means of {len(COLOURS)} backgrounds"
    return similarity_heatmap(cosines, heads, texts, title, pairs=False)


# %% [markdown]
# **Predict:** which picture does the bare word "mouse" prefer? Is "a mouse and a keyboard" enough to change that?

# %%
texts = ["mouse", "a photo of a mouse", "a mouse, a mammal", "a mouse and a keyboard"]
texts += ["a computer mouse"]
compare(texts, ("mouse",), ("mouse face",), ("computer mouse",), ("laptop",), ("cat",))

# %% [markdown]
# The bare word is a mixture, and leans to the meaning that had it in more captions. Context moves it, but does a
# keyboard, which the model knows as a thing of its own, turn the animal into a device? The paper met the same in
# its data sets: "boxer" is a dog in one and an athlete in another. Its remedy is to write the kind into the
# template: "a photo of a {}, a type of pet." (section 3.1.4).
#
# ## Not
#
# **Predict:** which picture has the highest cosine with "not a photo of a cat"?

# %%
texts = ["a photo of a cat", "not a photo of a cat", "no cat", "a photo without a cat"]
texts += ["a dog, not a cat"]
compare(texts, ("cat",), ("dog",), ("pizza",), ("cat", "dog"))

# %% [markdown]
# *Not* hardly counts: what is named is what is looked for. No picture of our world, and almost none on the web, is
# captioned by what it does *not* show, so there was nothing to learn *not* from. For released models this is
# measured too (NegBench, CVPR 2025): they answer negated questions near chance.
#
# A classic of the talks about CLIP is "a fat red cat". Neither word can be true here: our cats are thin and yellow.

# %%
texts = ["a cat", "a red cat", "a fat red cat", "not a photo of a fat red cat", "a fat red pizza"]
compare(texts, ("cat",), ("dog",), ("pizza",), ("red heart",))

# %% [markdown]
# ## Shorter and longer
#
# One picture: a cat on a red background. Seven descriptions, all of them true.
#
# **Predict:** which one fits best?

# %%
(portrait,) = stage([Staged(("cat",), "red")], 160)
descriptions = [
    "a cat",
    "a mammal",
    "a picture",
    "a red background",
    "a cat on a red background",
    "a photo of a cat on a red background",
    "a cat on a red background, sitting in the middle of the picture, looking at us in soft light",
]
cosines = encoder.encode_text(descriptions) @ encoder.encode_image(encoder.preprocess([portrait])).T
best, worst = (descriptions[int(row)] for row in (cosines.argmax(), cosines.argmin()))
title = f"All are true; “{best}” fits best, “{worst}” worst"
similarity_heatmap(cosines, [portrait], descriptions, title)

# %% [markdown]
# More truth is not more similarity. What helped are details that captions of the training mention; the longest
# sentence is unlike anything that the model read. (OpenAI's models stop reading after 77 tokens, ours even
# earlier; a longer text is cut without a word. `PromptExplorer` shows where.)
#
# ## A class more
#
# You add a class by writing it. That is the power of zero-shot classification, and a danger: the new name competes
# with all others. The paper shows it with surveillance pictures: adding captions that *nearly* fit cost 40 points
# (section 7.2).
#
# **Predict:** forty scenes each of eleven animals, in all styles, and one name more. Which of these takes most
# pictures away from the right name: "spaceship", "animal", "sketch"?

# %%
from clipbench.data.world.factors import EVALUATION
from clipbench.data.world.render import render
from clipbench.figures import to_pictures

zoo = ["cat", "dog", "lion", "raccoon", "panda", "badger", "fox", "owl", "whale", "snake", "frog"]
labels = torch.arange(len(zoo)).repeat_interleave(40)
concept = torch.tensor([concept_ids()[name] for name in zoo])[labels]
factors = draw_factors(torch.arange(len(labels)), seed=990_005, config=EVALUATION)
scenes = to_pictures(render(factors.with_groups(concept, torch.ones_like(concept))))
animal_features = encoder.encode_image(encoder.preprocess(scenes))


# %%
def answers(*more):
    weights = clipbench.zero_shot_weights(encoder, [*zoo, *more], ["a photo of a {}."])
    return (animal_features @ weights).argmax(dim=1)


# %%
alone = answers()
print(f"{len(zoo)} names: {(alone == labels).float().mean():.1%} of {len(labels)} right")
for name in ("spaceship", "animal", "mammal", "pet", "wolf", "sketch", "something else"):
    with_it = answers(name)
    lost = ((alone == labels) & (with_it != labels)).sum()
    print(f"with {name!r:17} {(with_it == labels).float().mean():.1%} right, {lost:3} right answers lost")

# %% [markdown]
# A class that is far away costs nothing. One that looks alike costs something: a wolf is nearly a fox. And a class
# that is *also true* takes pictures away from the right, more precise one: a sketch of a cat is an animal, a pet, and
# a sketch. So the accuracy of a zero-shot classifier is a
# property of the list as much as of the model. And "something else" is not what you may hope: it is one more
# sentence, not a threshold (lesson 11).
#
# ## Explore
#
# Your turn. Write two wordings in two lines, and change one word at a time.

# %%
from clipbench_widgets import PromptExplorer

shown = [("mouse",), ("computer mouse",), ("cat",), ("cat", "dog"), ("dog",), ("red heart",)]
names = [" and ".join(objects) for objects in shown]
gallery = list(zip(names, stage([Staged(objects) for objects in shown], 160), strict=True))
PromptExplorer(encoder, pictures=gallery, prompts=["mouse", "a mouse and a keyboard"])

# %% [markdown]
# ## Exercises
#
# Exercises with checks that help: [exercises/03_prompt_sensitivity](exercises/03_prompt_sensitivity.ipynb).
#
# 1. **A better name.** Find a concept with the lowest accuracy under its own name, and give it a name under which
#    the model finds it. `(image_features @ weights).argmax(1)` tells you what it is taken for.
# 2. **The shortest prompt that repairs "mouse".** Which single word beside it makes the computer's mouse win? Try
#    ten words, and count.
# 3. **Templates that harm.** Write a template that is true of every picture, sounds natural, and costs more than 20
#    points. Why does it?
#
# ## What we did
#
# * We **renamed** classes: a name must be true, must separate, and must occur in captions.
# * We **framed** names: for this model the frame matters little, and averaging is insurance.
# * We **misled** the model with "mouse" and with "not".
# * We **described** one picture in seven ways, and saw that a class more changes the others' accuracy.
# * We **explored** wordings in `PromptExplorer`.
#
# Next: [04 typographic attacks](04_typographic_attacks.ipynb), where the words are in the picture.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, ICML 2021,
# arXiv 2103.00020, sections 3.1.4 and 7.2. Random words: K. Roth et al., *Waffling around for Performance*, ICCV
# 2023. Negation: K. Alhamoud et al., *Vision-Language Models Do Not Understand Negation*, CVPR 2025.
