# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 11 Limits: what this model cannot do, and why
#
# A model that names a thousand kinds of objects cannot tell which of two stands on the left. Is it too small? Did its
# captions never say? Or can its very architecture not express it? "It does not work" is an observation. This lesson
# looks for *causes*: for limit after limit we look for, or train, a twin that differs in the suspected cause, and see
# whether the limit differs.
#
# In this notebook we will
#
# * **survey** fourteen abilities of one model, against chance,
# * **separate** what the picture's features hold from what the words can ask for,
# * **train** twins that can and cannot tell the order of words, and twins with wrong captions,
# * **write** a caption with a model that can only rank them,
# * **design** classes for pictures that belong to none of them.
#
# It takes about 75 minutes in class, one of them for twelve tiny trainings. At each **Predict** write down what you
# expect before you run the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"
STEPS = 60  # of each training

# %%
import torch

import clipbench

torch.set_num_threads(1)  # the same numbers on every machine with the same processor
MODEL = {"full": "openai/clip-vit-base-patch32"}.get(SCALE, SCALE)
encoder = clipbench.load(MODEL)

# %% [markdown]
# ## Fourteen questions: what is there is easy, where it is is hard
#
# The emoji world has a suite of questions about scenes, like the paper's 27 data sets. Each has its own number of
# answers, and so its own level of chance. Which of 64 things is it? One, two or three? On which background? A left of
# B, or B left of A? Here is one scene for each of six, with the right answer.

# %%
from clipbench.data.world.scene_tasks import TASKS, scene_task
from clipbench.figures import contact_sheet

shown, asked = [], []
for name in ("count", "distance", "relation", "word_order", "sign_word", "negation"):
    question = TASKS[name].draw(64)
    shown += TASKS[name].pictures(question).pictures([0])
    asked.append(f"{name.replace('_', ' ')}: {question.phrases[0][question.labels[0]]}")
contact_sheet(shown, asked, "Six of the fourteen questions")

# %% [markdown]
# One of them by hand: each scene comes with its possible answers, and takes the one whose text is nearest.

# %%
question = TASKS["count"].draw(60)
features = clipbench.image_features(encoder, TASKS["count"].pictures(question))
said = [int((encoder.encode_text(answers) @ picture).argmax())
        for picture, answers in zip(features, question.phrases, strict=True)]  # fmt: skip
right = int((torch.tensor(said) == question.labels).sum())
print(f"{right} of {len(said)} scenes are counted rightly; a guess gets {len(said) // 3}")

# %% [markdown]
# **Predict** three that the model answers nearly always, and three where it only guesses.

# %%
from clipbench.evaluate.scene_tasks import answer_scores
from clipbench.evaluate.statistics.intervals import with_interval


def ask(encoder, name, pictures=192):
    """The question, image features, and which of its answers each scene gets."""
    task = scene_task(name)
    question = task.draw(pictures)
    features = clipbench.image_features(encoder, task.pictures(question))
    return question, features, answer_scores(encoder, task, question, features).argmax(1)


def scored(said, truth):
    return with_interval("top1", int((said == truth).sum()), len(truth))


# %%
from clipbench.figures import accuracy_dots

survey = {}
for name, task in TASKS.items():
    question, _, said = ask(encoder, name)
    survey[f"{name.replace('_', ' ')} ({task.answers})"] = scored(said, question.labels)
accuracy_dots(survey, [task.chance for task in TASKS.values()])

# %%
chances = [task.chance for task in TASKS.values()]
easy = [name for name, each in survey.items() if each["top1"] > 0.9]
guessed = [name for name, chance in zip(survey, chances, strict=True) if survey[name]["top1_low"] <= chance]
print(f"right nearly always: {', '.join(easy)}\nno better than a guess: {', '.join(guessed)}")

