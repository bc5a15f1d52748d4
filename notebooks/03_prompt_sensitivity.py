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
# A zero-shot classifier is made of words, so it is only as good as the words. The paper's models gained almost five
# points on ImageNet, zero-shot and without any training, by better prompts and by averaging many of them. Which words
# matter, and how much? And does that hold for a model of our world?
#
# In this notebook we will
#
# * **rename** the classes: synonyms, kinds, and four other languages,
# * **frame** the names in templates, good ones, wrong ones and nonsense, and average many,
# * **mislead** the model with a word of two meanings, and with the word *not*,
# * **describe** one picture in shorter and in longer sentences, and add one more class by writing it,
# * **explore** wordings in a live widget.
#
# It takes about 75 minutes in class, and no training (the languages and the random words can be skipped). At each
# **Predict** write down what you expect before you run the cell.

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
image_features = clipbench.cached_image_features(encoder, data)  # kept on the disk for the next time
print(f"{len(data):,} held-out pictures, {len(data.class_names):,} classes, chance {data.chance:.2%}")

# %%
from clipbench.figures import contact_sheet

shown = [data.class_names[label] for label in data.labels[:6].tolist()]
contact_sheet(data.pictures(range(6)), [f"“{name}”?" for name in shown], "Are these the best names?")

# %% [markdown]
# Under each picture is the name of its class. The pictures are encoded once. From here on we only change words, and
# each new classifier costs a second or two. The first one by hand: a bare name for each class, the nearest name wins.


# %%
bare = encoder.encode_text(data.class_names)
right = ((image_features @ bare.T).argmax(dim=1) == data.labels).float().mean()
print(f"bare names: {right:.1%}")


# %%
def classify(class_names, templates):
    """The same by the library, with a 95% interval."""
    weights = clipbench.zero_shot_weights(encoder, class_names, templates)
    return clipbench.zero_shot_metrics(image_features, data.labels, weights)


def in_words(metrics):
    return f"{metrics['top1']:.1%} ({metrics['top1_low']:.1%} to {metrics['top1_high']:.1%})"


print("by the library:", in_words(classify(data.class_names, ["{}"])))

# %% [markdown]
# ## Which name?
#
# Every concept of our world has more than one name: synonyms and associated words, the kind of object that it is,
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
by_name = {name: classify(words, ["{}"]) for name, words in names.items()}
own, kind = by_name["the name"]["top1"], by_name["its kind"]["top1"]
best = max(languages, key=lambda language: by_name[language]["top1"])
title = f"The name {own:.0%}, its kind {kind:.0%}; of the other languages {best} does best, {by_name[best]['top1']:.0%}"
accuracy_bars(by_name, data.chance, title)

# %%
shared = len(set(names["its kind"]))
print(
    f"{len(data.class_names):,} classes have {shared} kinds; a perfect guess among equals: {shared / len(classes):.1%}"
)

# %% [markdown]
# Why is the kind so bad? Dozens of classes share one. "A mammal" is true of all mammals, so the classifier cannot be
# better than a guess among them (the last line). A name has to be *true*, and it has to *separate*.
#
# And why are the other languages bad? Count how often the model could read them.

# %%
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.factors import draw_factors

sample = caption_scenes(draw_factors(torch.arange(20_000), seed=990_004))
for language, code in {"English": "en", **languages}.items():
    bare_names = {concept.name if code == "en" else concept.names.get(code) for concept in concepts()}
    print(
        f"{language:8} {sum(caption in bare_names for caption in sample) / len(sample):5.2%} of the captions are a name"
    )

# %% [markdown]
# The model is a mirror of its captions: an English name alone is a caption far more often than one in the four others.
# The count does not explain the order of the four, though: Spanish was read twice as often as German, and is not
# understood better.
#
# So let us change the captions. `twin:languages` is a tiny model of 256 concepts, and each of its captions came in one
# of the five languages, chosen at random. Its partner is `tiny`, with the same 256 names and the same encoders, whose
# captions are like the ones above.
#
# **Predict:** how far are the four behind English now?

