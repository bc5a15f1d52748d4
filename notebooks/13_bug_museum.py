# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 13 The bug museum: seven lines that ruin a training
#
# Nothing crashes. The shapes fit, the loss is a number, the curve is drawn. Is the training right? In contrastive
# learning a wrong line seldom stops the program. It makes a model that is a little worse, or one that knows nothing,
# and you find out a week later.
#
# In this notebook we will
#
# * **break** a healthy training in seven ways, one line each,
# * **recognise** each bug by its signature: where the loss begins, where it ends, what the features look like,
# * **write** for each bug the test that catches it in milliseconds,
# * **compare** all tests on all bugs, and ask which single test is worth most,
# * **repair** a colleague's loss, and diagnose an unknown patient.
#
# It takes about 90 minutes in class, one or two of them for a dozen small trainings. At each **Predict** write down
# what you expect before you run the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # this lesson trains its own models
STEPS = 100  # of each training
SEEDS = 3  # trainings of each kind, where two kinds are compared by a small difference

# %% [markdown]
# ## One healthy training, in its parts
#
# The world is small, so that a training takes seconds: twelve things on twelve colours. A batch holds 64 *different*
# ones of these 144, so the loss can fall to 0.

# %%
from dataclasses import replace

import torch
import torch.nn.functional as F

from clipbench.data.world.factors import COLOURS, EVALUATION, draw_factors
from clipbench.data.world.render import render
from clipbench.data.world.sprites import concept_ids
from clipbench.pretrained.folders import world_tokenizer

torch.set_num_threads(1)  # the same numbers on every machine with the same processor
THINGS = ["cat", "dog", "lion", "panda", "frog", "whale"]
THINGS += ["pizza", "rocket", "guitar", "bus", "laptop", "banana"]
CAPTIONS = [f"{thing} on {colour}" for thing in THINGS for colour in COLOURS]
N, SIZE, tokenizer = 64, 32, world_tokenizer()
PHOTO = replace(EVALUATION, styles=(1.0, 0, 0, 0, 0, 0, 0))