# %% [markdown]
# Each dot has its 95% interval, and the orange mark is chance for the number of answers in brackets. Objects, colours
# and styles are easy. Places and order are hard. The paper met the same kinds of weakness in photographs: its best
# model was near perfect on STL-10, but counted objects (CLEVRCounts) right in 24.8% of the pictures, and on the
# distance to the nearest car (KITTI) it was below chance, 21.9% with 4 classes (zero-shot ViT-L/14@336, table 11).
#
# Now the causes, one by one.
#
# ## Counting: the words were missing
#
# The model `tiny` read captions such as "three cats". Its twin `no-counts` saw as many cats, but every caption said "a
# cat". All else is equal (but for a few thousand pairs).
#
# **Predict:** what share of "one, two or three" will the twin answer rightly? And what if we do not ask in words, but
# train a linear probe on its picture features?

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def probe(train, train_labels, test):
    """Answers of a linear probe."""
    fit = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    return torch.tensor(fit.fit(train.numpy(), train_labels.numpy()).predict(test.numpy()))


def tower(encoder, task, question, training=False):
    return clipbench.image_features(encoder, task.pictures(question, training), projected=False)


# %%
task, bars = scene_task("count"), {}
lessons = task.draw(450, training=True)
for name in ("tiny", "twin:no-counts"):
    model = clipbench.load(name)
    question, features, said = ask(model, "count", 300)
    known = tower(model, task, lessons, True)
    learned = probe(known, lessons.labels, tower(model, task, question))
    bars[f"{name}, in words"] = scored(said, question.labels)
    bars[f"{name}, linear probe"] = scored(learned, question.labels)

# %%
from clipbench.figures import accuracy_bars

accuracy_bars(bars, task.chance)

# %% [markdown]
# In words it does no better than a guess, and with a probe it counts nearly as well as `tiny`. So the twin's image
# encoder is fine: the number is in its features, and a probe reads it. What it lacks are the words. No
# caption ever made it matter whether "two" is near to pictures of two.
#
# Remember this test: **a probe far above zero-shot says that the features hold the answer and the words do not lead
# to it.** It is a clue, not a law. The probe sees the features *before* the projection, the words see them after it.
# (We checked: after it a probe still counts.) And in the paper the probe wins nearly everywhere, while larger image
# encoders did raise zero-shot accuracy.

# %%
counting = clipbench.load("twin:no-counts")
joint = [clipbench.image_features(counting, task.pictures(*each)) for each in ((lessons, True), (question, False))]
after = probe(joint[0], lessons.labels, joint[1])
print(f"a probe behind the projection: {(after == question.labels).float().mean():.1%} of the counts are right")

# %% [markdown]
# The opposite case is *position*, one of nine places. Shipped records say what a probe of the features finds, and
# what a probe of raw pixels does.

# %%
from clipbench.evaluate.records.record import shipped_record

for name in ("classroom-scene-tasks", "pixels-scene-tasks"):
    print(f"{name:22} position: {shipped_record(name)['metrics']['position/probe']:.0%}, chance 11%")

# %% [markdown]
# The features have less of it than the pixels: here the image encoder lacks the answer, and no words could repair that.
#
# ## Size, asked as distance: the *right* words were missing
#
# Our captions say "close up" of large objects and "in the middle" of small central ones. So the survey asked in these
# words. (In these flat scenes a distance is nothing but a size. The distance to a car in a photograph is another
# question, which this world does not test.)
#
# **Predict** what happens with other words for the same scenes.

# %%
from clipbench.data.world.sprites import concepts

question, features, _ = ask(encoder, "distance", 300)
nouns = [concepts()[number].noun_phrase for number in question.factors.concept]


def near_or_far(near, far):
    both = [encoder.encode_text([form.format(noun) for noun in nouns]) for form in (near, far)]
    return torch.stack([(features * words).sum(1) for words in both], 1).argmax(1)


# %%
wordings = [("{}, close up", "{} in the middle"), ("{}, close up", "{} far away")]
wordings += [("a large {}", "a small {}"), ("{} near by", "{} far away")]
wordings += [("{} at one metre", "{} at ten metres")]
by_wording = {" / ".join(pair).replace("{}", "…"): near_or_far(*pair) for pair in wordings}
accuracy_bars({name: scored(said, question.labels) for name, said in by_wording.items()}, 0.5)

# %% [markdown]
# From nearly all to a coin's toss, for one and the same picture features. Why these words? Count them in the captions.

# %%
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.factors import draw_factors

sample = caption_scenes(draw_factors(torch.arange(20_000), seed=990_014))
for words in ("close up", "in the middle", "far away", "near by", "metre"):
    number = sum(words in caption for caption in sample)
    print(f"{words:14} {number:4} of {len(sample):,} captions")

