# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 The similarity matrix: good on the diagonal, bad beside it
#
# Everything that CLIP learns, and most of what goes wrong with it, can be seen in one table of numbers:
# every picture of a batch against every caption. What does it look like when all is well, and what when
# something is wrong? If you can read this table, you can debug such a model.
#
# In this notebook we will
#
# * **read** a matrix, along its rows and along its columns,
# * **split** the loss into goodness on the diagonal and badness beside it, and see where its gradient goes,
# * **measure** how many rivals exceed a cosine of 0.3, and why the learned scale has the value it has,
# * **spoil** a batch in three ways, and recognise each by its matrix,
# * **explore** a matrix in a live widget.
#
# It takes about 70 minutes in class, and no training. You should know softmax and cross-entropy (lesson 01). At each
# **Predict** write down what you expect before you run the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
import torch

import clipbench

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)

# %% [markdown]
# ## Two by two, by hand
#
# The smallest batch: two pictures, two captions. As in the paper, **pictures are rows and captions are columns**, and
# the two pairs stand on the diagonal. Take the cosines 0.5 and 0.2 in the first row, 0.4 and 0.6 in the second, and a
# scale of 10.
#
# **Predict:** picture 2 prefers its own caption by 0.2. How probable is it?

# %%
small = torch.tensor([[0.5, 0.2], [0.4, 0.6]])
by_row, by_column = (10 * small).softmax(dim=1), (10 * small).softmax(dim=0)
for pair in range(2):
    print(f"pair {pair + 1}: the picture finds its caption with {by_row[pair, pair]:.0%},", end=" ")
    print(f"the caption its picture with {by_column[pair, pair]:.0%}")

# %% [markdown]
# 88%: a lead of 0.2 times the scale of 10 is 2, and $e^2$ to 1 is 88%. The same cell has 98% when its *caption*
# chooses, because that race has another rival. Now a batch that is worth looking at.
#
# ## One batch, one matrix
#
# Eight pictures and eight captions. We arranged them by hand, so that some are easily confused.

# %%
from clipbench.data.world.staged import Staged, stage

batch = {
    "a photo of a lion": Staged(("lion",), "green"),
    "a mammal": Staged(("raccoon",), "pink"),
    "one cat": Staged(("cat",), "turquoise"),
    "two cats": Staged(("cat", "cat"), "yellow"),
    "a cat and a dog": Staged(("cat", "dog"), "orange"),
    "a sketch of a dog": Staged(("dog",), "white", style="sketch"),
    "a red background": Staged(("pizza",), "red"),
    "a rocket": Staged(("rocket",), "black"),
}
captions, pictures = list(batch), stage(list(batch.values()))


# %%
def matrix(pictures, captions):
    """Cosines: one row for each picture, one column for each caption."""
    image_features = encoder.encode_image(encoder.preprocess(pictures))
    return image_features @ encoder.encode_text(captions).T


# %% [markdown]
# **Predict:** which caption fits several of these pictures? Which two pictures will be hardest to tell apart?

# %%
from clipbench.figures import similarity_heatmap

cosines = matrix(pictures, captions)
similarity_heatmap(cosines, pictures, captions)

# %% [markdown]
# Blue is similar, red is opposite, white is unrelated. Frames mark what belongs together. Good: the diagonal is dark.
# Bad: some cells beside it are dark too.

# %%
rivals = cosines.masked_fill(torch.eye(len(cosines), dtype=torch.bool), -1)
fits = (cosines > 0.2).sum(0)
row, column = divmod(int(rivals.argmax()), len(captions))
print(f"fits most pictures (cosine above 0.2): “{captions[int(fits.argmax())]}”, {int(fits.max())} of 8")
print(f"darkest outside: the picture of “{captions[row]}” with “{captions[column]}”, {rivals.max():.2f}")

# %% [markdown]
# The vague caption fits many pictures. And the hardest two are those that differ in a number only: a caption "one cat"
# is hardly wrong about two cats, and few captions count. Ask of every dark cell outside of the frames: is its caption
# *wrong* about that picture, or only not its own? Nobody told the model which true caption somebody wrote.
#
# ## Two questions for one table
#
# Along a **row** a picture looks for its caption. Along a **column** a caption looks for its picture. These are
# different races with different rivals. A softmax over *scale × cosine* turns each race into probabilities: along the
# rows they sum to 1 for each picture, along the columns for each caption.
#
# **Predict:** can a picture find its caption, although this caption prefers another picture?

