# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 Embedding maps: what a map can say, and what it cannot
#
# A model that knows a thousand kinds of things has to put similar things close together. A map shows that at one
# glance, and this is why every talk about CLIP has one. But a map squeezes more than a hundred dimensions into two.
# What is lost, and how do you notice?
#
# In this notebook we will
#
# * **project** pictures on the plane in which they differ most (PCA), and ask what that plane shows,
# * **unfold** the same pictures with UMAP, from three starts, and compare,
# * **check** maps with a number, with neighbours, and with pure noise,
# * **measure** the gap between pictures and texts, and move it,
# * **explore** a map in a live widget.
#
# It takes about 55 minutes in class, and no training. At each **Predict** write down what you expect before you run
# the cell. The first UMAP of a session compiles itself, which can take a minute.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"
PICTURES = 700

# %%
import clipbench

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)
data = clipbench.open_pictures("scenes:heldout256").subset(range(PICTURES))
features = clipbench.cached_image_features(encoder, data)  # kept on the disk: the app below reads them
print(f"{len(features)} pictures, {features.shape[1]} numbers for each")

# %% [markdown]
# For every picture we know what is in it. We will colour by that, but the model was never told.

# %%
from clipbench.data.world.evaluation_sets import heldout_factors
from clipbench.data.world.factors import COLOURS, STYLES
from clipbench.data.world.sprites import concepts

factors = heldout_factors(tiny=True).rows(slice(PICTURES))
group = [concepts()[number].group for number in factors.concept.tolist()]
style = [STYLES[number] for number in factors.style.tolist()]
colour = [list(COLOURS)[number] for number in factors.colour.tolist()]

# %% [markdown]
# ## The plane of PCA
#
# Principal component analysis finds the two directions in which the points differ most. It is a plain shadow: straight
# lines stay straight, and what is far apart on it is far apart in truth.
#
# **Predict:** how much of all differences does the best plane show: 90%, 50%, 10%?

# %%
from clipbench.evaluate.maps import principal_plane
from clipbench.figures import labelled_map

plane = principal_plane(features)
on_plane = plane.project(features)
share = float(plane.variance.sum())
labelled_map(on_plane, group, f"PCA, coloured by kind: this plane shows {share:.0%} of the differences")

# %% [markdown]
# **Predict:** does this plane separate styles of drawing better than kinds of things?

# %%
labelled_map(on_plane, style, "The same plane, coloured by style: what has no colour lies apart")

# %% [markdown]
# Yes, for two styles: sketches and grey pictures lie apart, while kinds overlap nearly everywhere. The eye is easily
# pleased, so let us ask for a number. Of a picture's fifteen nearest neighbours, in all dimensions, how many share its
# kind, its style, the colour of its background? And of fifteen pictures at random?

# %%
import torch

from clipbench.figures import value_grid


def neighbours_of(points, count=15):
    return torch.cdist(points, points).fill_diagonal_(torch.inf).topk(count, largest=False).indices


def share_alike(neighbours, labels):
    """In %: how many neighbours have the label of the point whose neighbours they are."""
    codes = torch.tensor([sorted(set(labels)).index(label) for label in labels])
    return 100 * float((codes[neighbours] == codes[:, None]).float().mean())


# %%
chosen_by = {"nearest in all dimensions": neighbours_of(features), "nearest on the plane": neighbours_of(on_plane)}
chosen_by["at random"] = torch.randint(PICTURES, (PICTURES, 15), generator=torch.Generator().manual_seed(0))
labelled = {"kind of thing": group, "style": style, "background colour": colour}
table = torch.tensor([[share_alike(near, each) for near in chosen_by.values()] for each in labelled.values()])
kinds, styles = (f"{row[1]:.0f} (at random {row[2]:.0f})" for row in table[:2])
title = f"In %. Neighbours on the plane share their kind: {kinds}, their style: {styles}"
value_grid(table, list(labelled), list(chosen_by), title)

# %% [markdown]
# The left column is what the model finds similar; the right one is luck. The column between is how much of it the plane
# kept: the styles, and little of the kinds. What CLIP was trained for, to find the right caption, brings pictures of a
# kind together. But compare each number with its luck before you call the rest forgotten: in that ratio the
# background's colour is kept about as well as the kind.
#
# ## UMAP
#
# UMAP does not project. It draws a graph of nearest neighbours, and then moves points on paper until neighbours are
# close. Distances between groups, sizes of groups and empty space have little meaning.
#
# **Predict:** will pictures of a kind lie together now?

