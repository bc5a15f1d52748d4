# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 14 Real checkpoints: the famous demos, measured
#
# You know the talk: somebody loads the released model in three lines, sorts the pictures of a holiday, finds a fat
# red cat, guesses where a photo was taken. Which lines are these? What do they cost? And do the tricks hold when they
# are *measured* and not only shown?
#
# In this notebook we will
#
# * **load** a released checkpoint in three libraries, and check it by known answers,
# * **sort** a folder of photos by prompts,
# * **probe** the classics: written words, the place of a photo, an action in many frames, the fat red cat,
# * **budget** compute, memory and time for all nine models of the paper, and ask what is left of CLIP in 2026.
#
# It takes about 75 minutes in class. It is made for a GPU: on Colab choose a T4, and set `SCALE = "full"`. It runs
# everywhere, though, with our classroom model. At each **Predict** write down what you expect before you run the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full": ViT-B/32 from the hub
PHOTOS = None  # a folder of your own photos, such as "my_photos"
CHECKPOINT = "openai/clip-vit-base-patch32"  # any CLIP of the hub
REAL = ["uoft-cs/cifar10", "tanganke/stl10", "ylecun/mnist", "nateraw/rendered-sst2"]  # sets of the hub, or folders
PICTURES = 1000 if SCALE == "full" else 300  # of each of them

# %% [markdown]
# ## Three lines, and three traps
#
# Load, encode, compare. With `SCALE = "full"` the checkpoint comes from the hub. Where there is no network, a model
# of the same shape with **random** weights takes its place: every line of this lesson runs, and no answer means
# anything.

# %%
import torch

import clipbench


def random_stand_in():
    from clipbench.bench.widgets import random_model

    torch.manual_seed(0)
    with random_model("ViT-B/32") as folder:
        return clipbench.load(folder)


# %%
if SCALE == "full":
    try:
        encoder = clipbench.load(CHECKPOINT)
        who = encoder.name
    except clipbench.UserError as error:
        print(error)
        encoder, who = random_stand_in(), "ViT-B/32 with RANDOM weights"
else:
    encoder, who = clipbench.load(SCALE), f"our {SCALE} model"

# %%
MEANT = "RANDOM" not in who
print(f"The answers below are those of {who}, on {encoder.device} in {encoder.precision}.")
if not MEANT:
    print("Random weights: read no meaning into any number of this lesson but times and sizes.")

# %% [markdown]
# Now the three lines, on one picture.

# %%
from clipbench.data.world.staged import Staged, stage

(picture,) = stage([Staged(("cat",), "green")], 160)
texts = ["a photo of a cat", "a photo of a dog", "a photo of a pizza"]
cosines = encoder.encode_image(encoder.preprocess([picture])) @ encoder.encode_text(texts).T
probabilities = (encoder.scale * cosines).softmax(dim=1)[0]

# %%
from clipbench.figures import probability_bars

probability_bars(picture, texts, probabilities)

# %% [markdown]
# In other tutorials the same reads `model.encode_image(preprocess(image).unsqueeze(0))`, then a division by the norm,
# then `100 * image @ text.T`. Three traps are in there: features that nobody normalised, a scale of 100 that is not
# your model's, and `softmax` over a list of texts that was chosen *after* looking. Our encoder does the first two for
# you.
#
# **Predict** with your own list: which text do you have to add to make the right one lose?

# %%
texts = [*texts, "a cat on a green background"]
cosines = encoder.encode_image(encoder.preprocess([picture])) @ encoder.encode_text(texts).T
for text, probability in zip(texts, (encoder.scale * cosines).softmax(dim=1)[0], strict=True):
    print(f"{text:30} {probability:.1%}")

# %% [markdown]
# A text that says more of what is there takes the probability away, and the first was not wrong. So a probability is a
# comparison within a list, and whoever writes the list has a part in the answer.
#
# ## Three libraries give the same numbers
#
# The same weights can be read by `transformers`, by `open_clip` and by this workbench. We write them in the layout of
# each, and ask all three the same.

