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
# technical drawings among the papers of an office, and then those of one firm. How good is a search engine made of
# CLIP and one matrix product? And what would a model find that never saw a caption?
#
# In this notebook we will
#
# * **search** pictures by words, with five lines of code,
# * **measure** precision with its interval, and see what it can reach at best,
# * **compare** CLIP with SimCLR: two answers to the question what "similar" means,
# * **sort** document pages, and look for the drawings of one firm,
# * **explore** a collection in a live widget.
#
# It takes about 60 minutes in class. At each **Predict** write down what you expect before you run the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"
RETRAIN = False  # True trains SimCLR anew on 150,016 pictures: about 11 minutes on one free core
STEPS = 60  # of SimCLR on drawings, trained here twice

# %%
import torch

import clipbench

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)

# %% [markdown]
# ## An index is one vector for each picture
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
# Not twelve, for there are not so many: the title counts them. Blue is right. Look at the orange ones: are they
# *arbitrary*? And note that the search never says "there are no more": it always fills the page. The library does the
# same in blocks, so that a million pictures need no more memory.

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
# ## Precision has to fall, recall has to rise
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
# ### A wish is answered, whether it can be fulfilled or not
#
# A search by words can ask for what no label holds. **Predict** which of these work.

# %%
wishes = ["a sketch", "a red background", "something to eat", "two cats"]
best = search(encoder.encode_text(wishes), 3)
pictures = [picture for rows in best for picture in collection.pictures(rows.tolist())]
captions = [f"“{wish}”" for wish in wishes for _ in range(3)]
contact_sheet(pictures, captions, "Four wishes, the first three of each", width=6.6)

# %% [markdown]
# Sketches and backgrounds work: captions of the training named both. The other two do not. Look at "two cats": every
# scene of this collection shows a single object. The search gives the best it has, and says nothing. And is what
# "something to eat" finds any food? Nobody ever captioned a tiger so, but some picture always has the highest cosine.
#
# ## By example, each model finds what its training called equal
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
# ### The same meaning, or the same picture
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
from clipbench.figures import accuracy_bars, accuracy_dots

semantic = {name: with_interval(same_concept(each)) for name, each in features.items()}
chance = float((existing[collection.labels] - 1).float().mean() / 1499)
accuracy_bars(semantic, chance, what="same concept among the five nearest")

# %% [markdown]
# CLIP wins the first by far: captions told it which pictures show the same. SimCLR was never told. For the second
# question it matters *how* a picture is altered. SimCLR was trained to see through crops, mirrors and other colours;
# asked with those, it answers its own training question. So we take four alterations that nobody was trained on, as
# well as its own.

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
# ## In the office, most of it is done without any model
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
accuracy_dots(bars_of_ways, [0.25, 0.25, 1 / len(pages)], "Right: " + "; ".join(shares))

# %% [markdown]
# Words fail: for a kind of page they are hardly better than a guess. (Chance is a quarter for the first two, and a
# hundredth for the third. Words are four queries only; their interval
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
title = f"In %. Untrained: {table[2, 0]:.0f}, pixels: {table[3, 0]:.0f}"
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
# ### Five examples say what no word says
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
# ## Drawings of one firm: what the views declare equal is lost
#
# Now the question of an archive. It holds drawings of many firms; show me more from the firm that sent *this* one. Each
# firm has its frame, title block and mark, and all firms draw the same parts. Every sheet was scanned a little askew.

# %%
from clipbench.data.alter.firms import firm_drawings

drawings = firm_drawings(firms=20, each=8)
title = "Two sheets each of six firms: the firm is in frame, title block and mark"
shown = [8 * firm + k for firm in range(6) for k in (0, 1)]
contact_sheet(drawings.pictures(shown), [drawings.ids[row].split(",")[0] for row in shown], title)

# %% [markdown]
# No caption names a firm, so words are out. But SimCLR needs no captions: it can be trained further on the archive
# itself, here on 800 sheets of 200 *other* firms. It asks which two views belong to one sheet, and we choose the views:
# its own (crops, mirrors, other light), or views like those of a scanner (a little turned, moved, lighter).

# %%
archive = firm_drawings(firms=200, each=2 if SCALE == "tiny" else 4, first=1_000)
of_archive = clip.preprocess(archive.pictures(range(len(archive))))


def scanned_again(images):
    """Each picture turned by 3 degrees at most, moved by a fortieth, lighter or darker."""
    angle, move = torch.empty(len(images)).uniform_(-0.06, 0.06), torch.empty(2, len(images)).uniform_(-0.05, 0.05)
    rows = torch.stack([angle.cos(), -angle.sin(), move[0], angle.sin(), angle.cos(), move[1]], 1)
    grid = torch.nn.functional.affine_grid(rows.view(-1, 2, 3), list(images.shape), align_corners=False)
    moved = torch.nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return moved + torch.empty(len(images), 1, 1, 1).uniform_(-0.5, 0.5)