# %%
def draw(number):
    """N pictures (N, 3, SIZE, SIZE), and which of the 144 captions each one has."""
    choice = torch.randperm(len(CAPTIONS), generator=torch.Generator().manual_seed(number))[:N]
    concept = torch.tensor([concept_ids()[thing] for thing in THINGS])[choice // len(COLOURS)]
    factors = draw_factors(torch.arange(N) + N * number, seed=990_013, config=PHOTO)
    factors = factors.with_groups(concept, torch.ones_like(concept))
    factors = replace(factors, colour=choice % len(COLOURS), size=factors.size.clamp(min=0.7))
    return render(factors, size=SIZE), choice


all_ids = tokenizer(CAPTIONS)
training = [draw(number) for number in range(100)]
unseen = [draw(number) for number in range(1000, 1010)]

# %%
from clipbench.figures import contact_sheet, to_pictures

images, choice = training[0]
captions = [CAPTIONS[i] for i in choice[:8]]
title = "A batch has 64 of these, all different"
contact_sheet(to_pictures(images[:8]), captions, title, columns=8)

# %% [markdown]
# The step of the training is written out, with its parts apart, so that we can swap one at a time. Read it well: it is
# all there is. The model is a small one of the library's, with a text transformer.

# %%
from clipbench import CLIP, CLIPConfig
from clipbench.model import ConvNetConfig, TransformerConfig
from clipbench.preprocess import Preprocess

preprocess = Preprocess(SIZE)
text = TransformerConfig(vocab_size=4096, context_length=32, width=64, depth=1, heads=2)
config = CLIPConfig(embed_dim=64, image=ConvNetConfig(SIZE, width=12), text=text)


# %%
def both_directions(image_features, text_features, scale):
    logits = scale * image_features @ text_features.T
    labels = torch.arange(len(logits))
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


healthy = {
    "pair": lambda images, ids: (images, ids),  # picture i belongs to caption i
    "pixels": preprocess.normalise,
    "end": lambda ids: ids.argmax(dim=1),  # where the transformer has read everything
    "unit": lambda features: F.normalize(features, dim=1),
    "scale": lambda log_scale: log_scale.exp(),
    "loss": both_directions,
}


# %%
def features(model, images, ids, parts):
    """Image features, text features, and the scale: what the loss takes."""
    words = model.text_encoder.token_embedding(ids)
    sentence = model.text_encoder.read(words, parts["end"](ids))
    image_features = model.image_projection(model.image_encoder(parts["pixels"](images)))
    text_features = model.text_projection(sentence)
    image_features, text_features = parts["unit"](image_features), parts["unit"](text_features)
    return image_features, text_features, parts["scale"](model.logit_scale)


# %% [markdown]
# The training around it: a batch, the loss, the gradient, a step. `make_optimizers` and `start_as_bag_of_words` are
# the library's recipe, which makes seconds enough.

# %%
from clipbench.training.optimisers import make_optimizers
from clipbench.training.presets import start_as_bag_of_words
from clipbench.training.recipe import TrainConfig, learning_rate_factor


def learn(optimizers, progress):
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * learning_rate_factor(progress, warmup=0.06)
        optimizer.step()


# %%
def train(parts, steps=STEPS, batches=training, seed=0):
    torch.manual_seed(seed)
    model, events = CLIP(config), []
    start_as_bag_of_words(model)
    optimizers = make_optimizers(model, TrainConfig(pairs=1))
    for step in range(steps):
        images, choice = batches[step % len(batches)]
        images, ids = parts["pair"](images, all_ids[choice])
        loss = parts["loss"](*features(model, images, ids, parts))
        model.zero_grad()
        loss.backward()
        learn(optimizers, step / steps)
        events.append({"event": "step", "pairs": N * (step + 1), "loss": loss.item()})
    return model.eval(), events


# %% [markdown]
# And an evaluation that no training bug can affect: unseen pictures choose among all 144 captions. It always
# reads captions to their end, and compares by cosine. Chance is 1 in 144.

# %%
from clipbench.evaluate.statistics.intervals import wilson

truth = torch.cat([choice for _, choice in unseen])


@torch.no_grad()
def answers(model, parts=healthy):
    """Which of the 144 captions each unseen picture chooses."""
    pictures = torch.cat([images for images, _ in unseen])
    image_features, text_features, _ = features(model, pictures, all_ids, parts)
    return (image_features @ text_features.T).argmax(dim=1)


def in_words(said):
    low, high = wilson(int((said == truth).sum()), len(truth))
    return f"{(said == truth).float().mean():.1%} right, 95% interval {low:.1%} to {high:.1%}"


# %% [markdown]
# ## One of these two has a bug, and the curve does not say which
#
# Two trainings from the same first weights, on the same batches. A coin decides which of them is called A.

# %%
import random

from clipbench.figures import compare_losses


def one_direction(image_features, text_features, scale):
    logits = scale * image_features @ text_features.T
    labels = torch.arange(len(logits))
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits, labels)) / 2


models, runs = {}, {}
models["healthy"], runs["healthy"] = train(healthy)
models["one direction"], runs["one direction"] = train(healthy | {"loss": one_direction})
a, b = random.Random(2).sample(["healthy", "one direction"], 2)

# %% [markdown]
# **Predict:** look at the two curves below. Which of the two is broken?

# %%
compare_losses({"A": runs[a], "B": runs[b]}, N)

# %% [markdown]
# You cannot tell. The two end a little apart, but so do two healthy trainings from other first weights, and a loss
# curve alone does not say what it is the curve *of*. We come back to these two in room 6. First the bugs that a curve
# does show.
#
# ## Room 1: the forgotten normalisation begins far above ln N
#
# Somebody wrote `image_features @ text_features.T` and thought of cosines. But the features were never made unit
# vectors, so their lengths multiply into the logits.
#
# **Predict:** where does the loss begin, if *ln 64* is 4.16? And will it fall?

# %%
bugs = {"no normalisation": healthy | {"unit": lambda features: features}}