# %%
logits = encoder.scale * cosines
of_captions = (logits.argmax(0) == torch.arange(8)).sum()
title = (
    f"Each picture looks for its caption (rows sum to 1): {(logits.argmax(1) == torch.arange(8)).sum()} of 8 find it"
)
similarity_heatmap(logits.softmax(dim=1), pictures, captions, title, what="probability")

# %%
from clipbench.figures import ranked_bars

vague = captions.index("a mammal")
column = logits.softmax(dim=0)[:, vague]
bars = {f"the picture of “{caption}”": (share,) for caption, share in zip(captions, column.tolist(), strict=True)}
title = f"One column: “a mammal” gives {column[vague]:.0%} to its own picture, {column.max():.0%} to another"
notes = {name: f"{share:.0%}" for name, (share,) in bars.items()}
ranked_bars(bars, title, "probability of each picture for this caption", notes=notes)

# %%
one_way = (logits.argmax(1) == torch.arange(8)) & (logits.argmax(0) != torch.arange(8))
print(f"{of_captions} of 8 captions find their picture; found by it, but they prefer another one:", end=" ")
print([captions[i] for i in one_way.nonzero()[:, 0]])

# %% [markdown]
# Yes, it can. A vague caption such as "a mammal" is the best one for its own picture, because nothing else says
# "raccoon". But it describes other pictures as well, so its column is lost: it is a *hub*, near to many. That is why
# the loss asks both questions and takes their mean. Because it treats pictures and captions alike, it is called
# **symmetric**. And it is why search (text to picture) and classification (picture to text) can differ in accuracy.
#
# ## Goodness and badness
#
# The loss of one race is *−ln* of the probability of the right cell. Write the softmax out, and it falls into
# two parts:
#
# $$-\ln\frac{e^{s_{ii}}}{\sum_j e^{s_{ij}}} \;=\; \underbrace{-\,s_{ii}}_{\text{goodness on the diagonal}} \;+\;
# \underbrace{\ln\textstyle\sum_j e^{s_{ij}}}_{\text{badness of the whole row}}$$
#
# The first part wants the diagonal high. The second wants everything low, and the highest cells most of all.
#
# **Predict:** which of the two parts is larger, for a trained model?


# %%
def goodness_and_badness(logits):
    goodness = logits.diagonal().mean()
    badness = (logits.logsumexp(dim=0).mean() + logits.logsumexp(dim=1).mean()) / 2
    return goodness, badness


goodness, badness = goodness_and_badness(logits)
print(f"loss = badness {badness:.3f} - goodness {goodness:.3f} = {badness - goodness:.3f}")

# %% [markdown]
# The badness, but only just; the loss is the small difference. It can never be smaller than the goodness, because the
# diagonal is a part of its sum. We check against the library.

# %%
image_features = encoder.encode_image(encoder.preprocess(pictures))
text_features = encoder.encode_text(captions)
library = clipbench.clip_loss(image_features, text_features, encoder.scale)
torch.testing.assert_close(badness - goodness, library)
print(f"clip_loss agrees: {library:.3f}")

# %% [markdown]
# ### The gradient of every cell
#
# Training moves every cell a little in the direction that lowers the loss. That direction is the negative gradient.
# **Predict** its sign on the diagonal and beside it. Which cells beside the diagonal get most of it, and which hardly
# any?

# %%
cells = logits.clone().requires_grad_()
good, bad = goodness_and_badness(cells)
(bad - good).backward()
upwards = -len(cells) * cells.grad
up = upwards.diagonal().sum()
largest = upwards.abs().flatten().topk(8).values.sum() / upwards.abs().sum()
title = f"Up (blue) {up:.2f} in all, down (red) {upwards.sum() - up:.2f}; 8 of 64 cells get {largest:.0%} of it"
similarity_heatmap(upwards, pictures, captions, title, what="negative gradient, times N")

# %% [markdown]
# Up on the diagonal, down beside it, and both sum to zero. A pair that is right and sure is left alone: its row is
# almost white. Nearly all of the gradient goes to the pairs that are confused, and to the rival that confuses them.
# Nobody chose these "hard negatives"; the softmax did.
#
# The closed form takes two lines. The derivative of *ln Σ exp(s)* with respect to one cell is the softmax of that cell,
# and that of the diagonal term is −1 on the diagonal. So each race contributes *P − I* or *Q − I*, with *P* the softmax
# along the rows and *Q* along the columns; the mean over 2*N* races is *(P + Q − 2·I)/(2N)*.