# %%
import copy

from clipbench.objectives.simclr import TEMPERATURE, nt_xent_loss
from clipbench.training.optimisers import make_optimizers
from clipbench.training.recipe import TrainConfig, learning_rate_factor


def learn(optimizers, progress):
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * learning_rate_factor(progress, warmup=0.06)
        optimizer.step()


# %%
def trained_on_the_archive(view):
    torch.manual_seed(0)
    pupil = copy.deepcopy(simclr.objective).requires_grad_(True).train()
    optimizers = make_optimizers(pupil.clip, TrainConfig(pairs=1), pupil)
    for step in range(STEPS):
        sheets = of_archive[torch.randint(len(archive), (64,))]
        towers = pupil.clip.image_encoder(torch.cat([view(sheets), view(sheets)]))
        loss = nt_xent_loss(*unit(pupil.projection(towers)).chunk(2), 1 / TEMPERATURE)
        pupil.zero_grad()
        loss.backward()
        learn(optimizers, step / STEPS)
    return in_parts(lambda images: unit(pupil.eval().clip.image_encoder(images))), loss.item()


# %%
pupils = {"its own views": trained_on_the_archive(random_view)}
pupils["views like scans"] = trained_on_the_archive(scanned_again)
for name, (_, loss) in pupils.items():
    print(f"{name:17} loss {loss:.2f} after {STEPS * 64:,} sheets; knowing nothing is ln 127 = 4.84")

# %% [markdown]
# **Predict** an order, by the share of the five nearest that are of the same firm (chance is 1 in 23): our CLIP, SimCLR
# from scenes, the same after each of the two trainings, an untrained network, pixels.


# %%
def of_one_firm(encode):
    """(M,) for each drawing, the share of its five nearest that are by the same firm."""
    each = encode(drawings.pictures(range(len(drawings))))
    near = (each @ each.T).fill_diagonal_(-2).topk(5).indices
    return (drawings.labels[near] == drawings.labels[:, None]).float().mean(1)


def on_pixels(encode):
    return lambda pictures: encode(clip.preprocess(pictures))


# %%
rivals["SimCLR from scenes"] = rivals.pop("SimCLR")
rivals |= {f"archive, {name}": on_pixels(encode) for name, (encode, _) in pupils.items()}
with torch.no_grad():
    by_firm = {name: with_interval(of_one_firm(encode)) for name, encode in rivals.items()}

# %%
ends = [by_firm[name]["top1"] for name in ("SimCLR from scenes", "archive, its own views", "archive, views like scans")]
title = "SimCLR on one firm: {:.0%}; trained on the archive by its own views {:.0%}, by scans {:.0%}".format(*ends)
accuracy_bars(by_firm, 7 / 159, title, what="same firm among the five nearest")

# %% [markdown]
# (Intervals are of the 160 drawings; one training each.) Why does training on the very archive make it *worse*? Its
# own views are crops and mirrors, so it is told that it does not matter where on the sheet a title block stands, and
# that is half of what a firm is. The loss falls all the same: it learned to recognise *sheets*, by their parts. With
# views like scans the place stays, but so does the part, and nothing tells it which of the two is asked for. CLIP was
# never told either. And thumbnails beat every model: their light taken out, sheets of one firm *are* nearly the same
# picture. What a model finds similar was decided by its training, by captions or by views. Before you train on your
# own archive, write down what your views declare to be equal, and ask the pixels first.
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
# (Without a running kernel, as on GitHub, the app is not shown. It looks like
# [this picture](../docs/image_search.png).)
#
# ## Exercises
#
# Exercises with checks that help: [exercises/10_image_search](exercises/10_image_search.ipynb).
#
# 1. **Not there.** Search for ten things, five of which are not in the collection. Is there a cosine below which you
#    would say "nothing found"? (Hint: two histograms, as in lesson 02, of the best cosine of each search.)
# 2. **Words and picture.** Make the query `unit(picture + text("a sketch") - text("a photo"))`. Does it find the same
#    object drawn? For which weight of the text? (Hint: try weights from 0 to 2, and count both object and style.)
# 3. **Your own kind of page.** Write a fifth kind (a form, a map, a sheet of music) as a function like those in
#    `clipbench/data/alter/documents.py`. Do its pages find each other?
#
# ## What we did
#
# * We **searched** by words: a product and a sort.
# * We **measured** precision with intervals, beside the best that is possible.
# * We **compared** CLIP with SimCLR and with pixels: the same meaning, and the same picture after four alterations.
# * We **sorted** pages by example, as pixels do, too, and saw views decide what a model finds similar.
# * We **explored** a collection in `ImageSearch`.
#
# Next: [11 limits](11_limits.ipynb), what captions never say.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, ICML 2021,
# arXiv 2103.00020, section 3.1.3 and appendices C and E.1. SimCLR: T. Chen et al., *A Simple Framework for
# Contrastive Learning of Visual Representations*, ICML 2020.