def show(name):
    """Train with one bug, and draw its loss beside the healthy one."""
    models[name], runs[name] = train(bugs[name])
    for each in (name, "healthy"):
        print(f"{each:17} begins at {runs[each][0]['loss']:6.2f}; {in_words(answers(models[each]))}")
    return compare_losses({name: runs[name], "healthy": runs["healthy"]}, N)


show("no normalisation")

# %% [markdown]
# It falls, and the model learns something, so nobody looks for a bug. The signature is the first number: a loss far
# *above* ln *N* comes from a model that is very sure and wrong, and an untrained model has no right to be sure. The
# orange line is the first thing to look at in any contrastive training.
#
# **Find and repair.** The test needs no training at all, just one batch through an untrained model.

# %%
from math import exp, log


@torch.no_grad()
def begins_near_ln_n(parts):
    torch.manual_seed(0)
    images, choice = training[0]
    ids = all_ids[choice]
    loss = parts["loss"](*features(CLIP(config), images, ids, parts))
    return abs(float(loss) - log(N)) < 1


tests = {"begins near ln N": begins_near_ln_n}
begins_near_ln_n(bugs["no normalisation"]), begins_near_ln_n(healthy)

# %% [markdown]
# ## Room 2: the scale as it is stored leaves a floor
#
# The paper learns the *logarithm* of the scale (section 2.3), so that it cannot become negative. It begins at
# *ln(1/0.07) = 2.66*, which stands for a scale of 14.3. Somebody forgot the `exp`.
#
# **Predict:** cosines are between −1 and 1. If the scale is 2.66, how low can the loss become, even for a perfect
# model of 64 pairs?


# %%
def floor(scale, n=N):
    """The lowest loss at this scale: own cosine 1, all others -1 / (n - 1)."""
    return log(1 + (n - 1) * exp(-scale * (1 + 1 / (n - 1))))


print(f"floor at a scale of 2.66: {floor(2.66):.2f}; at 14.3: {floor(14.3):.4f}")

# %% [markdown]
# Why −1/(n − 1)? The *n* features cannot all be opposite to each other. The best that they can do is the corners of a
# regular simplex, a triangle for three. We build those 64 corners, and ask the library.

# %%
from clipbench import clip_loss

corners = F.normalize(torch.eye(N, dtype=torch.float64) - 1 / N, dim=1)
for scale in (2.66, 14.3):
    perfect = float(clip_loss(corners, corners, scale))
    assert abs(perfect - floor(scale)) < 1e-6
print("clip_loss of a perfect model is the floor")

# %%
bugs["scale without exp"] = healthy | {"scale": lambda log_scale: log_scale}
show("scale without exp")

# %%
learned = float(models["scale without exp"].logit_scale.detach())
end = runs["scale without exp"][-1]["loss"]
print(f"loss at the end {end:.2f}, floor at its scale of {learned:.2f}: {floor(learned):.2f}")

# %% [markdown]
# The signature: the loss falls fast, and then stays not far above the floor of its scale. (The scale is learned, so it
# grows a little and the floor sinks with it; but that takes far longer than the rest.) A plateau like this is easily
# taken for "the model is too small". (The opposite mistake, a scale
# that may grow without limit, is why the paper clips it at 100.)
#
# **Find and repair.** Give the parts a perfect model. Its loss has to be almost 0.


# %%
def perfect_model_has_no_loss(parts):
    unit = parts["unit"](torch.eye(N))
    return float(parts["loss"](unit, unit, parts["scale"](torch.tensor(1 / 0.07).log()))) < 0.1


tests["perfect has no loss"] = perfect_model_has_no_loss
perfect_model_has_no_loss(bugs["scale without exp"]), perfect_model_has_no_loss(healthy)

# %% [markdown]
# ## Rooms 3 and 4: two patients with the same curve
#
# In room 3 the loader shuffles the pictures, and does not shuffle the captions with them. In room 4 somebody knows
# BERT, where the *first* token stands for the sentence, and reads CLIP's text transformer there. But CLIP's is causal:
# each token sees only what stands before it.
#
# **Predict:** what does the first token of a causal transformer know about its sentence? Draw both loss curves.


# %%
def shuffled(images, ids):
    return images[torch.randperm(len(images))], ids


