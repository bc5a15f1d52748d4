# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 Typographic attacks: when a written word beats a picture
#
# In 2021 a picture went around the world: a green apple with a note on it, and on the note the word "iPod". This is
# what the zero-shot classifier of OpenAI's RN50x4 said (Goh et al. 2021):
#
# | the apple | Granny Smith | iPod |
# |---|---|---|
# | as it is | 85.6% | 0.4% |
# | with the note | 0.1% | 99.7% |
#
# No attacker with a computer was needed, only a pen. Does a model *read*, then? How often does that go wrong, and what
# can one do about it?
#
# In this notebook we will
#
# * **attack** an apple, beside a control word that means nothing,
# * **measure** the attack on hundreds of pictures, by the size of the letters,
# * **compare** a model that read signs in its training with its twin that never did,
# * **defend** the model, by its prompts and by covering the word,
# * **explore** attacks in a live widget.
#
# It takes about 90 minutes in class, and no training; half an hour of them with pens, notes and phones, if you like. At
# each **Predict** write down what you expect before you run the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"
PICTURES = 300  # to attack

# %%
import torch

import clipbench

MODEL = "openai/clip-vit-base-patch32" if SCALE == "full" else "twin:reader"
encoder = clipbench.load(MODEL)

# %% [markdown]
# `twin:reader` is a tiny model of a world in which two thirds of the scenes of single objects carry a printed sign, and
# the sign often says something other than what is seen. Reading takes long to learn: it saw a million pairs, six times
# as many as `tiny`. We will meet models of other worlds later.
#
# ## An apple and a word
#
# A `Sticker` is a word on a note, and `print_on` sticks it on a picture.

# %%
from clipbench.data.alter.sticker import Sticker, print_on
from clipbench.data.world.staged import Staged, stage
from clipbench.figures import contact_sheet

(apple,) = stage([Staged(("green apple",), "white")], 224)
views = {
    "as it is": apple,
    "with the word gorilla": print_on(apple, Sticker("gorilla")),
    "with a control word": print_on(apple, Sticker("perhaps")),
}
contact_sheet(list(views.values()), list(views), columns=3)

# %% [markdown]
# The third picture is the most important one, and the one that is left out most often. The note also *hides* a part of
# the apple. If a word that means nothing does the same as the word "gorilla", then nothing was read.
#
# **Predict** the probabilities of six classes for the three pictures.

# %%
from clipbench.figures import value_grid

names = ["green apple", "gorilla", "pizza", "lion", "rocket", "book"]
weights = clipbench.zero_shot_weights(encoder, names, ["a photo of a {}."])
three = encoder.encode_image(encoder.preprocess(list(views.values())))
table = 100 * (encoder.scale * three @ weights).softmax(dim=1)

# %%
before, after, control = table[:, 1].tolist()
title = f"“gorilla” gets {before:.0f}% before, {after:.0f}% after, {control:.0f}% with the control word"
value_grid(table, list(views), names, title, decimals=1, best_of="row")

# %% [markdown]
# The word does it, the note does not: for a model that does not read, both notes would be the same. But we chose this
# word because it works. How often does that happen? We print every short name of 256 classes on the apple, one after
# the other.
#
# **Predict:** how many of them win against *all* the others?

# %%
data = clipbench.open_pictures("scenes:heldout256").subset(range(PICTURES))
weights = clipbench.zero_shot_weights(encoder, data.class_names, ["a photo of a {}."])
words = [name for name in data.class_names if len(name) <= 8]
attacks = [print_on(apple, Sticker(word)) for word in words]
answers = (encoder.encode_image(encoder.preprocess(attacks)) @ weights).argmax(dim=1)

# %%
said = [data.class_names[answer] for answer in answers.tolist()]
won = [word for word, answer in zip(words, said, strict=True) if word == answer]
print(f"{len(won)} of {len(words)} words win, such as", ", ".join(won[:8]))

# %% [markdown]
# Whoever shows you one picture may have searched for it, as we did. The famous apple proves that the attack is
# *possible*. How *likely* it is has to be counted, and over pictures, too.
#
# ## Hundreds of pictures
#
# Each picture of a held-out set gets the name of another class, chosen at random among names of at most eight letters,
# and we ask four questions:
#
# * **clean**: is the true class the nearest of all, without a note?
# * **attacked**: and with the word on it?
# * **success**: is the *written* class the nearest of all?
# * **control**: the same with a word of the same number of letters that is no class.