# %% [markdown]
# Same pictures, same features; only the words differ. An ability of such a model is an ability *in certain words*. A
# text on the web seldom says how far away a car is; so there is little reason to expect the answer for KITTI in any
# words.
#
# ## Digits: nobody showed them
#
# One of the paper's own examples (section 6): on handwritten digits, MNIST, zero-shot ViT-L/14@336 got 88%, less than
# the 92.5% of a logistic regression on raw pixels. Digits on paper are rare among captioned pictures of the web. Our
# world has no handwriting at all, only an emoji for each digit among its 1,217 concepts.
#
# **Predict** three numbers: zero-shot, a probe of the model's features, a probe of the raw pixels. (There are 8 × 8 of
# them.)

# %%
from sklearn.datasets import load_digits

digits = clipbench.open_pictures("digits")
cut = len(digits) - 360  # the last fifth is the test
pixels = torch.tensor(load_digits().data).float()
weights = clipbench.zero_shot_weights(encoder, digits.class_names, digits.templates)
test = digits.subset(range(cut, len(digits)))
zero_shot = (clipbench.image_features(encoder, test) @ weights).argmax(1)

# %%
some = digits.subset(range(0, cut, 2))
towers = [clipbench.image_features(encoder, part, projected=False) for part in (some, test)]
answers = {
    "zero-shot": zero_shot,
    f"probe of {towers[0].shape[1]} features": probe(towers[0], some.labels, towers[1]),
    "probe of 64 raw pixels": probe(pixels[:cut:2], some.labels, pixels[cut:]),
}
accuracy_bars({name: scored(said, test.labels) for name, said in answers.items()}, 0.1)

# %% [markdown]
# Ours is at chance by words, which is a weaker observation than the paper's: there zero-shot was *good* and a trivial
# baseline still better. (The zero-shot ViT-B/32 is near 49%, by other measurements.) "CLIP beats supervised models" and
# "CLIP loses to pixels" are both true, of different pictures.
#
# ## Word order: each of three causes is enough
#
# "A cat to the left of a dog" and "a dog to the left of a cat" have the same words. There are three suspects. The
# text encoder may be *unable* to tell them apart: the mean of word vectors has no order. The *image* encoder may have
# lost the order. Or both are able, and *nothing in the training asked*: in a batch of random captions no two differ
# by their order only.

# %%
pair = ["a cat to the left of a dog", "a dog to the left of a cat"]
for name in ("tiny", "classroom"):
    a, b = clipbench.load(name).encode_text(pair)
    print(f"{name:10} cosine of the two sentences {a @ b:.4f}")

# %% [markdown]
# The bag of words of `tiny` is convicted by arithmetic. The transformer of `classroom` sees a difference, and the
# survey says that it makes nothing of it. Is the order in the picture's features, then? Ask a linear probe, and raw
# pixels as a control (shipped records).
#
# **Predict:** which of the three finds the order?

# %%
for name in ("classroom-scene-tasks", "tiny-tasks", "pixels-scene-tasks"):
    numbers = shipped_record(name)["metrics"]
    found = [numbers[f"word_order/probe{end}"] for end in ("", "_low", "_high")]
    print(f"{name:24} a probe finds the order in {found[0]:.1%} ({found[1]:.1%} to {found[2]:.1%})")

# %% [markdown]
# So for `classroom` the order is hardly in the *picture* (a guess has 50%), although raw pixels hold it: its image
# encoder threw it away. The features of `tiny` hold it, and there its bag of words cannot ask. Two models fail for two
# different reasons.
#
# And the third suspect? To decide, we train four twins in a small world of six things, always two side by side: with a
# bag or with a transformer, and on **easy** batches (each pair of things once) or on **hard** ones (each pair in both
# orders).

# %%
import itertools
import random

from clipbench.data.world.factors import COLOURS
from clipbench.data.world.staged import Staged, stage
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer

preprocess, tokenizer = Preprocess(32), world_tokenizer()
things = ["cat", "dog", "pizza", "rocket", "frog", "bus"]
orders = list(itertools.permutations(things, 2))


# %%
def batch(chosen, seed):
    """Pictures and captions of these pairs, on colours drawn at random."""
    dice = random.Random(seed)
    scenes = [Staged(pair, dice.choice(list(COLOURS)), layout="horizontal") for pair in chosen]
    captions = [f"a {a} to the left of a {b}" for a, b in chosen]
    return preprocess(stage(scenes, 32, seed)), tokenizer(captions)