bugs["shuffled pairs"] = healthy | {"pair": shuffled}
bugs["first token"] = healthy | {"end": lambda ids: torch.zeros(len(ids), dtype=torch.long)}
for name in ("shuffled pairs", "first token"):
    models[name], runs[name] = train(bugs[name])
    said = answers(models[name], bugs[name])
    print(f"{name:15} ends at {runs[name][-1]['loss']:.3f}; {in_words(said)}")

# %%
compare_losses({name: runs[name] for name in ("shuffled pairs", "first token", "healthy")}, N)

# %% [markdown]
# Both fall to *ln N* and stay there. The curve says only "nothing to learn here". Which of the two it is,
# you see *before* the training: how similar are the features of different captions? And how many of the words get a
# gradient from one batch?


# %%
def captions_alike(model, parts):
    """Mean cosine of two different captions."""
    with torch.no_grad():
        unit = F.normalize(features(model, unseen[0][0], all_ids, parts)[1], dim=1)
    n = len(unit)
    return float((unit @ unit.T).sum() - n) / (n * (n - 1))


def words_that_learn(parts):
    model, (images, choice) = fresh(), training[0]
    ids = all_ids[choice]
    parts["loss"](*features(model, *parts["pair"](images, ids), parts)).backward()
    return int((model.text_encoder.token_embedding.weight.grad.abs().sum(1) > 0).sum())


def fresh():
    torch.manual_seed(0)
    model = CLIP(config)
    start_as_bag_of_words(model)
    return model


# %%
print(f"{'':17}{'two captions alike':>28}{'words that':>12}")
print(f"{'':17}{'before':>14}{'after':>14}{'learn':>12}")
for name in ("healthy", "shuffled pairs", "first token"):
    parts = healthy | bugs.get(name, {})
    before, after = captions_alike(fresh(), parts), captions_alike(models[name], parts)
    print(f"{name:17}{before:14.3f}{after:14.3f}{words_that_learn(parts):12}")

# %% [markdown]
# The first token has never seen a word of the sentence. All captions are one and the same vector, exactly, from the
# start, and of all words one gets a gradient: the start token itself. With shuffled pairs every word gets a gradient,
# but the gradients contradict each other from batch to batch. In the end the model makes all captions alike *itself*,
# because a model that cannot know does best to say nothing. So after the training the two patients look the same; the
# test has to come before.
#
# **Find and repair.** For the loader: mark picture *i* and caption *i* with the number *i*, and see whether they still
# belong together on the other side. For the encoder: two captions must be two vectors.


# %%
def pairs_stay_together(parts):
    marked = torch.arange(N)
    pictures, captions = parts["pair"](marked, marked)
    return bool((pictures == captions).all())


def captions_differ(parts):
    return captions_alike(fresh(), parts) < 0.999


tests |= {"pairs stay together": pairs_stay_together, "captions differ": captions_differ}
for test in (pairs_stay_together, captions_differ):
    print(test.__name__, test(bugs["shuffled pairs"]), test(bugs["first token"]), test(healthy))

# %% [markdown]
# (In order: shuffled pairs, first token, healthy. A test that catches *one* bug tells you where to look.)
#
# ## Room 5: two processes, one of them taught wrongly
#
# With two GPUs each process encodes half of the batch, and all features are gathered: each compares *its* pictures with
# *all* captions. Process 0 has the pairs 0 to 31, process 1 the pairs 32 to 63. Somebody wrote the labels as
# `torch.arange(n)`, for both.
#
# **Predict:** what do the pictures of process 1 learn? Will the loss fall?


# %%
def two_processes(labels_of, shares):
    """The loss as two processes compute it; each one's share is noted."""

    def loss(image_features, text_features, scale):
        n, halves = len(image_features) // 2, []
        for rank in (0, 1):
            mine, labels = slice(rank * n, rank * n + n), labels_of(rank, n)
            per_image = F.cross_entropy(scale * image_features[mine] @ text_features.T, labels)
            per_text = F.cross_entropy(scale * text_features[mine] @ image_features.T, labels)
            halves.append((per_image + per_text) / 2)
        shares.append([half.item() for half in halves])
        return sum(halves) / 2

    return loss