# %%
from clipbench.evaluate.typographic import Classifier, plan_attack, printed

plan = plan_attack(data.labels, data.class_names, seed=0, longest=8)
sticker = Sticker("word", height=0.25)
rows = range(6)
captions = [f"{data.class_names[data.labels[row]]}, says {plan.words[row]}" for row in rows]
contact_sheet(printed(data, plan.words, sticker).pictures(rows), captions)

# %% [markdown]
# Look at them: can *you* read the words? These pictures have 64 pixels on a side, and the model sees no more.
#
# **Predict** the four numbers, with these 256 classes. First by hand: print, encode, choose, compare.

# %%
weights = clipbench.zero_shot_weights(encoder, data.class_names, data.templates)


def answers_to(words):
    """The nearest class of each picture with its word printed on it."""
    shown = [print_on(picture, Sticker(word, height=0.25)) for picture, word in zip(pictures, words, strict=True)]
    return (encoder.encode_image(encoder.preprocess(shown)) @ weights).argmax(dim=1)


pictures = data.pictures(range(len(data)))
by_word, by_control = answers_to(plan.words), answers_to(plan.controls)

# %%
for name, said in (("the word", by_word), ("a control word", by_control)):
    object_wins, word_wins = ((said == truth).float().mean() for truth in (data.labels, plan.targets))
    print(f"under {name:14} the object is named in {object_wins:.1%}, the written class in {word_wins:.1%}")

# %% [markdown]
# Under a control word the written class almost never wins; under its own name it wins in a good part of the pictures.
# So this model reads. Now the library, with intervals and with letters of six sizes.

# %%
from clipbench.evaluate.typographic import typographic_attack

HEIGHTS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4)


def zero_shot(reader, templates, name=""):
    weights = clipbench.zero_shot_weights(reader, data.class_names, templates)
    return Classifier(name, lambda features: features @ weights)


def attack(reader, *classifiers, heights=()):
    return typographic_attack(reader, data, classifiers, sticker, plan, heights)


# %%
from clipbench.figures import accuracy_bars


def interval(metrics, name):
    return {f"top1{end}": metrics[f"{name}{end}"] for end in ("", "_low", "_high")}


def share_bars(metrics, questions, title):
    """A bar with its interval for each question: {what is asked: its name in the metrics}."""
    bars = {question: interval(metrics, name) for question, name in questions.items()}
    return accuracy_bars(bars, metrics["chance"], title, what="share of pictures")


# %%
metrics = attack(encoder, zero_shot(encoder, data.templates), heights=HEIGHTS)
assert abs(metrics["success"] - float((by_word == plan.targets).float().mean())) < 0.02  # as by hand
questions = {
    "clean: the object": "clean_top1",
    "attacked: the object": "attacked_top1",
    "control: the object": "control_top1",
    "attacked: the word": "success",
    "control: the same word": "control_target",
}

# %%
title = f"The written class wins on {metrics['success']:.0%} of the pictures, under a control word on"
share_bars(metrics, questions, f"{title} {metrics['control_target']:.0%}")

# %% [markdown]
# Read the chart from the bottom up. The last bar is what happens *without* reading: the written class wins by luck. The
# bar above it is the success of the attack. If their intervals do not overlap, the model reads. The third bar is what
# the note alone costs. A hypothesis: it costs so much *because it hides the object*. Keep it in mind; we will test it.
# The harm of *reading* is the difference between the second bar and the third, not between the first and the second.
#
# With all 256 classes as candidates the attack has to beat 255 rivals. Often only two are asked: the object or the
# word?

# %%
for name in ("two_way_clean", "two_way_attacked", "two_way_control"):
    low, high = metrics[f"{name}_low"], metrics[f"{name}_high"]
    print(f"{name:17} the object wins {metrics[name]:.1%} ({low:.1%} to {high:.1%}); chance is 50%")