# %%
from clipbench.data.world.languages import named

few = clipbench.open_pictures("scenes:heldout256").subset(range(2000))
few_classes = [concepts()[concept_ids()[name]] for name in few.class_names]


def in_five_languages(model):
    """Top-1 in % with bare names, in English and in the four others."""
    features = clipbench.image_features(model, few)
    words = [[named(each, code) for each in few_classes] for code in ("en", *languages.values())]
    weights = [clipbench.zero_shot_weights(model, each, ["{}"]) for each in words]
    return torch.stack([100 * ((features @ each).argmax(1) == few.labels).float().mean() for each in weights])


# %%
import json

from clipbench.figures import value_grid
from clipbench.pretrained.folders import find_folder

pairs = {}
for name in ("tiny", "twin:languages"):
    seen = json.loads((find_folder(name) / "about.json").read_text())["pairs_seen"]
    pairs[f"{name}, {seen:,} pairs"] = in_five_languages(clipbench.load(name))
table = torch.stack(list(pairs.values()))
behind = (table[:, :1] - table[:, 1:]).amax(1).tolist()
title = f"In %. The worst language is {behind[0]:.0f} points behind English in tiny, {behind[1]:.0f} in its twin"
value_grid(table, list(pairs), ["English", *languages], title)

# %% [markdown]
# A model that has met a language finds it hardly harder than English. (The twin saw more pairs, as the rows say; but
# more pairs do not teach a language that is not in them.) That an object is called "perro", "Hund" or "собака" costs
# the image encoder nothing. (`clipbench eval zero-shot --language es` asks with whole sentences.)
#
# Names that do not separate are a problem of real data sets, too: in ImageNet two classes are called "crane", a bird
# and a machine. The authors of CLIP repaired such names by hand; for the zero-shot accuracy of their ViT-B/32 on
# ImageNet that alone was worth 1.5 points (notes of the released code).
#
# ## Which frame?
#
# In the paper, "A photo of a {label}." was 1.3 points better than the bare label, zero-shot on ImageNet (section
# 3.1.4). Its reason: captions on the web are rarely a single word.
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
top = {template: 100 * metrics["top1"] for template, metrics in by_template.items()}
title = f"Bare names {top['{}']:.0f}%, the paper's default {top['a photo of a {}.']:.0f}%,"
title += f" a wrong number {top['a photo of three {}']:.0f}%, “a sign that says” {top['a sign that says {}']:.0f}%"
accuracy_bars(by_template, data.chance, title)

# %% [markdown]
# **A frame need not help.** Where bare names are common captions, as in our world, they are hard to beat: the 1.3
# points are a fact about captions on the web, not about contrastive models. But why does a wrong number cost so little,
# and a sign nearly everything? Both are wrong in the same way for every class.
#
# A frame moves each class embedding. Split that shift into a part that is *common* to all classes and the rest.
#
# **Predict:** a shift that is exactly the same for all classes: what does it do to the answers?

# %%
import torch.nn.functional as F


def anatomy(template):
    """Accuracy; share of the shift that is common; accuracy with only that; spread of the classes."""
    framed = encoder.encode_text([template.format(name) for name in data.class_names])
    shift = framed - bare
    common = shift.mean(0)
    share = len(bare) * common.square().sum() / shift.square().sum()
    answers = [(image_features @ each.T).argmax(1) for each in (framed, F.normalize(bare + common, dim=1))]
    right = [float((each == data.labels).float().mean()) for each in answers]
    return right[0], float(share), right[1], float((framed - framed.mean(0)).square().sum(1).mean())


# %%
print(f"{'frame':24}{'accuracy':>9}{'common':>8}{'common only':>13}{'spread':>8}")
for template in ("a photo of a {}.", "a photo of three {}", "a sign that says {}", "xyzzy {} qwert"):
    right, share, only, spread = anatomy(template)
    print(f"{template:24}{right:9.0%}{share:8.2f}{only:13.0%}{spread:8.2f}")