# %%
from clipbench.evaluate.maps import umap_map

unfolded = umap_map(features, seed=0)
axes = ("no meaning", "no meaning either")
together, flat = (share_alike(neighbours_of(points), group) for points in (unfolded, on_plane))
title = f"UMAP: {together:.0f}% of the neighbours share their kind; on the plane of PCA {flat:.0f}%"
labelled_map(unfolded, group, title, labels=axes)

# %% [markdown]
# Clusters of a kind stand out. But the island holds all kinds at once.
#
# **Predict:** what do the pictures of the island have in common?

# %%
styled = share_alike(neighbours_of(unfolded), style)
title = f"The same map coloured by style: {styled:.0f}% of the neighbours share it; at random {table[1, 2]:.0f}%"
labelled_map(unfolded, style, title, labels=axes)

# %%
from clipbench.figures import picture_map

picture_map(unfolded, data.pictures(range(PICTURES)), "The same map, drawn with the pictures themselves")

# %% [markdown]
# Style: the island is made of sketches and grey pictures, of all that has lost its colour, whatever it shows. (The
# other styles are spread over the mainland: a blurred dog lies with dogs.) Nobody who looked at the first colouring
# alone would have said so. Colour a map by everything you know before you give its islands names.
#
# ### Which of this is a fact?
#
# UMAP starts somewhere and improves. So far it started from the plane of PCA. Now the same data, the same settings, and
# a *random* start, twice.
#
# **Predict:** what will be the same on all three maps: the places, the shapes, the neighbours?

# %%
again = [umap_map(features, seed=seed, start="random") for seed in (0, 1)]
labelled_map(again[0], style, "UMAP from a random start, coloured by style", labels=axes)

# %%
labelled_map(again[1], style, "UMAP from another random start, coloured by style", labels=axes)

# %%
maps = {"UMAP, from PCA": unfolded, "UMAP, random 1": again[0], "UMAP, random 2": again[1]}
for name, points in maps.items():
    near = neighbours_of(points)
    placed = abs(float(torch.corrcoef(torch.stack([points[:, 0], unfolded[:, 0]]))[0, 1]))
    shares = (
        f"{share_alike(near, group):.0f}% of neighbours share their kind, {share_alike(near, style):.0f}% their style"
    )
    print(f"{name}: {shares}; left and right as on the first map: |r| = {placed:.2f}")

# %% [markdown]
# The neighbours are the same: who lies with whom is in the data. The places are not: what was at the left is anywhere,
# and shapes and gaps changed. (From the plane of PCA the places *are* those of PCA, with every seed. That looks like
# evidence, and is the start.) "The cluster at the top" is no fact, "sketches lie with sketches" is one.
#
# ## Can you trust it?
#
# **Trustworthiness** (Venna and Kaski 2001) asks: are neighbours *on the map* neighbours in truth? 1 is perfect, about
# one half is a random map. **Predict** the values of PCA, of the UMAPs, and of random points.

# %%
from clipbench.evaluate.maps import trustworthiness

chaos = torch.rand(len(features), 2, generator=torch.Generator().manual_seed(0))
for name, points in {"PCA": on_plane, **maps, "random points": chaos}.items():
    print(f"{name:14} {trustworthiness(features, points):.3f}")

# %% [markdown]
# UMAP keeps neighbours, PCA keeps large distances. Neither keeps all. Here is one picture with its six nearest in
# all dimensions, and its six nearest on each map.

# %%
from clipbench.figures import BLUE, ORANGE, contact_sheet


def nearest(points, row, count=6):
    return (points - points[row]).norm(dim=1).argsort()[1 : count + 1].tolist()


# %%
row = group.index("Animals & Nature")
truth = nearest(features, row)
shown = [row, *truth, row, *nearest(on_plane, row), row, *nearest(unfolded, row)]

# %%
names = [data.class_names[label] for label in data.labels[shown].tolist()]
ink = ["black" if i == row else BLUE if i in truth else ORANGE for i in shown]
title = "In all dimensions, on the plane of PCA, on the map of UMAP; blue are true neighbours"
contact_sheet(data.pictures(shown), names, title, columns=7, colours=ink)