# %%
import tempfile
from pathlib import Path

from clipbench.pretrained.folders import save_open_clip, save_pretrained
from clipbench.pretrained.open_clip_library import import_open_clip

subject = clipbench.load("classroom") if SCALE == "tiny" else encoder  # the tiny ConvNet opens nowhere else
_, preprocess, _ = subject.settings
parts, home = (subject.model, subject.tokenizer, preprocess), Path(tempfile.mkdtemp())
save_pretrained(home / "transformers", *parts)
save_open_clip(home / "open_clip", *parts)


# %%
def by_transformers(pictures, texts):
    from transformers import CLIPModel, CLIPProcessor
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = CLIPModel.from_pretrained(home / "transformers")
    processor = CLIPProcessor.from_pretrained(home / "transformers")
    inputs = processor(text=texts, images=pictures, return_tensors="pt", padding=True)
    return model(**inputs).logits_per_image.softmax(dim=1)


# %%
def by_open_clip(pictures, texts):
    open_clip = import_open_clip()
    model = open_clip.create_model(f"local-dir:{home / 'open_clip'}")
    tokens = open_clip.get_tokenizer(f"local-dir:{home / 'open_clip'}")(texts)
    pixels = subject.preprocess(pictures)  # its own preprocessing needs torchvision
    image_features, text_features, scale = model.eval()(pixels, tokens)
    return (scale * image_features @ text_features.T).softmax(dim=1)


# %%
def by_clipbench(pictures, texts):
    image_features = subject.encode_image(subject.preprocess(pictures))
    return (subject.scale * image_features @ subject.encode_text(texts).T).softmax(dim=1)


# %% [markdown]
# **Predict:** in which digit will they differ?

# %%
import time

libraries = {"clipbench": by_clipbench, "transformers": by_transformers, "open_clip": by_open_clip}
print(f"{'':14}{'seconds':>9}   " + "".join(f"{text.removeprefix('a photo of '):>29}" for text in texts[1:]))
found = {}
for name, ask in libraries.items():
    began = time.perf_counter()
    try:
        with torch.no_grad():
            found[name] = ask([picture], texts)[0]
    except (ImportError, clipbench.UserError) as error:
        print(f"{name:14} left out: {error}")
        continue
    numbers = "".join(f"{value:29.7%}" for value in found[name][1:].tolist())
    print(f"{name:14}{time.perf_counter() - began:9.2f}   {numbers}")
apart = max(float((each - found["clipbench"]).abs().max()) for each in found.values())
print(f"largest difference of any probability: {apart:.0e}")

# %% [markdown]
# In one that single precision cannot hold anyway (in half precision, on a GPU, it is an earlier one). The libraries
# are three ways to the same model; what differs between published numbers is prompts, class names, splits and
# preprocessing. (Seconds include opening the files, but for clipbench, whose model was open already.)
#
# ## Known answers: is it really this model?
#
# A wrong preprocessing, activation or tokenizer raises no error. It makes a checkpoint a little worse, and nobody
# notices. So ask what somebody else has published. The README of the released code has two answers of ViT-B/32: for
# CLIP's own diagram *a diagram* 0.9928, *a dog* 0.0042, *a cat* 0.0030; for picture 3637 of CIFAR-100's test set
# *snake* 65.31 %. For our model the answer is in its card: its accuracy on new scenes.
#
# **Predict:** how near must an answer be to count as the same model?

# %%
from clipbench.evaluate.oracles import AGREES, DIAGRAM, SNAKE, answers, diagram, largest_difference, snake_answers


def diagram_answers():
    return dict(zip(DIAGRAM, answers(encoder, diagram(), list(DIAGRAM)), strict=True))


def of_the_snake():
    return snake_answers(encoder, clipbench.open_pictures("uoft-cs/cifar100"))