# %% [markdown]
# * **A common shift costs little** (third column): it moves all classes in one direction, and only their *differences*
#   decide. Harmless frames are of this kind: most of their shift is common.
# * **Harmful frames shift each class differently**, or squeeze the classes together (the last column: how far the
#   class embeddings lie from their mean). "A sign that says cat" is, for this model, no cat at all (lesson 04). And
#   words that it never saw leave little of the name.
#
# ### The right frame for the style
#
# Some of our pictures are sketches, some are blurred. **Predict:** is "a sketch of a ..." the best template for
# sketches?

# %%
from clipbench.data.world.evaluation_sets import heldout_factors
from clipbench.data.world.factors import STYLES

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

# %%
from math import comb

styles, luck = len(STYLES), 1 / len(frames)
by_chance = sum(comb(styles, k) * luck**k * (1 - luck) ** (styles - k) for k in range(on_diagonal, styles + 1))
print(f"{on_diagonal} or more of {styles} by luck: a probability of 1 in {1 / by_chance:,.0f}")

# %% [markdown]
# Yes, and for nearly every style: by luck that would hardly happen. Each column is a group of pictures, with their
# number; the best template of the column is in bold. One or two points down a column of 150 pictures mean little, ten
# points mean something. Differences *between* columns are about the pictures, not about the words. (The paper does
# the same for whole data sets: "a satellite photo of a {}." where all pictures were taken from above, and quotation
# marks around what a picture says, section 3.1.4.)
#
# ### Many frames at once
#
# If you do not know the best template, average several: **normalise** the embeddings of a class's prompts, take their
# **mean**, and **normalise** again. The paper used 80 templates on ImageNet, worth another 3.5 points of its zero-shot
# accuracy. Why average embeddings, and not the probabilities of 80 classifiers? Because the result is *one* classifier:
# it is computed once, and costs no more than a single prompt ever after (section 3.1.4).
#
# **Predict:** what happens to the *mean* accuracy as templates are added, and what to the *spread* between lucky
# and unlucky choices?

# %%
import random

from clipbench.evaluate.features.compute import text_features


def encoded(templates):
    """(classes, templates, D), each of length 1."""
    prompts = [template.format(name) for name in data.class_names for template in templates]
    return text_features(encoder, prompts).view(len(data.class_names), len(templates), -1)


def average(prompts):
    """(D, classes): normalised before (by the encoder) and after the mean."""
    return F.normalize(prompts.mean(dim=1), dim=1).T


# %%
cached = encoded(data.templates)
library = clipbench.zero_shot_weights(encoder, data.class_names, data.templates)
torch.testing.assert_close(average(cached), library)


def accuracy_of(prompts):
    return 100 * float(((image_features @ average(prompts)).argmax(1) == data.labels).float().mean())


# %%
from clipbench.figures import line_chart

sizes = list(range(1, len(data.templates) + 1))
chooser = random.Random(0)
draws = {k: [accuracy_of(cached[:, chooser.sample(range(len(sizes)), k)]) for _ in range(10)] for k in sizes}
mean = [sum(draws[k]) / len(draws[k]) for k in sizes]
band = ([min(draws[k]) for k in sizes], [max(draws[k]) for k in sizes])
title = f"Mean of ten random choices: {mean[0]:.1f}% with one template, {mean[-1]:.1f}% with all ten"
lines = {"mean; band from worst to best": (mean, *band)}
line_chart(sizes, lines, title, "templates averaged", "top-1 in %")

# %% [markdown]
# The mean rises for a few templates and then stops. The band closes: averaging is insurance against a bad template more
# than a source of new knowledge. (Compare the end with the bare names at the beginning: here the ensemble hardly beats
# them.)
#
# One more control, from a later paper (Roth et al. 2023, "WaffleCLIP"): put *random words* after the name, ten
# versions, and average those. For released models that gained about as much as clever descriptions.
#
# **Predict:** where do the ten versions lie one by one, and where does their average?