# %% [markdown]
# Orange pictures are neighbours on paper only. Whenever you use a map to *find* something, look it up in the full
# space. (Our widget does: its search lights up true neighbours, and draws them where the map has put them.)
#
# ### A map of nothing
#
# **Predict:** what does UMAP draw for points that have no structure at all, random directions? We take as many points
# in as many dimensions as above, and the same settings: only then is it a fair comparison.

# %%
noise = torch.randn(features.shape, generator=torch.Generator().manual_seed(1))
of_noise = umap_map(noise, seed=0)
fake = [f"fake {number}" for number in (of_noise[:, 0] > of_noise[:, 0].median()).long().tolist()]
real, none = trustworthiness(features, unfolded), trustworthiness(noise, of_noise)
title = f"UMAP of noise, coloured by left and right; trustworthiness {none:.2f}, of the pictures {real:.2f}"
labelled_map(of_noise, fake, title, labels=axes)

# %%
tight = umap_map(noise, neighbours=5, min_distance=0.0)
title = f"The same noise, 5 neighbours, packed tightly; trustworthiness {trustworthiness(noise, tight):.2f}"
labelled_map(tight, fake, title, labels=axes)

# %% [markdown]
# On the first map the colours seem to confirm two groups, because we coloured *by the map*. On the second the same two
# "groups" are mixed, and now there are clumps and threads: UMAP always draws something. No threshold of trustworthiness
# says "real". What helps is this comparison, with noise of the same shape and the same settings: above it lies what the
# data have.
#
# ## Pictures and texts: the modality gap
#
# Both encoders write into one space. Do pictures and texts mix there? **Predict:** one cloud or two?

# %%
texts = [f"a photo of a {data.class_names[label]}" for label in data.labels.tolist()]
text_features = encoder.encode_text(texts)
both = torch.cat([features, text_features])
joint = principal_plane(both).project(both)
is_text = [False] * len(features) + [True] * len(texts)
modality = ["text" if each else "picture" for each in is_text]
labelled_map(joint, modality, "Pictures (circles) and their captions (squares), PCA", texts=is_text)

# %%
from clipbench.evaluate.modality_gap import modality_gap


def in_words(found):
    alike = f"cosine of two pictures {found['image_image']:.2f}, of two texts {found['text_text']:.2f}"
    return f"gap {found['gap']:.2f}; {alike}"


trained = modality_gap(features, text_features)
print(in_words(trained))

# %% [markdown]
# Two. The gap is the distance between the two means, on a sphere of radius 1. For a released CLIP Liang et al. (2022)
# found 0.82: two cones, far apart. Why is it there? **Predict** the gap of a model that was never trained.

# %%
from clipbench import CLIP, ClipbenchEncoder
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer
from clipbench.training.presets import find_preset

preset = find_preset("tiny" if SCALE == "tiny" else "classroom")
torch.manual_seed(0)
settings = world_tokenizer(), Preprocess(preset.model.image_size)
untrained = ClipbenchEncoder(CLIP(preset.model), *settings, "untrained")

# %%
some = data.subset(range(200))
before = modality_gap(clipbench.image_features(untrained, some), untrained.encode_text(texts[:200]))
print(in_words(before))
print(f"training has closed {1 - trained['gap'] / before['gap']:.0%} of the gap")

# %% [markdown]
# Before training, any two pictures are nearly equal to such a network, and so are any two texts: two narrow cones in
# two random directions. The gap is there from the start. Training spreads the cones and pulls own pairs together, which
# closes a part of it. Has it a reason to close the rest?
#
# ### Does the gap matter?
#
# We move both clouds along the line between their means: closer together (to the right) or further apart.
#
# **Predict:** is the loss lowest where the gap is closed?

# %%
from clipbench.evaluate.modality_gap import gap_landscape
from clipbench.figures import line_chart

one_each = torch.tensor([texts.index(text) for text in dict.fromkeys(texts)])  # no caption twice
shares = [-0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0]
moved = gap_landscape(features[one_each], text_features[one_each], encoder.scale, shares)
best = min(moved, key=lambda each: each["loss"])
title = f"The loss is lowest at a shift of {best['share']:g}, where the gap is {best['gap']:.2f}"
losses = {"loss": [each["loss"] for each in moved]}
line_chart(shares, losses, title, "shift (0: as trained, 0.5: means meet)", "loss in nats")

