# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10 Image search: by words, by example, and without captions
#
# Thousands of pictures, and nobody wrote down what is on them. Find the foxes. Find more like this one. Find the
# technical drawings among the papers of an office. How good is a search engine made of CLIP and one matrix product? And
# what would a model find that never saw a caption?
#
# In this notebook we will
#
# * **search** pictures by words, with five lines of code,
# * **measure** precision with its interval, and see what it can reach at best,
# * **compare** CLIP with SimCLR: two answers to the question what "similar" means,
# * **sort** document pages: text, tables, charts and technical drawings,
# * **explore** a collection in a live widget.
#
# It takes about 60 minutes in class. At each **Predict** write down what you expect before you run the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"
RETRAIN = False  # True trains SimCLR anew on 150,016 pictures: about 11 minutes on one free core

# %%
import torch

import clipbench

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)

# %% [markdown]
# ## An index
#
# The collection: 1,500 scenes of 256 concepts, in all styles. To *index* them means to encode each once, and to keep
# the unit vectors. No label is used, and no text.

# %%
collection = clipbench.open_pictures("scenes:heldout256").subset(range(1500))
index = clipbench.cached_image_features(encoder, collection)  # kept on the disk for the next time
print(f"{len(index):,} pictures, {index.nbytes / 1e6:.1f} MB of features")


# %% [markdown]
# A search is one product and a sort. That is all of it.


# %%
def search(queries, k):
    """(Q, k) rows of the index, best first."""
    return (queries @ index.T).argsort(dim=1, descending=True, stable=True)[:, :k]


# %% [markdown]
# **Predict:** how many of the first twelve will be foxes? The collection has only a few.

# %%
from clipbench.figures import contact_sheet

BLUE, ORANGE = "#0072B2", "#D55E00"


def show(rows, title, wanted=None):
    """Found pictures; what they are, in blue if it is what was wanted."""
    names = [collection.class_names[label] for label in collection.labels[rows].tolist()]
    colours = [BLUE if name == wanted or wanted is None else ORANGE for name in names]
    return contact_sheet(collection.pictures(rows), names, title, colours=colours, width=6.6)


# %%
fox = collection.class_names.index("fox")
there = int((collection.labels == fox).sum())
found = search(encoder.encode_text(["a photo of a fox"]), 12)[0]
right = int((collection.labels[found] == fox).sum())
title = f"“a photo of a fox”: {right} of the {there} foxes are among the first 12"
show(found.tolist(), title, "fox")

# %% [markdown]
# Blue is right. Look at the orange ones: are they *arbitrary*? And note that the search never says "there are no
# more": it always fills the page. The library does the same in blocks, so that a million pictures need no more
# memory.

# %%
from clipbench.evaluate.search import top_k

queries = encoder.encode_text([f"a photo of a {name}" for name in collection.class_names])
library = top_k(queries, index, k=20)
ours = search(queries, 20)
scores = (queries @ index.T).gather(1, ours)
torch.testing.assert_close(scores, library.scores)
equal = float((ours == library.rows).float().mean())
print(f"the same scores for {len(queries)} queries; equal rows: {equal:.1%}")

# %% [markdown]
# ## How good is it?
#
# **Precision at k**: of the first *k* found, how many are right? **Recall at k**: of all that are right, how many are
# among the first *k*? One query per concept, 256 in all.
#
# **Predict:** does precision rise or fall with *k*? And recall?

# %%
right = collection.labels[library.rows] == torch.arange(256)[:, None]  # (queries, 20)
existing = torch.bincount(collection.labels, minlength=256)
known = existing > 0  # concepts that are there at all
ks = torch.arange(1, 21)
precision = right[known].cumsum(1) / ks
recall = right[known].cumsum(1) / existing[known, None]
possible = existing[known, None].clamp(max=ks) / ks  # of a perfect search


# %%
def with_band(values):
    """Mean over queries in %, and its 95 % interval (1.96 standard errors)."""
    half = 1.96 * values.std(0) / len(values) ** 0.5
    return tuple((100 * (values.mean(0) + side * half)).tolist() for side in (0, -1, 1))


# %%
from clipbench.figures import line_chart