# %%
random_words = ["river", "qx zt", "seven", "mango", "plinth", "ji ko", "fold", "hm", "tarn", "vex"]
nonsense = encoded(["{} " + word for word in random_words])
singles = [accuracy_of(nonsense[:, [row]]) for row in range(len(random_words))]
together = accuracy_of(nonsense)

# %%
from clipbench.figures import ranked_bars

bars = {"the bare name": (top["{}"],), "our ten templates": (mean[-1],), "ten random words": (together,)}
bars["one random word (mean, range)"] = (sum(singles) / len(singles), min(singles), max(singles))
title = (
    f"Random words: {sum(singles) / len(singles):.0f}% one by one, {together:.0f}% averaged, {top['{}']:.0f}% without"
)
notes = {name: f"{values[0]:.0f}%" for name, values in bars.items()}
ranked_bars(bars, title, "top-1 in %", notes=notes)

# %% [markdown]
# Averaging recovers much of what random words destroy: the noise of single prompts cancels, whatever the words are. But
# random words help nobody here; the bare name without any is better. The released models' result does not appear in
# this world. The method stays: before you praise a clever set of templates, compare it with a silly one of the same
# size.
#
# ## One word, two meanings
#
# "Mouse" is an animal and a part of a computer. A text encoder sees only the word. The words around it must decide.

# %%
from clipbench.data.world.staged import Staged, stage
from clipbench.figures import similarity_heatmap

COLOURS = ["white", "green", "pink", "blue", "yellow", "orange"]


def mean_cosines(texts, scenes):
    """(texts, scenes): each scene is drawn on six backgrounds, whose cosines are averaged."""
    drawn = [stage([Staged(objects, colour) for colour in COLOURS]) for objects in scenes]
    features = torch.stack([encoder.encode_image(encoder.preprocess(six)) for six in drawn])
    return encoder.encode_text(texts) @ features.mean(1).T


# %%
def compare(texts, *scenes, about):
    cosines, heads = mean_cosines(texts, scenes), stage([Staged(objects) for objects in scenes])
    for text, row in zip(texts, cosines, strict=True):
        order = row.argsort(descending=True)[:2].tolist()
        print(f"{text!r:32}", ", then ".join(f"{' and '.join(scenes[k])} {row[k]:.2f}" for k in order))
    nearest = scenes[int(cosines[texts.index(about)].argmax())]
    title = f"“{about}” is nearest to the picture of a {' and a '.join(nearest)}"
    return similarity_heatmap(cosines.T, heads, texts, title, pairs=False)


# %% [markdown]
# **Predict:** which picture does the bare word "mouse" prefer? Is "a mouse and a keyboard" enough to change that?

# %%
texts = ["mouse", "a photo of a mouse", "a mouse, a mammal", "a mouse and a keyboard"]
texts += ["a computer mouse"]
scenes = ("mouse",), ("mouse face",), ("computer mouse",), ("laptop",), ("cat",)
compare(texts, *scenes, about="a mouse and a keyboard")

# %% [markdown]
# The bare word is a mixture, and leans to the meaning that had it in more captions. "Computer mouse" finds the device.
# You may have said that a keyboard is context enough; no: it moves the text to where *keyboards* are, so the laptop
# comes first, and the device does not. The paper met the same in Oxford-IIIT Pets: "boxer" is a breed of dogs there,
# but to a text encoder without context it could as well be an athlete. Its remedy is to write the kind into the
# template: "a photo of a {}, a type of pet." (section 3.1.4).
#
# ## Not
#
# **Predict:** which picture has the highest cosine with "not a photo of a cat"?

# %%
texts = ["a photo of a cat", "not a photo of a cat", "no cat", "a photo without a cat"]
texts += ["a dog, not a cat"]
compare(texts, ("cat",), ("dog",), ("pizza",), ("cat", "dog"), about="not a photo of a cat")