# %%
def one_order_each(seed):
    dice = random.Random(seed)
    return [dice.choice([(a, b), (b, a)]) for a, b in itertools.combinations(things, 2)]


batches = {
    "easy": [batch(one_order_each(seed), seed) for seed in range(2 * STEPS)],
    "hard": [batch(orders, seed) for seed in range(STEPS)],  # twice as large, half as many
}

# %%
from clipbench import CLIP, CLIPConfig
from clipbench.model import BagOfWordsConfig, ConvNetConfig, TransformerConfig
from clipbench.training.optimisers import make_optimizers
from clipbench.training.presets import start_as_bag_of_words
from clipbench.training.recipe import TrainConfig, learning_rate_factor

encoders = {"bag of words": BagOfWordsConfig(4096, 32, 64)}
encoders["transformer"] = TransformerConfig(4096, 32, 64, depth=1, heads=2)


# %%
def learn(optimizers, progress):
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * learning_rate_factor(progress, 0.06)
        optimizer.step()


# %%
def train(batches, text, seed=0):
    torch.manual_seed(seed)
    model = CLIP(CLIPConfig(64, ConvNetConfig(32, width=12), text))
    start_as_bag_of_words(model)
    optimizers = make_optimizers(model, TrainConfig(pairs=1))
    for step, (images, ids) in enumerate(batches):
        loss = clipbench.clip_loss(*model(images, ids))
        model.zero_grad()
        loss.backward()
        learn(optimizers, step / len(batches))
    return model.eval(), loss.item()


# %% [markdown]
# **Predict** all four: of two captions that differ by the order only, how often does a new picture prefer the true one?

# %%
unseen = [batch(orders, seed) for seed in range(5000, 5010)]
swapped = tokenizer([f"a {b} to the left of a {a}" for a, b in orders])


# %%
@torch.no_grad()
def order_accuracy(model):
    """Two captions each; an exact tie counts half."""
    margins = []
    for images, ids in unseen:
        difference = model.encode_text(ids) - model.encode_text(swapped)
        margins.append((model.encode_image(images) * difference).sum(1))
    margin = torch.cat(margins)
    return float((margin > 1e-6).float().mean() + 0.5 * (margin.abs() <= 1e-6).float().mean())


# %%
print(f"{'':14}{'batches':9}{'last loss':>10}{'true order preferred, two seeds':>34}")
for text, (kind, some) in itertools.product(encoders, batches.items()):
    twins = [train(some, encoders[text], seed) for seed in (0, 1)]
    right = ", ".join(f"{order_accuracy(model):.0%}" for model, _ in twins)
    print(f"{text:14}{kind:9}{twins[0][1]:10.3f}{right:>34}")
print(f"ln 2 is {torch.tensor(2.0).log():.3f}")

# %% [markdown]
# Each cause alone is enough to make it fail. The bag of words is at exactly one half, whatever the batches; with hard
# batches its loss tells you so, as it stops at *ln 2*: one of two. The transformer *can* learn the order, and does
# when the rival with the other order sits in the same batch. With easy batches its loss goes to 0 all the same, and
# of the order it learned little: a loss near 0 says that the *questions asked* are answered. For released models this
# is measured too (Yuksekgonul et al. 2023), and hard negatives are the proposed cure, which can be gamed in its turn
# (Hsieh et al. 2023): `clipbench eval hard-negatives` asks any model with a table of pictures, right captions and
# wrong ones, and tells how often the captions alone give the answer away. `--data scenes:order --write FOLDER` writes
# one.
#
# ## Fine-grained classes: mistakes sit between neighbours
#
# **Predict:** when the model is wrong about a held-out picture, how often is its answer at least of the right *kind*
# (an animal for an animal)?

# %%
data = clipbench.open_pictures("scenes:heldout256" if SCALE == "tiny" else "scenes:heldout")
data = data.subset(range(1000))
kind = {concept.name: concept.hypernym for concept in concepts()}
weights = clipbench.zero_shot_weights(encoder, data.class_names, ["{}"])
said = (clipbench.image_features(encoder, data) @ weights).argmax(1)
wrong = (said != data.labels).nonzero()[:, 0].tolist()
errors = [(data.class_names[data.labels[row]], data.class_names[said[row]]) for row in wrong]