# %%
known_answers = {"the diagram": (diagram_answers, DIAGRAM), "the snake": (of_the_snake, SNAKE)}
for name, (ask, known) in known_answers.items() if SCALE == "full" else ():
    try:
        told = ask()
    except clipbench.UserError as error:
        print(f"{name}: left out; {error}")
        continue
    off = largest_difference(told, known)
    print(f"{name}: {', '.join(f'{text} {told[text]:.2%}' for text in known)}")
    print(f"   {off:.4f} from what was published: {'the same model' if off < AGREES else 'ANOTHER model'}")

# %%
from clipbench.data.probe_splits import drawn
from clipbench.evaluate.oracles import accuracy_on
from clipbench.evaluate.records.record import shipped_record

card = {"classroom": "classroom-scenes-heldout256", "tiny": "tiny-seed0"}
if SCALE in card:
    ours = accuracy_on(encoder, drawn(clipbench.open_pictures("scenes:heldout256"), 300))
    theirs = shipped_record(card[SCALE])["metrics"]["top1"]
    inside = ours["top1_low"] <= theirs <= ours["top1_high"]
    print(f"300 scenes: {ours['top1']:.1%} ({ours['top1_low']:.1%} to {ours['top1_high']:.1%})")
    print(f"the card: {theirs:.1%}, {'inside' if inside else 'OUTSIDE'} the interval")

# %% [markdown]
# Half precision and another way to shrink a picture move a probability by less than a hundredth; a wrong
# preprocessing moves it by more. For an accuracy the interval decides. (Without a network the first two are left out,
# and it is said.)
#
# ## Real data sets
#
# Four sets of photographs and scans, each with the class names and prompts of the paper. The paper's zero-shot
# ViT-L/14@336 has 95.7 on CIFAR-10, 99.4 on STL-10, 88.3 on MNIST and 67.9 on rendered SST-2, in % (table 11). For the
# zero-shot ViT-B/32 others measured 89.8, 97.1, 48.6 and 59.0 (CLIP_benchmark).
#
# **Predict:** which of the four is hard for a model of photographs with captions, and why?

# %%
elsewhere = {"cifar10": (89.8, 95.7), "stl10": (97.1, 99.4), "mnist": (48.6, 88.3), "rendered-sst2": (59.0, 67.9)}
print(f"{'zero-shot top-1 in %':26}{'measured here':>24}{'B/32 elsewhere':>16}{'paper, L/14@336':>17}")
for name in REAL if SCALE == "full" else ["scenes:heldout256", "digits"]:
    try:
        each = accuracy_on(encoder, drawn(clipbench.open_pictures(name), PICTURES))
    except clipbench.UserError as error:
        print(f"{name:26} left out: {error}")
        continue
    low, high = 100 * each["top1_low"], 100 * each["top1_high"]
    b32, l14 = elsewhere.get(name.split("/")[-1], ("–", "–"))
    print(f"{name:26}{100 * each['top1']:8.1f} ({low:.1f} to {high:.1f}){b32:>16}{l14:>17}")

# %% [markdown]
# Objects are easy. Digits and sentences are pictures of *writing*, and the web seldom says in a caption what is
# written. Read MNIST rightly: the words get 88.3 % where logistic regression on raw pixels gets 92.5 %, and yet a
# linear probe of the same ViT-L/14@336 gets 99.2 %. The digits are in the features; the zero-shot words do not lead
# to them (lesson 06). (Offline we take our scenes and the small digits, in the same table; 10 % is chance for
# digits.)
#
# ## A sorter always sorts
#
# Put some twenty photos of your own into a folder and give its name in the first cell: things, animals, rooms. **If
# people are on them, ask them first**, and do not sort people by what they *are*: the paper measured how such labels
# go wrong, and for whom (section 7.1). Without a folder we take staged scenes, some with several objects.

# %%
if PHOTOS:
    endings = {".jpg", ".jpeg", ".png"}
    files = sorted(path for path in Path(PHOTOS).iterdir() if path.suffix.lower() in endings)
    photos, names = [clipbench.open_picture(path) for path in files], [path.name for path in files]