# %% [markdown]
# In this form the zero-shot numbers of released models are published, on photographs with a note (SCAM, 2025). OpenAI's
# RN50 falls from 97.8% to 36.6%, its far larger ViT-L/14 from 99.1% to 40.1%. ViT-B/16 trained on LAION-2B falls to
# 69.2%, SigLIP's ViT-B/16 to 81.4%, GPT-4o to 96.8%. So how far a model falls depends on what it was trained on more
# than on its size.
#
# ### The size of the letters
#
# **Predict:** draw success against the height of the note, from a tenth of the picture to four tenths.

# %%
from clipbench.figures import line_chart


def swept(metrics, name):
    ends = [[100 * metrics[f"{name}_at_{h:g}{end}"] for h in HEIGHTS] for end in ("", "_low", "_high")]
    return tuple(ends)


# %%
lines = {
    "attacked: the word wins": swept(metrics, "success"),
    "attacked: the object wins": swept(metrics, "attacked_top1"),
    "control: the object wins": swept(metrics, "control_top1"),
}
best = max(HEIGHTS, key=lambda height: metrics[f"success_at_{height:g}"])
title = f"The word wins most often at a height of {best:g}: {metrics[f'success_at_{best:g}']:.0%}"
axes = "height of the note, as a share of the picture's", "share of pictures in %"
line_chart(HEIGHTS, lines, title, *axes, ylim=(0, 100))

# %% [markdown]
# (Bands are 95% intervals.) Below some size nobody can read the word, and neither can the model. Where success rises
# above zero, the model reads. A very large note helps the attack no further: it looks less and less like the signs of
# the training.
#
# ### The place
#
# **Predict:** is the word stronger at the foot of the picture, as so far, or across its middle?

# %%
from dataclasses import replace

places = {"at the foot": (0.5, 0.8), "at the top": (0.5, 0.2), "across the middle": (0.5, 0.5)}
chosen = [zero_shot(encoder, data.templates)]
by_place = {
    place: typographic_attack(encoder, data, chosen, replace(sticker, position=position), plan, ())
    for place, position in places.items()
}

# %%
for place, found in by_place.items():
    word, control = found["success"], found["control_target"]
    print(f"{place:18} the word wins {word:.1%}, under a control word {control:.1%};", end=" ")
    print(f"two-way {1 - found['two_way_attacked']:.1%}, under a control word {1 - found['two_way_control']:.1%}")

# %% [markdown]
# Across the middle it is much stronger. Two things come together there: the note covers most of the object, and a lone
# sign, whose caption always says the word, often hung there in training. The control word tells the two apart. With all
# classes as rivals a covered object never makes the *written* class win. Two-way it does so in a good part of the
# pictures: with the object covered, the other of two answers is a matter of chance. An attack number without its
# control says little.
#
# ## Why does it read at all?
#
# Nobody taught CLIP to read. But on the web, captions repeat what signs, covers and labels say. For a pair of a
# picture with the word "pizza" in it and a caption with "pizza", reading lowers the loss. So reading is not a
# defect of the training: it *is* the training.
#
# If this is the cause, then a model whose world has no signs cannot be fooled. So we trained two twins: the same
# network, the same start, the same number of pairs (fewer than the reader's), the same order of scenes. Only the world
# differs, in one line. (And *inside* the model? The article found single units that answer to an object's picture and
# to its written name alike. Lesson 12 looks for them.)

# %%
import json

from clipbench.data.world.factors import SIGNS
from clipbench.pretrained.folders import find_folder

TWINS = ("twin:many-signs", "twin:no-signs")
for name in TWINS:
    about = json.loads((find_folder(name) / "about.json").read_text())
    print(f"{name:16} {about['pairs_seen']:,} pairs;", dict(zip(SIGNS, about["scenes"]["signs"], strict=True)))

# %% [markdown]
# **Predict**, for the twin without signs: how often does the object win two-way, under a control word and under the
# word? Draw two lines from "control word" to "class word", one for each twin. (Shipped records: three trainings of each
# twin, 2,000 pictures each.)

# %%
from clipbench.evaluate.records.record import shipped_record
from clipbench.figures import slope_chart