# %%
kinds = [kind[name] for name in data.class_names]
couples = list(itertools.combinations(kinds, 2))
by_chance = sum(a == b for a, b in couples) / len(couples)
same = [row for row, (a, b) in zip(wrong, errors, strict=True) if kind[a] == kind[b]]
print(f"{len(errors)} of {len(data):,} answers are wrong")
print(f"of the right kind are {len(same) / len(errors):.0%} of them; by chance {by_chance:.1%}")

# %%
shown = same[:8]
captions = [f"{data.class_names[data.labels[row]]}: “{data.class_names[said[row]]}”" for row in shown]
title = f"{len(shown)} of {len(same)} that were taken for something of their own kind"
contact_sheet(data.pictures(shown), captions, title, columns=8)

# %% [markdown]
# Nearly half, where luck would make one in fifty: mistakes are not spread evenly, they sit between neighbours. A
# possible reason: a caption "a smiling face" fits dozens of faces, so the training seldom rewards the difference. (We
# have no twin for this one, so it stays a guess. And look at the pictures: styles and small sizes have their part.) The
# paper saw it on kinds of aircraft and flowers (figure 5); the cure is
# captions that name the difference, or a few labelled examples (lesson 06).
#
# ## Wrong captions are harmless where looks are many
#
# The captions of the web are not only vague, some are plainly wrong. We train twins on pictures of an object on a
# colour, and give a part of them the caption of another one.
#
# **Predict:** draw the accuracy for 0, 25, 50 and 75% wrong captions.

# %%
combinations = [(thing, colour) for thing in things for colour in COLOURS]
truths = [f"{thing} on {colour}" for thing, colour in combinations]


def portraits_of(seed):
    scenes = [Staged((thing,), colour) for thing, colour in combinations]
    return preprocess(stage(scenes, 32, seed))


# %%
honest = [portraits_of(seed) for seed in range(STEPS)]
fresh = torch.cat([portraits_of(seed) for seed in range(6000, 6004)])


# %%
def with_lies(share):
    """The batches, a share of their captions replaced by any of the 72."""
    dice = random.Random(0)
    lies = [[dice.choice(truths) if dice.random() < share else text for text in truths]
            for _ in honest]  # fmt: skip
    return [(images, tokenizer(texts)) for images, texts in zip(honest, lies, strict=True)]


# %%
@torch.no_grad()
def right_of_72(model):
    said = (model.encode_image(fresh) @ model.encode_text(tokenizer(truths)).T).argmax(1)
    return scored(said, torch.arange(len(truths)).repeat(4))


# %%
after = {}
for share in (0, 0.25, 0.5, 0.75):
    model, _ = train(with_lies(share), encoders["bag of words"])
    after[f"{share:.0%} wrong"] = right_of_72(model)
accuracy_bars(after, 1 / len(truths))

# %% [markdown]
# With a quarter of the captions wrong, accuracy hardly falls, and half costs little. Lies that point everywhere cancel
# each other; the truth is all that they have in common. But this is a world of 72 captions, each seen in every batch.
#
# **Predict:** the same in the world of `tiny`: 256 concepts, half of the captions wrong.

# %%
for name in ("tiny-seed0", "twin-wrong-captions-heldout256"):
    numbers = shipped_record(name)["metrics"]
    print(f"{name:32} {numbers['top1']:.1%} ({numbers['top1_low']:.1%} to {numbers['top1_high']:.1%})")

# %% [markdown]
# There the same share of lies costs most of the accuracy. What decides is how often each concept is seen: where a
# concept comes up in every batch, lies average out; where it is rare, they do not. So this is no licence for
# uncurated captions: filtering the same pool well is worth a lot in practice (Gadre et al. 2023, DataComp). It would
# be worse still if the lies agreed (if every cat were called a dog). One training each; a few points mean nothing.
#
# ## It ranks captions, but cannot write them
#
# A cosine compares a *finished* text with a picture. Can we write with it? Take a vocabulary, and let the model choose
# word by word what raises the cosine most.
#
# **Predict** the caption that it writes for this picture.