else:
    things = [("cat",), ("cat", "dog"), ("pizza",), ("rocket",), ("dog",), ("cat", "cat")]
    things += [("guitar",), ("pizza", "cat")]
    colours = ["green", "pink", "white", "black", "blue", "yellow", "orange", "turquoise"]
    photos = stage([Staged(objects, colour) for objects, colour in zip(things, colours, strict=True)], 160)
    names = [" and ".join(objects) for objects in things]

# %% [markdown]
# **Predict:** where will the picture with a cat *and* a dog land, if nobody wrote "a cat and a dog"?

# %%
drawers = ["a photo of a cat", "a photo of a dog", "a photo of food", "a photo of a vehicle"]
drawers += ["a photo of a musical instrument"]
photo_features = encoder.encode_image(encoder.preprocess(photos))
drawer_features = encoder.encode_text(drawers)
chosen = (photo_features @ drawer_features.T).argmax(1).tolist()

# %%
from clipbench.figures import contact_sheet

order = sorted(range(len(photos)), key=lambda i: chosen[i])[:24]
captions = [f"{drawers[chosen[i]].removeprefix('a photo of ')}: {names[i]}" for i in order]
title = f"Sorted by {who}: drawer, then what is in the picture"
contact_sheet([photos[i] for i in order], captions, title, columns=8)

# %% [markdown]
# With one of the two, as the words below it say. And a rocket lies among the musical instruments, since something had
# to be nearest. A sorter has no drawer
# for "neither" and none for "both", unless you write one; and then this one takes pictures from the others (lesson
# 03). Try it: add `"a photo of a cat and a dog"`, and look at what moves.
#
# ## Five guesses forgive look-alikes
#
# The paper reports top-1 and top-5. In the README of the released code it is a snake in CIFAR-100: the five best of
# 100 names. Here are ours, of 256 names and 300 held-out scenes.
#
# **Predict:** how much higher is top-5 than top-1?

# %%
data = clipbench.open_pictures("scenes:heldout256").subset(range(100 if SCALE == "full" else 300))
features = clipbench.image_features(encoder, data)
weights = clipbench.zero_shot_weights(encoder, data.class_names, ["a photo of a {}."])
metrics = clipbench.zero_shot_metrics(features, data.labels, weights)
for name in ("top1", "top5"):
    low, high = metrics[f"{name}_low"], metrics[f"{name}_high"]
    print(f"{name}: {metrics[name]:.1%} (95 % interval {low:.1%} to {high:.1%})")
print(f"chance: {data.chance:.2%} with one guess, {5 * data.chance:.2%} with five")

# %%
row = 5
best = (encoder.scale * features[row] @ weights).softmax(0).topk(5)
five = [data.class_names[i] for i in best.indices.tolist()]
title = f"It is: {data.class_names[data.labels[row]]}. Five guesses of {who}"
probability_bars(data.pictures([row])[0], five, best.values, title)

# %% [markdown]
# Where the first guess is wrong the second is often right: look-alikes. What to expect of real weights, measured with
# the released code: ViT-B/32 gets 55.9% top-1 and 83.4% top-5 on ImageNetV2, zero-shot with 80 templates. If your
# evaluation of a real checkpoint is far from that, look for a wrong preprocessing before you write a paper.
#
# ## The famous demos, each with a control
#
# ### It reads if it was trained to read
#
# A sheet of paper with a word on it, and nothing else. **Predict** how many of eight words are read.

# %%
from PIL import Image

from clipbench.data.alter.sticker import Sticker, print_on

words = ["cat", "dog", "pizza", "rocket", "owl", "guitar", "bus", "lion"]
paper = Image.new("RGB", (224, 224), (235, 232, 225))
sheets = [print_on(paper, Sticker(word, height=0.4, position=(0.5, 0.5))) for word in words]