lines = {"precision": with_band(precision), "recall": with_band(recall)}
lines["best possible precision"] = (100 * possible.mean(0)).tolist()
chance = float((existing[known] / len(index)).mean())
(p5, low, high), (r5, *_) = ([each[4] for each in lines[name]] for name in ("precision", "recall"))
title = f"Precision at 5: {p5:.0f}% ({low:.0f} to {high:.0f}), by chance {chance:.1%}; recall {r5:.0f}%"
line_chart(ks.tolist(), lines, title, "k", "mean over queries in %", ticks=[1, 5, 10, 15, 20])

# %% [markdown]
# Precision *has* to fall: there are about six pictures of each concept, so even a perfect search has at most 6 right
# ones among 20. Never read a precision without that line. Bands are over the queries: they say how much another list
# of concepts might change it, nothing about another training.
#
# Search and classification ask different questions of the same matrix: in classification a picture chooses among words
# (lesson 02: along a row), here a word chooses among pictures (along a column).
#
# ### Attributes
#
# A search by words can ask for what no label holds. **Predict** which of these work.

# %%
wishes = ["a sketch", "a red background", "something to eat", "two cats"]
best = search(encoder.encode_text(wishes), 3)
pictures = [picture for rows in best for picture in collection.pictures(rows.tolist())]
captions = [f"“{wish}”" for wish in wishes for _ in range(3)]
contact_sheet(pictures, captions, "Four wishes, the first three of each", width=6.6)

# %% [markdown]
# Look at "two cats": every scene of this collection shows a single object. The search gives the best it has, and says
# nothing. And is what "something to eat" finds any food? Nobody ever captioned a tiger so, but some picture always
# has the highest cosine.
#
# ## By example
#
# The same index, but the query is a picture. Now no words are needed, so models without a text encoder can take part.
# We compare three:
#
# * **CLIP** (`tiny`), trained with captions;
# * **SimCLR** (Chen et al. 2020): the same image encoder, seven convolutions, on scenes of the same world, *without*
#   captions. Each picture is cropped, mirrored and recoloured twice, and has to find its other version in the batch;
# * **pixels**: an 8 x 8 thumbnail, no learning at all.

# %%
import json

from clipbench.encoders.clip import RivalEncoder
from clipbench.pretrained.folders import find_folder, twins

if "simclr" in twins() and not RETRAIN:
    simclr, pairs = clipbench.load("twin:simclr"), 150_016
else:
    from clipbench.bench.objectives import trainer_of

    pairs = 150_016 if RETRAIN else 640 if SCALE == "tiny" else 6_400
    trainer = trainer_of("simclr", "tiny", pairs, seed=0, threads=None)
    trainer.run()
    parts = trainer.objective.eval(), trainer.tokenizer, trainer.preprocess
    simclr = RivalEncoder(*parts, "SimCLR")
seen = json.loads((find_folder("tiny") / "about.json").read_text())["pairs_seen"]
print(f"SimCLR after {pairs:,} pictures; CLIP after {seen:,} pairs")


# %%
def unit(features):
    return torch.nn.functional.normalize(features, dim=1)


def thumbnails(images):
    return unit(torch.nn.functional.avg_pool2d(images, 8).flatten(1))


def in_parts(encode):
    return lambda images: torch.cat([encode(part) for part in images.split(250)])


# %%
clip = clipbench.load("tiny")
models = {
    "CLIP": in_parts(clip.encode_image),
    "SimCLR": in_parts(lambda images: unit(simclr.image_tower(images))),
    "pixels": thumbnails,
}
images = clip.preprocess(collection.pictures(range(1500)))
features = {name: encode(images) for name, encode in models.items()}

# %% [markdown]
# (SimCLR's features are taken before its projection head, as its authors advise. CLIP's are those that are
# compared with texts.)
#
# **Predict:** what will each of the three find "similar" to a picture of a fox?

# %%
query = int((collection.labels == fox).nonzero()[0])
rows, heads, same = [], [], {}
for name, each in features.items():
    cosines = each @ each[query]
    cosines[query] = -2  # not itself
    near = cosines.topk(5).indices.tolist()
    rows += [query, *near]
    heads += ["looked for"] + [f"{name}: {collection.class_names[collection.labels[i]]}" for i in near]
    same[name] = int((collection.labels[near] == fox).sum())