# %%
(picture,) = stage([Staged(("cat", "pizza"), "turquoise")], 96)
feature = encoder.encode_image(encoder.preprocess([picture]))[0]
words = {word for concept in concepts() if concept.tiny for word in concept.name.split()}
words |= set("a the of on and with one two three photo picture background".split())
vocabulary = sorted(words | set(COLOURS))


# %%
def best_next(text):
    longer = [f"{text} {word}".strip() for word in vocabulary]
    cosines = encoder.encode_text(longer) @ feature
    return longer[int(cosines.argmax())]


# %%
from clipbench.figures import ranked_bars

text, written = "", []
for _ in range(6):
    text = best_next(text)
    written.append(text)

# %%
true = ["a cat and a pizza", "a cat and a pizza on a turquoise background"]
texts = [*true, *written]
cosines = encoder.encode_text(texts) @ feature
title = f"What it wrote has {cosines[-1]:.2f}, the true captions have at most {cosines[:2].max():.2f}"
notes = {text: f"{value:.2f}" for text, value in zip(texts, cosines.tolist(), strict=True)}
fits = {text: (value,) for text, value in zip(texts, cosines.tolist(), strict=True)}
ranked_bars(fits, title, "cosine with the picture", notes=notes)

# %% [markdown]
# The model was never asked whether a text is *language*. Among the captions of a batch all were, so it needed no
# opinion about it. A list of words that points in the right direction beats a true sentence.
#
# The twin `caption-lm` was asked the other question: given the picture and the words so far, which word comes next? It
# saw as many pairs as `tiny`, nearly.
#
# **Predict:** will it write sentences? Will they be true?

# %%
writer = clipbench.load("twin:caption-lm")
scenes = [("cat", "pizza"), ("cat", "cat"), ("frog",), ("dog", "rocket"), ("banana",), ("bus", "cat")]
pictures = stage([Staged(objects, "turquoise") for objects in scenes], 96)
towers = writer.image_tower(writer.preprocess(pictures))
captions = [text.replace(" .", ".") for text in writer.objective.write(towers, writer.tokenizer)]

# %%
named = [all(name in text for name in objects) for objects, text in zip(scenes, captions, strict=True)]
title = f"{sum(named)} of {len(scenes)} captions name all that is there"
contact_sheet(pictures, captions, title)

# %% [markdown]
# Sentences, yes; true, seldom as a whole. Well-formed captions, all of them; some even describe how absent objects
# are arranged. It learned the language first, and most words of a caption can be guessed without looking. That is the
# price: the paper found such a model three times slower to learn classes than one that predicts a bag of words, and
# that one four times slower than CLIP (figure 2; lesson 07).
#
# ## “None of these” is a sentence, not a rule
#
# Six classes, and pictures of things that are none of them. A softmax has to say something, and says it with
# confidence.
#
# **Predict:** will the class "none of these" catch the strangers?

# %%
from dataclasses import replace

from clipbench.data.world.factors import EVALUATION, training_pool
from clipbench.data.world.render import render
from clipbench.data.world.sprites import concept_ids
from clipbench.figures import to_pictures

known = ["cat", "dog", "lion", "panda", "frog", "whale"]
pool = [concepts()[number].name for number in training_pool(tiny=True)]
strangers = [name for name in pool if name not in known][::8][:30]
photo = replace(EVALUATION, styles=(1.0, 0, 0, 0, 0, 0, 0))


# %%
def scenes_of(names, each, seed):
    concept = torch.tensor([concept_ids()[name] for name in names]).repeat_interleave(each)
    factors = draw_factors(torch.arange(len(concept)), seed, photo)
    pictures = to_pictures(render(factors.with_groups(concept, torch.ones_like(concept))))
    return encoder.encode_image(encoder.preprocess(pictures))


# %%
inside, outside = scenes_of(known, 30, 990_015), scenes_of(strangers, 6, 990_016)
labels = torch.arange(len(known)).repeat_interleave(30)

# %%
sinks = {
    "no further class": [],
    "“none of these”": ["none of these"],
    "“something else”": ["something else"],
    "“a mammal”": ["a mammal"],
    "eight kinds of things": [*("food", "a plant", "clothing", "a vehicle", "a tool", "a building", "sport", "music")],
    "the strangers' own kinds": sorted({kind[name] for name in strangers}),
}