# %%
sheet_features = encoder.encode_image(encoder.preprocess(sheets))
asked = encoder.encode_text([f'a sign that says "{word}"' for word in words])
read = (sheet_features @ asked.T).argmax(1)
right = int((read == torch.arange(8)).sum())
title = f"{right} of 8 words are read by {who}"
contact_sheet(sheets, [f"read as {words[i]}" for i in read], title, columns=8)

# %% [markdown]
# One in eight is chance. The released models read printed words well enough to be fooled by them (lesson 04); the title
# says whether *this* one does. And `twin:reader`, which was trained to read?

# %%
reader = clipbench.load("twin:reader")
asked = reader.encode_text([f'a sign that says "{word}"' for word in words])
read = (reader.encode_image(reader.preprocess(sheets)) @ asked.T).argmax(1)
print(f"twin:reader reads {(read == torch.arange(8)).sum()} of 8")

# %% [markdown]
# Words on objects mislead that reader (lesson 04), and yet it names few lone sheets: the look of a sign and the
# wording of the prompt count as well.
#
# ### A place is found by its looks, and pixels are a rival
#
# The paper guesses the place of a photo without any classes: it takes the coordinates of the *most similar* picture
# of a million references. In small: seven sights drawn by one artist are the references, with true coordinates; the
# same sights by two *other* artists are asked for. As a control, 8 × 8 pixels do the same without any model.

# %%
import numpy as np

from clipbench.data.world.sprites import concept_ids, sprite_image
from clipbench.preprocess import to_rgb

places = {
    "Tokyo tower": (35.66, 139.75),
    "Statue of Liberty": (40.69, -74.04),
    "mount fuji": (35.36, 138.73),
    "moai statue": (-27.13, -109.29),
    "kaaba": (21.42, 39.83),
    "Japanese castle": (34.84, 134.69),  # we take Himeji's
    "bridge at night": (37.82, -122.48),
}


# %%
def on_white(name, art):
    sprite = sprite_image(concept_ids()[name], art)
    white = Image.new("RGBA", sprite.size, "white")
    return to_rgb(Image.alpha_composite(white, sprite))


def thumbnails(pictures):
    pixels = [np.asarray(each.resize((8, 8)), dtype=np.float32).ravel() for each in pictures]
    small = torch.tensor(np.stack(pixels))
    return torch.nn.functional.normalize(small - small.mean(dim=1, keepdim=True), dim=1)


def by_clip(pictures):
    return encoder.encode_image(encoder.preprocess(pictures))


references = [on_white(name, "noto") for name in places]
questions = {art: [on_white(name, art) for name in places] for art in ("twemoji", "openmoji")}

# %% [markdown]
# **Predict** for how many of the seven the nearest picture is the right one, for each artist, by CLIP and by pixels.

# %%
for art, asked in questions.items():
    for name, encode in (("CLIP", by_clip), ("8 x 8 pixels", thumbnails)):
        found = (encode(asked) @ encode(references).T).argmax(1)
        print(f"{art:9} {name:13} {(found == torch.arange(7)).sum()} of 7 are right")

# %% [markdown]
# Look at all four numbers before you admire one. Seven sights decide little, and pixels are a strong rival: a large
# part of what looks like knowledge is that two drawings of a sight share their outline and colours. How would you get
# the distance between two places on a sphere?

# %%
import math


def kilometres(a, b):
    """On the great circle, by the haversine formula."""
    (la, lo), (lb, lp) = ([math.radians(angle) for angle in each] for each in (a, b))
    h = math.sin((lb - la) / 2) ** 2 + math.cos(la) * math.cos(lb) * math.sin((lp - lo) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(h))


# %%
there, twemoji = list(places), questions["twemoji"]
nearest = (by_clip(twemoji) @ by_clip(references).T).argmax(1).tolist()
errors = [kilometres(places[name], places[there[i]]) for name, i in zip(there, nearest, strict=True)]
captions = [f"{name}: {there[i]}, {e:,.0f} km off" for name, i, e in zip(there, nearest, errors, strict=True)]
title = f"{sum(e < 25 for e in errors)} of 7 within 25 km: the sight, and its nearest reference"
contact_sheet(twemoji, captions, title, columns=7)