# %% [markdown]
# The cat, still. *Not* hardly counts: the model looks for whatever is named. Captions say what is there. Denials are
# rare (in our world about one caption in a hundred has a *no*, *not* or *without*, and then mostly in a name, such as
# "no smoking"), so there was almost nothing to learn *not* from. Released models answer negated multiple-choice
# questions near chance (NegBench, CVPR 2025).
#
# A well-known example asks each picture with two texts: is it "a photo of a fat red cat", or "not a photo of a fat red
# cat"? It shows the probability of the first. We add a control: other second texts.
#
# **Predict:** which of these six pictures are called a fat red cat?

# %%
scenes = {"a cat": ("cat", "green"), "a cat on red": ("cat", "red"), "a lion": ("lion", "green")}
scenes |= {"a dog": ("dog", "green"), "a red heart": ("red heart", "green"), "a pizza": ("pizza", "green")}
six = encoder.encode_image(encoder.preprocess(stage([Staged((name,), ground) for name, ground in scenes.values()])))
fat, others = (
    "a photo of a fat red cat",
    ["not a photo of a fat red cat", "a photo of something else", "a photo of a dog"],
)
two_texts = [encoder.encode_text([fat, other]) for other in others]
yes = [100 * (encoder.scale * six @ texts.T).softmax(dim=1)[:, 0] for texts in two_texts]

# %%
alike = float(two_texts[0][0] @ two_texts[0][1])
title = (
    f"Fat red cat, in %: against its denial even a pizza gets {yes[0][-1]:.0f} (cosine of the two texts: {alike:.2f})"
)
value_grid(torch.stack(yes).T, list(scenes), [f"or “{other}”" for other in others], title)

# %% [markdown]
# Look at the first column: the numbers have little to do with cats. The two texts are nearly the same vector (the
# cosine is in the title), so each picture is nearly as far from the one as from the other, and the scale turns what is
# left into a probability. Against "a photo of a dog" the cats are cats, but so is all that is no dog: a pizza has to be
# one of the two. A probability is a comparison with what *else* was asked, and "not" asks nothing else. (And "red"? It
# leans to what is red, the background as well: a text is a place in the space, not a checklist.)
#
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
fits = {text: (value,) for text, value in zip(descriptions, cosines[:, 0].tolist(), strict=True)}
notes = {text: f"{value:.2f}" for text, (value,) in fits.items()}
title = f"All are true; “{best}” fits best, “{worst}” worst"
ranked_bars(fits, title, "cosine with the picture", notes=notes)

# %% [markdown]
# More truth is not more similarity. What helps is the kind of detail that training captions mention; the longest
# sentence is unlike anything that the model read. (OpenAI's models read at most 77 tokens, ours fewer. Their tokenizer
# refuses a longer text unless it is told to cut it; ours cuts it and says so, and `PromptExplorer` shows where.)
#
# ## One more class
#
# You add a class by writing it. That is the power of zero-shot classification, and a danger: the new name competes
# with all others. The paper shows it with its largest model on surveillance pictures: a caption that *nearly* fits
# brought the zero-shot accuracy from 91.8% to 51.1% (section 7.2).
#
# **Predict:** forty scenes each of eleven animals, in all styles, and one more name. Which of these takes most pictures
# away from the right name: "spaceship", "animal", "sketch"?

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
# <details><summary>What the app looks like</summary>
#
# ![A picture, two prompts, and cosine, logit and probability of each](../docs/prompt_explorer.png)
#
# </details>
#
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
# * We **described** one picture in seven ways, and saw that one more class changes the others' accuracy.
# * We **explored** wordings in `PromptExplorer`.
#
# Next: [04 typographic attacks](04_typographic_attacks.ipynb), where the words are in the picture.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, ICML 2021,
# arXiv 2103.00020, sections 3.1.4 and 7.2. Random words: K. Roth et al., *Waffling around for Performance*, ICCV
# 2023. Negation: K. Alhamoud et al., *Vision-Language Models Do Not Understand Negation*, CVPR 2025.