ENDS = ("two_way_control", "two_way_attacked")
slopes = {}
for world in ("many-signs", "no-signs"):
    each = [shipped_record(f"typographic-{world}-{seed}")["metrics"] for seed in (0, 1, 2)]
    slopes[world.replace("-", " ")] = [tuple(100 * metrics[end] for end in ENDS) for metrics in each]

# %%
cost = {name: sum(before - after for before, after in each) / len(each) for name, each in slopes.items()}
title = ", ".join(f"{points:.0f} in the world with {name}" for name, points in cost.items())
heads = ("under a control word", "under the other class's name")
slope_chart(slopes, heads, f"Points that the word costs: {title}", "the object wins two-way, in %")

# %% [markdown]
# The twin without signs falls under a note as well: it has never seen one in front of an object. But which word is *on*
# the note makes no difference to it. Only the world differed, so the cause is in the world: in captions that repeat
# what is written.
#
# How about the other models that you have met?

# %%
columns = {"clean: object": "clean_top1", "attacked: object": "attacked_top1", "attacked: word": "success"}
columns |= {"control: word": "control_target", "two-way, control": ENDS[0], "two-way, attacked": ENDS[1]}


def row_of(model):
    reader = clipbench.load(model)
    measured = metrics if model == MODEL else attack(reader, zero_shot(reader, data.templates))
    return torch.tensor([100 * measured[name] for name in columns.values()])


# %%
models = [MODEL, *TWINS, "tiny", "classroom"]
rows = {model: row_of(model) for model in models}
reads = [name for name, row in rows.items() if row[2] > 5 + row[3]]
title = f"In %. The written word wins more often than by luck for: {', '.join(reads)}"
value_grid(torch.stack(list(rows.values())), list(rows), list(columns), title)

# %% [markdown]
# The first row, with more signs and six times the pairs, shows where reading leads. And the last two? Their worlds
# have signs, too, but on fewer scenes, and most of those signs name what is seen anyway: reading them gains little.
# The classroom model keeps most of its accuracy under notes; it saw many. It can read a little: of a *lone* sign it
# names the word more often than by chance (lesson 06), but beside an object the object decides. **A typographic
# attack needs a good reader.**
#
# ## Zero-shot and linear probe
#
# The article tried two classifiers of the same RN50x4, and the two results seem to contradict each other.
#
# * **Handwritten notes** on 34 photographs: the word won 25 times for the zero-shot classifier, and 0 times for a linear
#   probe on the same features (our count, from the article's data).
# * **Printed words** in eight places at once, on 1,000 photographs: against the *linear probe*, the best word ("trash")
#   succeeded on 95.4% and changed about 8% of the pixels; the weakest ("$$$") succeeded on 36.4%.
#
# So a probe resists a note, and not a page full of print. The features hold both, the object and the word.
#
# **Predict:** how much of the success, with the word across the middle, is left for a probe of our reader? And does the
# probe still see the *object*? (From a shipped record: 2,000 pictures, the probe trained on 3,000 scenes.)

# %%
middle = shipped_record("typographic-middle-reader")["metrics"]
by_probe = {
    "zero-shot: the word": "success",
    "zero-shot: the object": "attacked_top1",
    "probe: the word": "probe_success",
    "probe: the object": "probe_attacked_top1",
    "probe, control word: the object": "probe_control_top1",
    "probe, no note: the object": "probe_clean_top1",
}

# %%
title = f"The probe names the word on {middle['probe_success']:.0%}, the object on {middle['probe_attacked_top1']:.0%}"
share_bars(middle, by_probe, f"{title} (without a note {middle['probe_clean_top1']:.0%})")

# %% [markdown]
# The probe follows the word far less often than the texts do. That looks like a defence, until you look at the object:
# the probe does not see it either, whatever the word is. It is not safe, it is blind: with the note across the middle
# it names neither the word nor the object. Success alone would have hidden that.
#
# ## Defences
#
# **Predict:** which of these helps: prompts that mention a sign, prompts that say what is written, or a patch over the
# word?

# %%
from clipbench.evaluate.typographic import NAMED_WORDING, WORDING, named_word_metrics

print("mention a sign:  ", "; ".join(WORDING))
print("say what it says:", NAMED_WORDING)