# %%
shares = []
wrong = two_processes(lambda rank, n: torch.arange(n), shares)
right = two_processes(lambda rank, n: rank * n + torch.arange(n), [])
bugs["local labels"] = healthy | {"loss": wrong}
show("local labels")


# %%
def curve_of(rank):
    return [event | {"loss": share[rank]}
            for event, share in zip(runs["local labels"], shares, strict=True)]  # fmt: skip


three = {"process 0": curve_of(0), "process 1": curve_of(1), "healthy": runs["healthy"]}
compare_losses(three, N)

# %%
ends = {rank: shares[-1][rank] for rank in (0, 1)}
print(f"at the end: process 0 has {ends[0]:.2f}, process 1 {ends[1]:.2f}; knowing nothing is {log(N):.2f}")

# %% [markdown]
# Wrong captions, and yes, the mean falls. Half of the pictures are taught the truth, the other half a wrong caption
# each. The model cannot know which half a picture is in, so it bets: it gives the true caption a part of the
# probability. Process 0 wins that bet, and process 1 pays, with a loss *above* the one for knowing nothing. The mean
# of both looks like slow learning, and training programs log only the mean, or only process 0.
#
# **Find and repair.** However many processes, the loss is the loss of the whole batch.


# %%
def is_the_loss_of_the_batch(parts):
    torch.manual_seed(0)
    a, b = F.normalize(torch.randn(2, N, 16), dim=2)
    return bool(torch.isclose(parts["loss"](a, b, 14.3), clip_loss(a, b, 14.3)))


tests["loss of the batch"] = is_the_loss_of_the_batch
is_the_loss_of_the_batch(bugs["local labels"]), is_the_loss_of_the_batch({"loss": right})

# %% [markdown]
# ## Room 6: one direction, twice, costs a point or two where nobody looks
#
# Back to the two curves at the beginning, one of which had a bug. Its loss reads
# `(cross_entropy(logits, labels) + cross_entropy(logits, labels)) / 2`. A `.T` is missing, so every picture looks for
# its caption, but no caption ever looks for its picture.
#
# **Predict:** what will be worse in that model: pictures that look for captions, captions that look for pictures, both,
# or nothing?

# %%
bugs["one direction"] = healthy | {"loss": one_direction}
print(f"A was the {a} one, and B the {b} one")


@torch.no_grad()
def found(model):
    """Shares of pictures that find their caption in a batch, and of captions their picture."""
    sets = [features(model, images, all_ids[choice], healthy) for images, choice in unseen]
    cosines = torch.stack([image @ text.T for image, text, _ in sets])
    return [float((cosines.argmax(dim) == torch.arange(N)).float().mean()) for dim in (2, 1)]


# %%
table = {}
for name, parts in {"healthy": healthy, "one direction": bugs["one direction"]}.items():
    again = [models[name]] + [train(parts, seed=seed)[0] for seed in range(1, SEEDS)]
    table[name] = torch.tensor([found(model) for model in again])
    for seed, (pictures, captions) in enumerate(table[name].tolist()):
        print(f"{name:14} seed {seed}: {pictures:.1%} of the pictures, {captions:.1%} of the captions")

# %%
spread = 100 * (table["healthy"].amax(0) - table["healthy"].amin(0))
gap = 100 * (table["healthy"].mean(0) - table["one direction"].mean(0))
print(f"the healthy one is better by {gap[0]:+.1f} and {gap[1]:+.1f} points, mean of {SEEDS} seeds")
print(f"healthy seeds differ among themselves: by {spread[0]:.1f} and {spread[1]:.1f} points")

# %% [markdown]
# Did you expect captions that cannot find their picture? They find it nearly as often: whoever pulls a picture to its
# caption also pulls the caption to the picture. Compare the captions' column seed by seed. Where it is worse every
# time, by a point or two, three seeds begin to show it; the pictures' column, which everybody reports, shows nothing.
# And who would take a point in a second column for a bug? This is the most dangerous kind: the code is not what the
# paper says, and no curve and no log will tell you.
#
# Only a *property* catches it. The loss treats pictures and captions alike, so exchanging them changes nothing.