# %% [markdown]
# (We say that the castle stands in Himeji and the bridge in San Francisco; the emoji do not.) With a million
# references the paper's largest model, by the nearest picture and without any classifier, comes within 25 km for
# 32.9% of the photos, and within 2,500 km for 79.3% (table 17). Note what kind of knowledge this is: not geography,
# but *looks like*.
#
# ### The mean of the frames forgives one, and forgets their order
#
# A video is many pictures. The paper averages over all frames of a clip for zero-shot (table 15). In small: forty
# "clips" of eight frames each, in which one object appears in eight places, sizes, and styles. (There is no action
# and no motion in them. Only the averaging is tested.)
#
# **Predict:** how much better is the mean of eight frames than a single frame? And what does the mean forget?

# %%
from clipbench.data.world.factors import EVALUATION, draw_factors
from clipbench.data.world.render import render
from clipbench.figures import accuracy_bars, to_pictures

CLIPS = 10 if SCALE == "full" else 40
labels = torch.arange(CLIPS).repeat_interleave(8)
concept = torch.tensor([concept_ids()[name] for name in data.class_names[:CLIPS]])[labels]
factors = draw_factors(torch.arange(len(labels)), seed=990_014, config=EVALUATION)
frames = to_pictures(render(factors.with_groups(concept, torch.ones_like(concept))))
frame_features = encoder.encode_image(encoder.preprocess(frames))

# %%
from clipbench.evaluate.statistics.intervals import with_interval


def correct(each, wanted):
    hits = int(((each @ weights).argmax(1) == wanted).sum())
    return with_interval("top1", hits, len(wanted))


means = torch.nn.functional.normalize(frame_features.view(CLIPS, 8, -1).mean(1), dim=1)
clips = {"single frames": correct(frame_features, labels)}
clips["middle frame"] = correct(frame_features[4::8], torch.arange(CLIPS))
clips["mean of 8 frames"] = correct(means, torch.arange(CLIPS))
accuracy_bars(clips, data.chance)

# %% [markdown]
# The mean forgives a bad frame. (The interval of the single frames is too narrow: eight frames of one clip are no eight
# independent pictures.) But reverse the clip, and its mean is the same: "opening a door" and "closing a door"
# have one and the same feature. An action that *is* an order of frames cannot be seen this way.

# %%
backwards = frame_features.view(CLIPS, 8, -1).flip(1).mean(1)
same = torch.allclose(backwards, frame_features.view(CLIPS, 8, -1).mean(1), atol=1e-6)
print(f"a reversed clip has the same mean: {same}")

# %% [markdown]
# ### “Not a fat red cat” is nearly the same sentence
#
# The demo: for each of five pictures a softmax of two texts, *A photo of a fat red cat* and *Not a photo of a fat red
# cat*. Ours: a cat on red, the same one stretched, a slim one on white, a dog on red, a tomato.
#
# **Predict** for which of the five the first text wins, and what the second adds to the first.

# %%
red, white, dog, tomato = stage([Staged(("cat",), "red"), Staged(("cat",)), Staged(("dog",), "red"),
                                 Staged(("tomato",))], 160)  # fmt: skip
fat = red.resize((260, 160)).crop((50, 0, 210, 160))
shown = {"cat on red": red, "fat cat on red": fat, "cat": white, "dog on red": dog, "tomato": tomato}
pair = ["A photo of a fat red cat.", "Not a photo of a fat red cat."]
cosines = encoder.encode_image(encoder.preprocess(list(shown.values()))) @ encoder.encode_text(pair).T

# %%
first = (encoder.scale * cosines).softmax(dim=1)[:, 0]
captions = [f"{name}: {p:.0%}; cosines {a:.2f} and {b:.2f}"
            for name, p, (a, b) in zip(shown, first, cosines.tolist(), strict=True)]  # fmt: skip