# %%
wording = attack(encoder, zero_shot(encoder, WORDING))
named = named_word_metrics(encoder, printed(data, plan.words, sticker), plan.words, plan.targets)
defences = {
    "no defence": interval(metrics, "two_way_attacked"),
    "prompts that mention a sign": interval(wording, "two_way_attacked"),
    "prompts that say what is written": interval(named, "two_way_named_word"),
    "without a sticker": interval(metrics, "two_way_clean"),
}
attacked, saved = metrics["two_way_attacked"], named["two_way_named_word"]
title = f"The object wins {attacked:.0%} undefended, {saved:.0%} if the prompts say what is written"
accuracy_bars(defences, 0.5, title, "object wins against word")

# %% [markdown]
# The best defence is to say what is written: then both sentences contain the word, and only the object can decide. But
# that needs somebody who reads the word first. And a patch over the note, in the mean colour of the picture?

# %%
for name in ("attacked_top1", "masked_top1", "control_top1", "clean_top1"):
    print(f"{name:14} {metrics[name]:.1%} ({metrics[name + '_low']:.1%} to {metrics[name + '_high']:.1%})")

# %% [markdown]
# Remember the hypothesis: "the note costs so much because it hides the object". It was wrong. The patch hides exactly
# as much, and yet most of the accuracy is back. So most of the harm was neither the word nor what it covers. It was the
# *sign*: for a model that met signs mainly as the topic of a caption, a picture with a sign is a picture of a sign,
# whatever it says. Without the control word and the patch we would have called all of this "reading".
#
# Where does it matter? Wherever pictures with words in them are sorted by such a model: moderation, shop search,
# sorting of scans. A note, a watermark or a T-shirt is enough.
#
# Research has better defences: to project reading out of the features (Materzynska et al. 2022), to learn one word that
# is put before the class name (Azuma and Matsui 2023), to switch off the attention heads that copy text
# (Dyslexify, 2026).
#
# ## Explore
#
# Your turn: write on pictures. The studio has the reader and both twins; switch between them while the word is on.
# Drag the note, change its size and colours, try another word, cover it.

# %%
from clipbench_widgets import TypographicStudio

TypographicStudio([MODEL, *TWINS, "classroom"], word="gorilla")

# %% [markdown]
# <details><summary>What the app looks like</summary>
#
# ![An apple with a word on it, read by four models, each with its verdict](../docs/typographic_studio.png)
#
# </details>
#
# On photographs of your own, put the words into the file names, and let the library count:
#
# ```text
# photos/label=apple_text=pizza.jpg
# photos/label=apple_text=.jpg
# ```
#
# ```bash
# clipbench eval typographic --model openai/clip-vit-base-patch32 --data photos/
# ```
#
# ## Exercises
#
# Exercises with checks that help: [exercises/04_typographic_attacks](exercises/04_typographic_attacks.ipynb).
#
# 1. **The best word.** In the studio, find the word that wins most often against the apple. Is it a word of the
#    classes? What do winning words have in common?
# 2. **Where?** Repeat the measurement with `Sticker("word", height=0.3, position=(0.5, 0.2))`. Is the top worse than
#    the bottom? Why could that be, with these twins? (Look at where signs hang in their world.)
# 3. **An unfair control.** Use the control word `x` for all pictures. Which of the conclusions changes, and why?
#
# ## What we did
#
# * We **attacked** an apple, and saw that a control word is needed to say anything.
# * We **measured** hundreds of pictures: clean, attacked, control; all classes and two-way; by size.
# * We **compared** twins: without signs in the training there is nothing to exploit; a probe was blind, not safe.
# * We **defended** by words and by covering, and gave up a hypothesis of our own.
# * We **explored** attacks in `TypographicStudio`.
#
# Next: [05 embedding maps](05_embedding_maps.ipynb), where the whole space is drawn on a page.
#
# The article: G. Goh et al., *Multimodal Neurons in Artificial Neural Networks*, Distill 2021. Two-way numbers of
# released models: J. Westerhoff et al., *SCAM: A Real-World Typographic Robustness Evaluation*, 2025. Defences:
# J. Materzynska et al., CVPR 2022; H. Azuma and Y. Matsui, ICCV workshops 2023.