# %%
def is_symmetric(parts):
    torch.manual_seed(0)
    a, b = F.normalize(torch.randn(2, N, 16), dim=2)
    return bool(torch.isclose(parts["loss"](a, b, 14.3), parts["loss"](b, a, 14.3)))


tests["symmetric"] = is_symmetric
is_symmetric(bugs["one direction"]), is_symmetric(healthy)

# %% [markdown]
# ## Room 7: the pictures arrive in another colour, and the answers move with it
#
# Here the training was right. But somebody *uses* the model with a library that reads pictures as blue, green, red
# instead of red, green, blue (OpenCV does), and one line is missing.
#
# **Predict:** which answers become wrong? What will the model say of a cat on red?

# %%
exchanged = {"pixels": lambda images: preprocess.normalise(images.flip(1))}
bugs["blue, green, red"] = healthy | exchanged
said = answers(models["healthy"], bugs["blue, green, red"])
print(f"as trained:       {in_words(answers(models['healthy']))}")
print(f"blue, green, red: {in_words(said)}")

# %%
pictures = torch.cat([images for images, _ in unseen])
some = [i for i in range(len(truth)) if CAPTIONS[truth[i]].endswith(("red", "blue"))][:8]
seen = to_pictures(pictures[some].flip(1))
title = "What arrives, and what the model says of it"
contact_sheet(seen, [CAPTIONS[said[i]] for i in some], title, columns=8)

# %% [markdown]
# The model is right about the colour that it *sees*. So we can predict its answers without it: exchange the red and the
# blue part of each colour, and look for the nearest colour that has a name.
#
# **Predict:** what does orange, (240, 140, 40), become? And gray?

# %%
colours = list(COLOURS)
mixed = torch.tensor(list(COLOURS.values())).float()
becomes = torch.cdist(mixed.flip(1), mixed).argmin(1)
print(", ".join(f"{a} -> {colours[b]}" for a, b in zip(colours, becomes, strict=True)))

# %%
from clipbench.figures import value_grid

confusion = torch.zeros(len(colours), len(colours))
for true, answer in zip(truth % len(colours), said % len(colours), strict=True):
    confusion[true, answer] += 1
confusion = 100 * confusion / confusion.sum(1, keepdim=True)
as_predicted = int((confusion.argmax(1) == becomes).sum())
title = "Said (column) of a true colour (row), in %: for "
title += f"{as_predicted} of {len(colours)} most often the name of the exchanged colour"
value_grid(confusion, colours, colours, title)

# %% [markdown]
# That is the signature: whole colours move to where the exchange sends them, and those that are equal in red and blue
# stay. The objects suffer with the colours, as the model has never seen a blue lion.
#
# There are other mismatches between training and use. **Predict** an order: pixels from 0 to 1 without mean and spread;
# pixels from 0 to 255; the mean and spread of another model (0.5 and 0.5).

# %%
from clipbench.figures import accuracy_bars

inputs = {
    "as trained": preprocess.normalise,
    "mean 0.5, spread 0.5": lambda images: (images / 255 - 0.5) / 0.5,
    "from 0 to 1": lambda images: images / 255,
    "from 0 to 255": lambda images: images.float(),
    "blue, green, red": bugs["blue, green, red"]["pixels"],
}

# %%
from clipbench.evaluate.statistics.intervals import with_interval

bars = {}
for name, pixels in inputs.items():
    hits = int((answers(models["healthy"], healthy | {"pixels": pixels}) == truth).sum())
    bars[name] = with_interval("top1", hits, len(truth))
accuracy_bars(bars, 1 / len(CAPTIONS))

# %%
order = sorted(list(bars)[1:], key=lambda name: -bars[name]["top1"])
print("from the mildest:", ", ".join(f"{name} ({bars[name]['top1']:.0%})" for name in order))

# %% [markdown]
# None is mild. Even another mean and spread, which only shift and stretch all values alike, cost most of the
# accuracy: the model learned at which brightness a thing begins. Between 0 and 1 without them, all pictures are
# nearly one grey to it. And nothing crashed.
#
# **Find and repair.** A plain red picture has its largest value in the first channel, and a picture of the training's
# mean colour becomes zeros.