# %%
P, Q, N = logits.softmax(dim=1), logits.softmax(dim=0), len(logits)
torch.testing.assert_close(cells.grad, (P + Q - 2 * torch.eye(N)) / (2 * N))
f"autograd and the closed form agree in all {N * N} cells"

# %% [markdown]
# ## Is 0.3 a high cosine?
#
# It depends on what unrelated pairs have. We take 256 pairs as training would draw them, but from a seed of their own:
# 256 cosines of matching pairs, and more than 65,000 of mismatched ones.
#
# **Predict:** where is the middle of each group? Do they overlap?

# %%
from clipbench.data.streams import ScenePairs
from clipbench.figures import histograms, to_pictures

world = ScenePairs(seed=990_002, tiny=SCALE == "tiny")  # a seed that no training used
many = world(start=0, count=256)
big = matrix(to_pictures(many.images), many.captions)
own = big.diagonal()
others = big[~torch.eye(len(big), dtype=torch.bool)]
overlap = (others > own.quantile(0.1)).float().mean()
title = f"Own captions {own.mean():.2f} on average, others {others.mean():.2f}; overlap {overlap:.1%}"
histograms({"own caption": own.tolist(), "another's caption": others.tolist()}, title, "cosine similarity")

# %%
above = (others > 0.3).float().mean()
print(f"{above:.1%} of the unrelated pairs are above 0.3: about {255 * above:.0f} rivals for each picture")

# %% [markdown]
# You may have said 1 for the own captions. No: the loss asks for *higher than the others*, never for 1. The others lie
# around 0, and the two groups overlap a little (in the title: the share of mismatched pairs that exceed the lowest
# tenth of the own ones). A cosine means nothing without this picture. In 500 saved pairs of a released ViT-B/16 true
# pairs have 0.31 on average, and mismatched ones 0.16 (counted from the data of Liang et al. 2022); ours spread wider.
# So a threshold such as "0.25 is a match" never carries over from one model to another. And a small share of a very
# large number is still many rivals.
#
# ## More rivals
#
# **Predict:** what share of the pictures finds its caption among 2, 16 and 256? Chance is 1/2, 1/16, 1/256.

# %%
from clipbench.figures import line_chart


def diagonal_accuracy(cosines, dim):
    """Share of rows (dim=1) or columns (dim=0) whose largest cell is on the diagonal."""
    return float((cosines.argmax(dim) == torch.arange(len(cosines))).float().mean())


def mean_over_blocks(n, dim):
    blocks = [big[i : i + n, i : i + n] for i in range(0, len(big), n)]
    return 100 * sum(diagonal_accuracy(block, dim) for block in blocks) / len(blocks)


# %%
sizes = [2, 4, 8, 16, 32, 64, 128, 256]
picture_right = [mean_over_blocks(n, 1) for n in sizes]
caption_right = [mean_over_blocks(n, 0) for n in sizes]
lines = {"pictures find their caption": picture_right, "captions find their picture": caption_right}
lines["chance"] = [100 / n for n in sizes]
title = f"Among {sizes[-1]} candidates {picture_right[-1]:.0f}% of the pictures find their caption"
line_chart(sizes, lines, title, "candidates", "right in %", logarithmic=True, ylim=(0, 103))

# %%
for n in (2, 16, 256):
    print(f"among {n:3}: {picture_right[sizes.index(n)]:5.1f}%, chance {100 / n:.1f}%")

# %% [markdown]
# The same model, the same pairs, another number of rivals. So an accuracy "in the batch" says nothing without the size
# of the batch, and neither does a loss. The paper trained with 32,768 pairs at once. "Many rivals make hard questions"
# is one reason that is often given; the paper gives none (section 2.5), and lesson 08 tests it.
#
# ## The scale
#
# The model learned its scale, which is one over the temperature τ. It changes no ranking: multiply all cosines by 1 or
# by 200, and the same cell wins.
#
# **Predict:** then why learn it? What happens to the loss when the scale is far too small, or far too large?

# %%
import torch.nn.functional as F


def loss_at(scale):
    target = torch.arange(len(big))
    return float(F.cross_entropy(scale * big, target) + F.cross_entropy(scale * big.T, target)) / 2