alike = float(encoder.encode_text(pair).prod(0).sum())
title = f"{who}: the share of the first text. The two texts have a cosine of {alike:.2f} with each other"
contact_sheet(list(shown.values()), captions, title, columns=5)

# %% [markdown]
# Not only the cats: the tomato is a fat red cat, too, with much the same share. The control is the tomato and the
# dog: if the second text meant "anything else", they would choose it with certainty and every cat would refuse it.
# Look at the two cosines instead of the share. They rise and fall together, since the second sentence contains the
# first and *not* is a word like any other (lesson 03); a softmax of two such texts turns a difference in the second
# decimal into a verdict.
#
# ## The budget: patches cost, parameters hardly
#
# What does each model of the paper need? Parameters and operations follow from the shapes alone: no weights are
# loaded, torch's *meta* device makes tensors without numbers.

# %%
from clipbench import CLIP, CLIPConfig
from clipbench.compute.flops import (
    PEAKS,
    image_flops,
    text_flops,
    training_flops,
)
from clipbench.model import PAPER_MODELS


# %%
def budget(name):
    config = CLIPConfig.named(name)
    with torch.device("meta"):
        parameters = sum(weight.numel() for weight in CLIP(config).parameters())
    image, text = image_flops(config) / 1e9, text_flops(config) / 1e9
    per_second = 0.3 * PEAKS["T4"]["fp16"] * 1e3 / image  # at 30 % of a T4's peak
    training = 12.8e9 * training_flops(config, 77) / 1e21
    return parameters / 1e6, 2 * parameters / 1e6, image, text, per_second, training


# %% [markdown]
# **Predict:** ViT-B/32 and ViT-B/16 have nearly the same parameters. What do they differ in?

# %%
heads = ("M params", "MB in fp16", "GFLOPs/img", "GFLOPs/txt", "img/s on T4", "10^21 ops")
print(f"{'':14}" + "".join(f"{head:>13}" for head in heads))
for name in PAPER_MODELS:
    print(f"{name:14}" + "".join(f"{value:13,.1f}" for value in budget(name)))

# %% [markdown]
# In patches: 16 pixels instead of 32 are four times as many, so four times the operations at the same weights.
# "img/s" is a calculation: 30% of the GPU's peak (65 TFLOP/s in half precision), no decoding of files. "10^21 ops" is
# the training on 12.8 billion pairs (lesson 08). And here is what *this* machine did just now with the loaded model;
# it differs from run to run.

# %%
pixels = encoder.preprocess(photos[:8])
encoder.encode_image(pixels)  # the first time is slower
began = time.perf_counter()
for _ in range(3):
    encoder.encode_image(pixels).sum().item()
rate = 3 * len(pixels) / (time.perf_counter() - began)
weights_mb = sum(weight.nbytes for weight in encoder.model.parameters()) / 1e6
print(f"{who}: {rate:,.0f} pictures a second on {encoder.device}, {weights_mb:,.0f} MB of weights")

# %% [markdown]
# How long would ImageNet's validation set take here, 50,000 pictures? And every figure of the paper: `clipbench
# figures --scale full` draws them with a real checkpoint on a GPU; with `--plan` it says before which data they need,
# and how many minutes a T4 would take.
#
# ## Why CLIP in 2026?
#
# Vision-language models of some billion parameters answer questions about a picture, count in it and read it; and
# embedders made of such models (E5-V, VLM2Vec, 2024) take a picture, a text, or both at once. Why keep two small
# encoders? Count what a search costs.
#
# **Predict:** a million pictures, and a thousand queries. How many forward passes do two encoders need, and how many a
# model that has to see each picture *with* each query?