# %%
for each in moved:
    print(f"shift {each['share']:5.2f}  gap {each['gap']:.2f}  captions found {each['image_to_text']:.1%}")

# %% [markdown]
# No: closing the gap does not help, the model has adapted to it, and both directions cost a little. Even where
# the two clouds lie on top of each other, most captions are still found: what counts is the order *within* each cloud.
#
# ### What the gap is made of
#
# Two clouds can differ by their *means*, or in another way. So we take each cloud's own mean out, and ask four things:
# how far apart the means are; how often the nearest neighbour that shows another thing is of one's own kind, picture or
# text (0.50: mixed); how many captions are found; and how well clusters of pictures and texts *together* agree with
# what they show (k-means; adjusted Rand index: 1 is perfect, 0 is chance). The control moves each cloud as far, in a
# random direction.
#
# **Predict:** once the means are gone, are pictures and texts mixed? What happens to search, and what to clusters?

# %%
from clipbench.evaluate.modality_gap import parts_of_gap

parts = parts_of_gap(features, text_features, data.labels)
fresh = clipbench.image_features(untrained, some), untrained.encode_text(texts[:200])
of_fresh = parts_of_gap(*fresh, some.labels)
parts |= {f"untrained, {name}": of_fresh[name] for name in ("as it is", "means taken out")}

# %%
asked = ["gap", "own kind", "image to text", "clusters"]
print(f"{'':28}" + "".join(f"{name:>15}" for name in asked))
for name, row in parts.items():
    print(f"{name:28}" + "".join(f"{row[each]:15.2f}" for each in asked))

# %% [markdown]
# Without the means no straight cut parts the two clouds any more. They are still not mixed: something is left, in other
# directions, and neighbours see it. A search hardly notices either part. But clusters do: before, a cluster holds
# pictures or texts, seldom both; after, it holds more of what belongs together. As far in a random direction does not
# do it, and where nothing was learned there is nothing to bring together.
#
# So whether the gap matters depends on what you do. Who only asks pictures with texts may leave it. Who compares
# picture-picture cosines with picture-text cosines, or groups both kinds, uses two different scales: such a search
# returns one kind only, and such clusters are of one kind. Take the means out first; it costs two lines.
#
# ## Explore
#
# Your turn. Colour by any factor, ask with a text, draw a lasso, move the gap, and look at the trustworthiness that
# stands beside the map.

# %%
from clipbench_widgets import EmbeddingMap

EmbeddingMap(encoder, data)

# %% [markdown]
# <details><summary>What the app looks like</summary>
#
# ![A map of pictures coloured by kind, with its trustworthiness](../docs/embedding_map.png)
#
# </details>
#
# ## Exercises
#
# Exercises with checks that help: [exercises/05_embedding_maps](exercises/05_embedding_maps.ipynb).
#
# 1. **Which dimension is style?** Compute `principal_plane` for the pictures of a single kind. Does its plane show
#    style better than the first one did? Why?
# 2. **Honest clusters.** Find two groups that are separate on both UMAP maps, and check with `share_alike` whether
#    they are separate in all dimensions.
# 3. **A map of words.** Draw the PCA map of `encoder.encode_text(data.class_names)`. Which kinds are separate in
#    words and not in pictures?
#
# ## What we did
#
# * We **projected** on the best plane, and saw how little of the differences it holds.
# * We **unfolded** with UMAP, and saw what changes between two runs.
# * We **checked** maps by trustworthiness, by true neighbours, and against noise.
# * We **measured** the modality gap, and moved it: closing it helps no search, and it helps clusters.
# * We **explored** a map in `EmbeddingMap`.
#
# Next: [06 zero-shot and linear probe](06_zero_shot_and_probe.ipynb), where a few labels join the words.
#
# UMAP: L. McInnes et al. 2018, arXiv 1802.03426. Why it can start from PCA: D. Kobak and G. Linderman, *Nature
# Biotechnology* 2021. The modality gap: W. Liang et al., *Mind the Gap*, NeurIPS 2022.