scales = [1, 2, 5, 10, 20, 30, 40, 60, 100, 200]
losses = [loss_at(scale) for scale in scales]
fine = range(1, 201)
best = min(fine, key=loss_at)
title = f"Lowest at {best}; the model learned {encoder.scale:.1f}"
marks = {f"learned, {encoder.scale:.1f}": encoder.scale}
line_chart(scales, {"loss": losses}, title, "scale", "contrastive loss in nats", logarithmic=True, marks=marks)

# %% [markdown]
# With a small scale even a perfect matrix gives nearly equal probabilities, and a loss near *ln N*. With a large one
# every mistake is made with great confidence, and costs dearly. The best scale says how far the cosines can be trusted,
# and the value that the model learned in training is nearly the best one for pictures it never saw. (The paper starts
# at 1/0.07 = 14.3 and allows at most 100. Its table 18 calls that limit "maximum temperature"; it is the largest
# multiplier, so the *smallest* temperature, 0.01.)
#
# ## Three spoiled batches
#
# Matrices are the stethoscope of contrastive training. Each illness has its sound.
#
# ### 1. The same caption twice
#
# Four captions, two pictures for each. **Predict** the matrix, and the lowest loss that any model could reach
# on such a batch.

# %%
animals = ["cat", "dog", "lion", "panda"]
scenes = [Staged((name,), "green") for name in animals] + [Staged((name,), "pink") for name in animals]
twice = [f"a photo of a {name}" for name in animals] * 2
similarity_heatmap(matrix(stage(scenes), twice), stage(scenes), twice)

# %% [markdown]
# Three diagonals instead of one, and *ln 2* = 0.69 as the lowest loss. Both captions of a kind are equal, so no model
# can prefer one: the best that it can give each is one half, and the loss can never fall below *ln 2*.

# %%
perfect = torch.eye(4).repeat(2, 1)  # features of a model that knows the four animals without any doubt
for scale in (1.0, 10.0, 100.0):
    print(f"scale {scale:5.0f}: loss {clipbench.clip_loss(perfect, perfect, scale):.4f}")
print(f"ln 2 =      {torch.tensor(2.0).log():18.4f}")

# %% [markdown]
# Equal captions only waste a comparison. Worse are captions that *differ* and are both right, such as "a mammal" and "a
# raccoon" in one batch: the loss pushes a true caption away from a picture that it fits. These are called false
# negatives. As a share of all cells they are rare, but a batch of 32,768 has a billion cells, and captions such as "my
# dog" repeat; with a small set of classes they are everywhere. (`clip_loss` takes `groups`, to say which pairs belong
# together.)
#
# ### 2. Out of step
#
# Somebody's loader skipped one unreadable picture, and forgot to skip its caption. **Predict** the matrix.

# %%
names = ["cat", "pizza", "rocket", "lion", "guitar", "bus", "owl"]
kept = stage([Staged((name,)) for name in names if name != "lion"])  # the lion's file was broken
labels = [f"a photo of a {name}" for name in names][: len(kept)]
similarity_heatmap(matrix(kept, labels), kept, labels)

# %% [markdown]
# The diagonal is right up to the gap, then it continues one column to the right. In training, every pair after the gap
# teaches nonsense, and the loss of those batches stays near *ln N* (lesson 01 shows it). If you see a second diagonal,
# stop the training and look at your loader.
#
# ### 3. Only hard negatives
#
# Two animals, in every order, number and place. **Predict** which pictures will find their caption.

# %%
hard = {
    "one cat": Staged(("cat",)),
    "one dog": Staged(("dog",)),
    "two cats": Staged(("cat", "cat")),
    "two dogs": Staged(("dog", "dog")),
    "a cat to the left of a dog": Staged(("cat", "dog")),
    "a dog to the left of a cat": Staged(("dog", "cat")),
    "a cat above a dog": Staged(("cat", "dog"), layout="vertical"),
    "a dog above a cat": Staged(("dog", "cat"), layout="vertical"),
}
hard_pictures, hard_captions = stage(list(hard.values())), list(hard)
similarity_heatmap(matrix(hard_pictures, hard_captions), hard_pictures, hard_captions)

# %% [markdown]
# The title counts them. Blocks of similar colour mean: the model knows what these pictures have in common, and hardly
# what separates them. In a batch of random pairs two such captions almost never meet, so nothing ever asks the model
# to tell them apart. What it was never asked, it did not learn well. (Lesson 11 measures order, number and place on
# hundreds of scenes; one matrix proves nothing.)
#
# ### Three people, sixteen portraits
#
# Matrices also compare pictures with pictures. A demonstration that is often shown: portraits of a few people, and CLIP
# tells who is who. We draw sixteen portraits of three people, in six styles, and ask twice. By words: which of the
# three descriptions fits best? By pictures: who is on the *nearest other portrait*?
#
# **Predict:** which of the two finds more people?