title = f"Foxes among the five nearest: {', '.join(f'{name} {count}' for name, count in same.items())}"
contact_sheet(collection.pictures(rows), heads, title, width=6.6)

# %% [markdown]
# One query proves nothing. But look at what each row has in common: the kind of object for CLIP, colours and place
# for the two others.
#
# ### Two meanings of "similar"
#
# * **Semantic**: are the five nearest pictures of the *same concept*?
# * **Instance**: is the nearest one *the same picture*, after it was altered?
#
# **Predict** who wins which.


# %%
def same_concept(each):
    """(M,) for each picture, the share of its five nearest that show the same concept."""
    cosines = each @ each.T
    cosines.fill_diagonal_(-2)
    near = cosines.topk(5).indices
    return (collection.labels[near] == collection.labels[:, None]).float().mean(1)


def with_interval(values):
    """Mean with its 95 % interval, as the chart wants it."""
    mean, half = float(values.mean()), 1.96 * float(values.std()) / len(values) ** 0.5
    return {"top1": mean, "top1_low": max(0, mean - half), "top1_high": min(1, mean + half)}


# %%
from clipbench.figures import accuracy_bars

semantic = {name: with_interval(same_concept(each)) for name, each in features.items()}
chance = float((existing[collection.labels] - 1).float().mean() / 1499)
accuracy_bars(semantic, chance, what="same concept among the five nearest")

# %% [markdown]
# For the second question it matters *how* a picture is altered. SimCLR was trained to see through crops, mirrors and
# other colours; asked with those, it answers its own training question. So we take four alterations that nobody was
# trained on, as well as its own.

# %%
import io

from PIL import Image

from clipbench.data.alter.documents import scanned


def as_jpeg(picture, number):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=10)
    return Image.open(file).convert("RGB")


alterations = {
    "turned by 12°": lambda picture, number: picture.rotate(12, fillcolor=picture.getpixel((1, 1))),
    "JPEG, quality 10": as_jpeg,
    "20 x 20 pixels": lambda picture, number: picture.resize((20, 20)).resize(picture.size),
    "scanned": scanned,
}

# %%
chosen = collection.pictures(range(300))
altered = {name: [alter(each, i) for i, each in enumerate(chosen)] for name, alter in alterations.items()}
contact_sheet([each[3] for each in altered.values()], list(altered), "One picture, four times", width=6.6)

# %%
from clipbench.figures import value_grid
from clipbench.objectives import random_view

models["CLIP, before the projection"] = in_parts(lambda images: unit(clip.image_tower(images)))
features["CLIP, before the projection"] = models["CLIP, before the projection"](images)
torch.manual_seed(0)
views = {"SimCLR's own: crop, mirror, colour": random_view(images[:300])}
views |= {name: clip.preprocess(pictures) for name, pictures in altered.items()}


def found_again(name, view):
    """In %: how many of 300 altered pictures have their original as the nearest of 1,500."""
    return 100 * float(((models[name](view) @ features[name].T).argmax(1) == torch.arange(300)).float().mean())


# %%
found = torch.tensor([[found_again(name, view) for name in models] for view in views.values()])
wins = (found == found.amax(1, keepdim=True)).sum(0)  # ties count for each
most = " and ".join(name for name, count in zip(models, wins, strict=True) if count == wins.max())
title = f"The same picture found again, in %. Best in {wins.max()} of {len(found)} rows: {most}"
value_grid(found, list(views), list(models), title, best_of="row")

# %% [markdown]
# CLIP's neighbours share a *meaning*: a blurred fox is near a sharp one on any ground, because captions called both
# "fox". For SimCLR and for pixels nothing says that these two belong together. And the same picture? SimCLR is good
# at what it was trained on, and no better than CLIP's features before the projection at what nobody was trained on.
# So "SimCLR for the same picture, CLIP for the same meaning" would be too simple, and thumbnails are hard to beat.
# (Our SimCLR saw 150,000 pictures, some 585 of each concept, which is very little for it; its large relatives need
# far more.)
#
# The paper's authors met the question, too: to find duplicates between training and test data they did not use CLIP's
# own features, which put different pictures of one meaning too near to each other, but trained a detector without
# captions (appendix C).
#
# Neither question is "better". Ask what you search for: a *kind* of object, or *this* picture. (`RETRAIN = True` trains
# SimCLR here.)
#
# ## In the office
#
# Now pictures that no model here was ever trained on: generated pages of text, tables, charts, and technical drawings
# with a title block.