# %%
def pictures_arrive_as_trained(parts):
    red, mean = torch.zeros(2, 1, 3, SIZE, SIZE)
    red[:, 0] = 255
    mean += 255 * torch.tensor(preprocess.mean)[:, None, None]
    first = parts["pixels"](red).mean((0, 2, 3)).argmax() == 0
    return bool(first & (parts["pixels"](mean).abs().max() < 0.01))


tests["pictures as trained"] = pictures_arrive_as_trained
pictures_arrive_as_trained(bugs["blue, green, red"]), pictures_arrive_as_trained(healthy)

# %% [markdown]
# ## The catalogue: small tests of properties beat the famous one
#
# Seven bugs and seven tests. To them we add an eighth test that many books recommend: *can it overfit one batch?*
# Thirty steps on the same 64 pairs must bring the loss close to 0.
#
# **Predict:** which of the seven bugs does this famous test catch?


# %%
def overfits_one_batch(parts):
    _, events = train(parts, steps=30, batches=training[:1])
    return events[-1]["loss"] < 0.5


tests["overfits one batch"] = overfits_one_batch
recipes = {"healthy": healthy} | bugs
rows = [[not test(parts) for test in tests.values()] for parts in recipes.values()]
caught = torch.tensor(rows).float()

# %%
famous = [name for name, row in zip(recipes, caught[:, -1], strict=True) if row]
title = f"1: this test catches this bug. The famous one catches {len(famous)} of {len(bugs)}"
assert not caught[0].any() and caught[1:].any(1).all()  # only bugs, and all of them
value_grid(caught, list(recipes), list(tests), title)

# %%
print("overfitting one batch catches:", ", ".join(famous))

# %% [markdown]
# Did you trust it with more? Read it along a row: how many tests see this bug? Along a column: what is this test good
# for? Overfitting one batch needs a training, and is blind to whatever is *consistently* wrong. Small tests of
# properties run in milliseconds, and a failure points to one line.
#
# And the closing table, from the runs of this notebook:


# %%
def first(name):
    return runs[name][0]["loss"]


def last(name):
    return runs[name][-1]["loss"]


# %%
only, floor_there = words_that_learn(bugs["first token"]), floor(learned)
zero, one = shares[STEPS - 1]
signatures = {
    "no normalisation": f"begins at {first('no normalisation'):.0f}, ln N is {log(N):.2f}",
    "scale without exp": f"stops at {last('scale without exp'):.2f}, the floor is {floor_there:.2f}",
    "shuffled pairs": f"stays at {last('shuffled pairs'):.3f}, ln N is {log(N):.3f}",
    "first token": f"the same, and {only} word gets a gradient",
    "local labels": f"process 1 ends at {one:.2f}, process 0 at {zero:.2f}",
    "one direction": f"captions {-gap[1]:+.1f} points, pictures {-gap[0]:+.1f}",
    "blue, green, red": f"{as_predicted} of {len(colours)} colours become the exchanged one",
}

# %%
cheap = list(tests)[:-1]
print(f"{'bug':19}{'signature':44}test that catches it")
for name in bugs:
    row = caught[list(recipes).index(name)]
    catching = [test for test, hit in zip(cheap, row, strict=False) if hit]
    print(f"{name:19}{signatures[name]:44}{', '.join(catching)}")

# %% [markdown]
# ## Find and repair
#
# ### A colleague's loss
#
# This one runs, and its loss falls. It has three bugs, all of them relatives of exhibits above. **Predict** which
# checks it fails; then edit it until all of them say yes.


# %%
def colleagues_loss(image_features, text_features, log_scale):
    logits = image_features @ text_features.T / log_scale.exp()
    labels = torch.zeros(len(logits), dtype=torch.long)
    return F.cross_entropy(logits, labels)