# %%
def with_sinks(more):
    """Shares of known pictures named rightly, and of strangers that land in a further class."""
    weights = clipbench.zero_shot_weights(encoder, known + more, ["{}"])
    right = ((inside @ weights).argmax(1) == labels).float().mean()
    caught = ((outside @ weights).argmax(1) >= len(known)).float().mean()
    return [100 * float(right), 100 * float(caught)]


# %%
from clipbench.figures import value_grid

rows = {name: with_sinks(more) for name, more in sinks.items()}
weights = clipbench.zero_shot_weights(encoder, known, ["{}"])
near, far = inside @ weights, outside @ weights
cut = near.amax(1).quantile(0.05)  # keeps 95% of the known pictures
kept = (near.argmax(1) == labels) & (near.amax(1) >= cut)
caught = far.amax(1) < cut
rows[f"a cosine below {cut:.2f}"] = [100 * float(each.float().mean()) for each in (kept, caught)]

# %%
sure = (encoder.scale * far).softmax(1).amax(1).median()
title = f"In %. Without a further class a stranger gets {sure:.0%} for its best one (median)"
heads = ["known, named rightly", "strangers caught"]
value_grid(torch.tensor(list(rows.values())), list(rows), heads, title)

# %% [markdown]
# It catches next to none: no picture was ever captioned so, and nothing is near to it. ("Something
# else" catches more, for no good reason: the captions with this word say "a person doing something".) A class works
# as a sink when pictures are captioned like it. The best sinks are *true descriptions* of what may come. (Even "a
# mammal" catches fruit: a common, vague caption is nearer to a stranger than any wrong name.) A threshold on the cosine
# does well, too, if you may choose it on known pictures. (Here we chose it on the same ones; for real use, choose it on
# other pictures.)
#
# This is no toy problem. In section 7.1 of the paper (zero-shot ViT-L/14@336), adding the class "child" to a list of
# labels for faces changed how often children's pictures got a harmful label from 30.3% to 2.3% (ages 0 to 2). Whoever
# writes the list of classes decides about the errors, and the model never says "your list is wrong".
#
# ## Explore
#
# Ask for what is hard. Which pair of captions cannot be told apart, whatever you write?

# %%
from clipbench_widgets import PromptExplorer

two = stage([Staged(("cat", "dog")), Staged(("dog", "cat")), Staged(("cat", "cat"))], 160)
gallery = list(zip(["cat and dog", "dog and cat", "two cats"], two, strict=True))
PromptExplorer(encoder, pictures=gallery, prompts=pair)

# %% [markdown]
# (Without a running kernel, as on GitHub, the app is not shown. It looks like
# [this picture](../docs/prompt_explorer.png).)
#
# ## Exercises
#
# Exercises with checks that help: [exercises/11_limits](exercises/11_limits.ipynb).
#
# 1. **Probe the order.** The survey says that the model guesses at "word order". Train a linear probe on `tower`
#    features for this question, as we did for counting. Is the order in the picture's features?
#    (Hint: `scene_task("word_order")`, `tower` and `probe`, in that order.)
# 2. **Lies that agree.** Change `with_lies` so that every cat is called a dog. What happens to cats, and what to dogs?
#    (Hint: `text.replace("cat", "dog")`, and accuracy for each thing apart.)
# 3. **The shortest sink.** Find one word that catches at least 80% of the strangers and loses no known picture.
#    (Hint: `with_sinks([word])`; begin with words that stand above many things in captions.)
#
# ## What we did
#
# * We **surveyed** fourteen abilities, each against its own chance.
# * We **separated** features from words: a probe far above zero-shot means that the words are missing.
# * We **trained** twins: order needs encoders that can tell *and* rivals that ask; lies cancel where looks are many.
# * We **wrote** word by word, and got a list that scores better than the truth.
# * We **designed** classes: a sink works if it is a true description of what may come.
#
# Next: [12 inside the model](12_inside_the_model.ipynb), where we look for causes within.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, ICML 2021,
# arXiv 2103.00020, sections 2.3, 6 and 7.1, tables 6 and 11. Word order: M. Yuksekgonul et al., *When and Why
# Vision-Language Models Behave like Bags-of-Words*, ICLR 2023; C.-Y. Hsieh et al., *SugarCrepe*, NeurIPS 2023.