# %%
from clipbench.figures import BLUE, ORANGE, contact_sheet

people = ["man", "woman", "person with a beard"]
looks = {"photo": "green", "blurry": "pink", "sketch": "white", "painting": "yellow", "grayscale": "blue"}
looks["pixelated"] = "red"
portraits = [Staged((name,), colour, style=style) for style, colour in looks.items() for name in people][:16]
drawn = stage(portraits)
who = torch.tensor([people.index(portrait.objects[0]) for portrait in portraits])

# %%
faces = encoder.encode_image(encoder.preprocess(drawn))
by_words = (faces @ encoder.encode_text(people).T).argmax(dim=1)
nearest = (faces @ faces.T).fill_diagonal_(-1).argmax(dim=1)
right = by_words == who
title = f"By words {int(right.sum())} of 16 people are found (chance 5); the nearest portrait shows the same one for "
title += f"{int((who[nearest] == who).sum())}"
said = [people[answer] for answer in by_words.tolist()]
contact_sheet(drawn, said, title, columns=8, colours=[BLUE if good else ORANGE for good in right])

# %%
same_style = [portraits[i].style == portraits[j].style for i, j in enumerate(nearest.tolist())]
pixels = torch.stack([encoder.square(picture) for picture in drawn]).flatten(1).float()
by_pixels = torch.cdist(pixels, pixels).fill_diagonal_(torch.inf).argmin(dim=1)
print(f"the nearest portrait has the same style for {sum(same_style)} of 16; by chance 2")
print(f"nearest by raw pixels, without any model: the same person for {int((who[by_pixels] == who).sum())} of 16")

# %% [markdown]
# The words win by far, because they *say what counts*: a description names the person, and every style is equally far
# from it. The nearest portrait is near in everything at once, and here that is mostly style and background, as it is
# for raw pixels. "CLIP can tell people apart" is true of one question and false of the other. (These people are drawn.
# To name real ones by their faces is a use that the paper warns of, section 7.)
#
# ## Explore
#
# The same as a widget. (To leave room for long captions it lays the table on its side: there captions are rows.) Click
# a cell to see its pair. Switch between cosines and the two softmaxes, change the scale, and sort what is alike
# together. Write your own captions, or bring your own pictures.

# %%
from clipbench_widgets import SimilarityMatrix

SimilarityMatrix(encoder, pictures=list(zip(captions, pictures, strict=True)), texts=captions)

# %% [markdown]
# <details><summary>What the app looks like</summary>
#
# ![Eight captions against eight pictures, with buttons for the two softmaxes](../docs/similarity_matrix.png)
#
# </details>
#
# ## Exercises
#
# Exercises with checks that help: [exercises/02_similarity_matrix](exercises/02_similarity_matrix.ipynb).
#
# 1. **A caption for all.** Replace one of your captions by `a picture`, and look at its cells in the three modes.
#    In which mode does it look harmless, and in which does it win most?
# 2. **A sick batch.** Swap two captions of `captions`, and draw the matrix and its loss. How much does one swap
#    cost at *N* = 8? How much would it cost at *N* = 256?
# 3. **The gradient at another scale.** Draw it again with `logits = 5 * cosines` and with `200 * cosines`. In which is
#    it spread over all rivals, and in which does a single rival get it all?
#
# ## What we did
#
# * We **read** a matrix along its rows and along its columns, and saw that these are two races.
# * We **split** the loss into goodness and badness, and saw that confused pairs get nearly all of the gradient.
# * We **measured** cosines of matching and mismatched pairs, and found the learned scale where the loss is lowest.
# * We **spoiled** batches: equal captions, pairs out of step, hard negatives alone; and matched portraits.
# * We **explored** a matrix in `SimilarityMatrix`.
#
# Next: [03 prompt sensitivity](03_prompt_sensitivity.ipynb), where the same picture meets many wordings.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*,
# ICML 2021, arXiv 2103.00020, section 2.3 and figure 3. Attraction and repulsion of a contrastive loss: T. Wang
# and P. Isola, *Understanding Contrastive Representation Learning through Alignment and Uniformity on the
# Hypersphere*, ICML 2020.