# %%
from clipbench.data.alter.documents import KINDS, document_pages, scanned

pages = document_pages(each=25)
kinds = torch.arange(len(KINDS))
first = [25 * kind + number for kind in kinds.tolist() for number in range(3)]
names = [list(KINDS)[row // 25] for row in first]
contact_sheet(pages.pictures(first), names, "Four kinds of pages")

# %% [markdown]
# **Predict** for pages, with three ways to search: by example for pages of the same kind; by words for a kind; by a
# second scan of the very same sheet. Which one fails? And how far do *pixels* and an *untrained* network get?

# %%
sheets = pages.pictures(range(len(pages)))
page_index = encoder.encode_image(encoder.preprocess(sheets))
cosines = page_index @ page_index.T
cosines.fill_diagonal_(-2)
near = cosines.topk(5).indices
by_example = (pages.labels[near] == pages.labels[:, None]).float().mean(1)

# %%
rescanned = [scanned(sheet, number) for number, sheet in enumerate(sheets)]
scans = encoder.encode_image(encoder.preprocess(rescanned))
by_scan = ((scans @ page_index.T).argmax(1) == torch.arange(len(pages))).float()

# %%
words = encoder.encode_text([f"a {kind}" for kind in KINDS])
asked = (words @ page_index.T).topk(25).indices
by_words = (pages.labels[asked] == kinds[:, None]).float()
ways = {"same kind, by example": by_example, "same kind, by words": by_words.flatten()}
ways["same sheet, by a scan"] = by_scan
shares = [f"{way} {values.mean():.0%}" for way, values in ways.items()]
bars_of_ways = {way: with_interval(values) for way, values in ways.items()}
accuracy_bars(bars_of_ways, 0.25, "Right: " + "; ".join(shares), what="right")

# %% [markdown]
# (Chance is a quarter for the first two, and a hundredth for the third. Words are four queries only; their interval
# counts pages and knows nothing of other words.) By example it works nearly without a mistake. Did the model learn that
# from emoji? Ask rivals that learned nothing.

# %%
from clipbench import CLIP, ClipbenchEncoder
from clipbench.training.presets import find_preset

torch.manual_seed(0)
blank = ClipbenchEncoder(CLIP(find_preset("tiny").model), clip.tokenizer, clip.preprocess, "untrained")


def centred_pixels(pictures):
    small = thumbnails(clip.preprocess(pictures))
    return unit(small - small.mean(dim=0))


def of_pages(encode):
    """In %: neighbours of the same kind, and scans that find their sheet."""
    each, again = encode(sheets), encode(rescanned)
    cosines = (each @ each.T).fill_diagonal_(-2)
    kind = (pages.labels[cosines.topk(5).indices] == pages.labels[:, None]).float().mean()
    return [100 * float(kind), 100 * float(((again @ each.T).argmax(1) == torch.arange(len(pages))).float().mean())]


# %%
rivals = {
    encoder.name: lambda pictures: encoder.encode_image(encoder.preprocess(pictures)),
    "SimCLR": lambda pictures: models["SimCLR"](clip.preprocess(pictures)),
    "untrained network": lambda pictures: blank.encode_image(blank.preprocess(pictures)),
    "8 x 8 pixels": centred_pixels,
}
table = torch.tensor([of_pages(encode) for encode in rivals.values()])
title = f"In %. Same kind: {encoder.name} {table[0, 0]:.0f}, untrained {table[2, 0]:.0f}, pixels {table[3, 0]:.0f}"
value_grid(table, list(rivals), ["same kind, by example", "same sheet, by a scan"], title, best_of="column")

# %% [markdown]
# So most of it is no merit of the model: the four kinds look so different that thumbnails and random weights sort them,
# too, and for finding the same sheet again pixels are the better choice. Whenever a model does something surprising on
# new data, ask first what no model does there.
#
# Which kinds do the words confuse?

# %%
shares = torch.stack([torch.bincount(pages.labels[row], minlength=4) for row in asked]) / 0.25
title = f"Of the first 25 for each wish {by_words.mean():.0%} are what was asked for; shares in %"
value_grid(shares, [f"“a {kind}”" for kind in KINDS], list(KINDS), title, best_of="row")

# %% [markdown]
# "Technical drawing" and "page of text" stood in no caption. Is that the cause? Try other words, some of them from
# captions.
#
# **Predict:** which of these four finds its kind?

# %%
others = {"a drawing": "technical drawing", "a triangular ruler": "technical drawing"}
others |= {"a bar chart": "chart", "a chart": "chart"}
asked = (encoder.encode_text(list(others)) @ page_index.T).topk(25).indices
for (words, kind), rows in zip(others.items(), asked, strict=True):
    right = int((pages.labels[rows] == list(KINDS).index(kind)).sum())
    print(f"“{words}”: {right} of the first 25 are a {kind}")

# %% [markdown]
# So it is not simply that no caption had the word: some words that were trained fail, and words for something else
# succeed. On pictures so far from training, words and pages meet by luck. Measure every wording.

# %% [markdown]
# ### Words from examples
#
# What if you have no word for it, but five examples? Average them. That is a query too (and the beginning of a
# classifier, lesson 06).
#
# **Predict** the precision at 20 if the query is the mean of five pages of a kind.


# %%
def by_five_examples(index, chooser):
    """Precision at 20 if the query is the mean of five pages of a kind."""
    picked = torch.stack([25 * k + torch.randperm(25, generator=chooser)[:5] for k in kinds])
    scores = (unit(index[picked].mean(1)) @ index.T).scatter(1, picked, -2)  # not the examples themselves
    return (pages.labels[scores.topk(20).indices] == kinds[:, None]).float().mean()


# %%
for name, each in ((encoder.name, page_index), ("8 x 8 pixels", centred_pixels(sheets))):
    chooser = torch.Generator().manual_seed(0)  # the same draws for both
    values = torch.stack([by_five_examples(each, chooser) for _ in range(20)])
    spread = f"from {values.min():.1%} to {values.max():.1%} in 20 draws"
    print(f"{name:13} precision at 20: {values.mean():.1%}, {spread}")

# %% [markdown]
# (It is a hard test: of each kind just twenty other pages exist, so a perfect search would have to find them all.)
# When no word works, examples are a way out. But here, too, compare with the pixels before you praise the model.
#
# ## Explore
#
# Search yourself: by text, by a picture of your own, or by a click on a result. On the right side the rival searches
# with the same picture; it cannot read.

# %%
from clipbench_widgets import ImageSearch

app = ImageSearch(clip, collection.subset(range(600)), rival=simclr, top=12)
app.query = "a fox"
app

# %% [markdown]
# ## Exercises
#
# Exercises with checks that help: [exercises/10_image_search](exercises/10_image_search.ipynb).
#
# 1. **Not there.** Search for ten things, five of which are not in the collection. Is there a cosine below which you
#    would say "nothing found"? Look at lesson 02's histograms before you answer.
# 2. **Words and picture.** Make the query `unit(picture + text("a sketch") - text("a photo"))`. Does it find the same
#    object drawn? For which weight of the text?
# 3. **Your own kind of page.** Write a fifth kind (a form, a map, a sheet of music) as a function like those in
#    `clipbench/data/alter/documents.py`. Do its pages find each other?
#
# ## What we did
#
# * We **searched** by words: a product and a sort.
# * We **measured** precision with intervals, beside the best that is possible.
# * We **compared** CLIP with SimCLR and with pixels: the same meaning, and the same picture after four alterations.
# * We **sorted** pages by example, and saw that pixels and an untrained network do it, too.
# * We **explored** a collection in `ImageSearch`.
#
# Next: [11 limits](11_limits.ipynb), what captions never say.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, ICML 2021,
# arXiv 2103.00020, section 3.1.3 and appendices C and E.1. SimCLR: T. Chen et al., *A Simple Framework for
# Contrastive Learning of Visual Representations*, ICML 2020.