# %%
PICTURES_IN_INDEX, QUERIES = 1_000_000, 1_000
image, text = (count(CLIPConfig.named("ViT-B/32")) for count in (image_flops, text_flops))
apart = PICTURES_IN_INDEX * image + QUERIES * text
products = 2 * PICTURES_IN_INDEX * QUERIES * 512
together = PICTURES_IN_INDEX * QUERIES * 2 * 2e9 * 300  # 2 billion parameters, some 300 tokens a pair
for name, cost in {"two encoders": apart, "their products": products, "one model for each pair": together}.items():
    times = f"{cost / apart:,.0f}" if cost >= apart else f"{cost / apart:.4f}"
    print(f"{name:25}{cost:10.1e} operations, {times:>8} times the two encoders")

# %% [markdown]
# The last line takes two billion parameters, and three hundred tokens for a picture with its query. And the first is
# paid once: the next thousand queries cost a thousand short texts and the products.
#
# | | two encoders (CLIP, SigLIP 2) | an embedder made of a large model | a model that sees both |
# |---|---|---|---|
# | forward passes for *M* pictures, *Q* queries | *M* + *Q* | *M* + *Q*, each tens of times as dear | *M* · *Q* |
# | index once, ask later | yes | yes | no |
# | order, number, negation (lesson 11) | weak | better | best |
# | a query of picture *and* text | by adding vectors | yes | yes |
# | fits on a laptop, or in a browser | yes | hardly | no |
# | can be trained by a class | in small (lesson 01) | no | no |
#
# What changed in the recipe: SigLIP replaced the softmax by a sigmoid for each pair (lesson 02), and SigLIP 2
# (Tschannen et al. 2025) adds a decoder that writes captions, self-distillation, better filtered data and many
# languages. What stayed is the picture of lesson 00: two encoders, one space, rivals from the batch.
#
# And where two encoders have not been replaced: the eyes of most vision-language models *are* an image encoder that was
# trained so; collections of web pictures are filtered by its cosines; searches over millions of pictures begin with it,
# and a large model looks again at the best hundred. Use the small model to *find*, the large one to *judge*.
#
# ## Explore
#
# Your own words for your own photos.

# %%
from clipbench_widgets import PromptExplorer

PromptExplorer(encoder, pictures=list(zip(names[:8], photos[:8], strict=True)), prompts=drawers)

# %% [markdown]
# (Without a running kernel, as on GitHub, the app is not shown. It looks like
# [this picture](../docs/prompt_explorer.png).)
#
# ## Exercises
#
# Exercises with checks that help: [exercises/14_real_checkpoints](exercises/14_real_checkpoints.ipynb).
#
# 1. **The drawer that is missing.** Sort your photos with one drawer less, and with "something else" more. Which
#    photos move, and was "something else" of any use? (Hint: compare `chosen` before and after.)
# 2. **A threshold for places.** Ask for the place of a cat. What cosine has the nearest sight, compared with those of
#    the true ones? From when on should the model say "I do not know"? (Hint: ask for ten other things; one is no list.)
# 3. **Order matters.** Make a feature of a clip that changes when the clip is reversed, out of the features of its
#    frames alone. (Hint: weigh the frames by their time.)
#
# ## What we did
#
# * We **loaded** a checkpoint in three libraries, and compared its answers with published ones.
# * We **sorted** photos by prompts, and met pictures that belong in two drawers.
# * We **probed** the classics with numbers: words, places, frames, and the fat red cat.
# * We **budgeted** nine models by their shapes, and a search in passes through a model.
#
# Next: [15 sparse autoencoders](15_sparse_autoencoders.ipynb), which take image vectors apart.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, ICML 2021,
# arXiv 2103.00020, sections 3.1.4, 6 and 7.1, tables 1, 10, 11, 15, 17, 19 and 20. Embedders: T. Jiang et al.,
# *E5-V*, 2024, arXiv 2407.12580; Z. Jiang et al., *VLM2Vec*, 2024, arXiv 2410.05160. M. Tschannen et al., *SigLIP 2*,
# 2025, arXiv 2502.14786.