# %%
def check(loss):
    torch.manual_seed(0)
    a, b = F.normalize(torch.randn(2, N, 16), dim=2)
    start = torch.tensor(1 / 0.07).log()
    say = {True: "yes", False: "no "}
    ours, exchanged, clip = loss(a, b, start), loss(b, a, start), clip_loss(a, b, start.exp())
    print(say[bool(loss(corners, corners, start) < 0.1)], "a perfect model has no loss")
    print(say[bool(torch.isclose(ours, exchanged))], "pictures and captions are treated alike")
    print(say[bool(torch.isclose(ours, clip))], "it is the loss of CLIP")


check(colleagues_loss)

# %% [markdown]
# ### An unknown patient
#
# Behind `patient` is one of the seven. **Predict** which, from the test results alone. Then look.

# %%
name = random.Random(SEEDS).choice(list(bugs))  # another number, another patient
patient = bugs[name]
for test in cheap:
    print(f"{'passes' if tests[test](patient) else 'FAILS':7} {test}")

# %%
print(name)

# %% [markdown]
# The one test that fails names the line. That is what tests of properties are for.
#
# ### Exhibits that found no room
#
# Each of these has cost somebody weeks. What would the test be?
#
# * **Features gathered without their gradient.** `all_gather` returns numbers, not a graph: each process learns from
#   its own half of the logits only. The loss is right, the gradient is not. (Compare gradients with one process.)
# * **Weight decay on the temperature and on gains.** It pulls the scale towards 1. (Look at which group each weight
#   is in.)
# * **A caption cut off at its end.** The end token is gone, and the transformer is read somewhere else. (Tokenise a
#   long caption, and look at its last token.)
# * **A mean of prompts that nobody normalised again.** The classes with agreeing prompts win. (Ask for lengths of 1.)
# * **Another way to shrink pictures.** Bilinear for bicubic, or no antialiasing. (Compare pixels with the original
#   code.)
# * **The same pair twice in a batch.** Each copy is taught to push the other away. (Count equal captions; lesson 02.)
# * **Logits in half precision.** A scale of 100 times a feature that is not quite of length 1, and the sum of
#   exponentials overflows. (Take the loss in float32.)
#
# ## Exercises
#
# Exercises with checks that help: [exercises/13_bug_museum](exercises/13_bug_museum.ipynb).
#
# 1. **An eighth exhibit.** OpenAI's models were trained with QuickGELU, most others with GELU. Loading one as the
#    other raises no error. Take `encoder = clipbench.load("classroom")`, put a `clipbench.model.QuickGELU()` into
#    `block.mlp[1]` of every block of `encoder.model.image_encoder.blocks`, and measure what it costs on
#    `scenes:heldout`. Which test would have caught it? (Hint: compare features of one picture with those of the
#    original code. `clipbench.load` reads the activation from the checkpoint.)
# 2. **A bug of evaluation.** Leave out `.eval()`: in `train`, return `model` as it is. Compare the answers for one
#    picture alone and for the same picture in a batch. Why do they differ, and which test would catch it? (Hint: batch
#    norm looks at the other pictures.)
# 3. **A ninth test.** Write a test that catches at least four of the seven bugs. Is it better than four small ones?
#    (Hint: look at the columns of the catalogue, and ask what a failure would tell you.)
#
# ## What we did
#
# * We **broke** a healthy training with seven single lines. None of them crashed.
# * We **recognised** them: a start far above *ln N*, a floor, a loss that stays at *ln N*, two processes that disagree,
#   colours that change places, and one that hardly shows.
# * We **wrote** a test for each, from a property that the right code must have.
# * We **compared** tests and bugs in one table; overfitting one batch is not enough.
# * We **repaired** a loss, and diagnosed a patient by its tests.
#
# The same tests guard the library: see `tests/test_loss.py`, `tests/compute/test_distributed.py` and
# `tests/test_preprocess_parity.py`. In a live training `TrainingMonitor` (lesson 08) draws the *ln N* line, and the
# trainer says so when a loss stays there.
#
# Next: [14 real checkpoints](14_real_checkpoints.ipynb), where somebody else did the training.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, ICML 2021,
# arXiv 2103.00020, sections 2.3 to 2.5 and figure 3. The lowest loss: T. Wang and P. Isola, *Understanding Contrastive
# Representation Learning through Alignment and Uniformity on the Hypersphere*, ICML 2020.
