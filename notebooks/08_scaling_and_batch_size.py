# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 08 Scaling and batch size: what more buys, and what it costs
#
# CLIP was trained on 400 million pairs, 32 times over, 32,768 pairs at once, on hundreds of GPUs. What does
# all that *more* buy? What did it cost? And can somebody with one small computer take the very same training step?
#
# In this notebook we will
#
# * **draw** error against compute, for the released models and for our own,
# * **count** what a larger batch asks of a model,
# * **derive** how to take an exact step on a huge batch with the memory of a small one,
# * **calculate** what the paper's training cost, and judge two accounts that disagree.
#
# It takes about 60 minutes in class. Trainings are read from records; `RETRAIN = True` repeats them. At each
# **Predict** write down what you expect before you run the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"
RETRAIN = False  # True trains ten small models anew: 15 minutes on a free core

# %%
import math

import numpy as np
import torch

import clipbench

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]

# %% [markdown]
# ## Released models: twice the compute, a few percent fewer errors
#
# OpenAI released nine models. Their zero-shot accuracy on ImageNet was measured again by others, with the released
# class names and 80 templates (CLIP_benchmark; RN50 and RN101: open_clip). What a model *costs* we count ourselves:
# the multiplications and additions for one picture.

# %%
from clipbench import CLIPConfig
from clipbench.compute.flops import image_flops

imagenet = {"RN50": 59.82, "RN101": 62.28, "RN50x4": 66.27, "RN50x16": 70.72, "RN50x64": 73.91}
imagenet |= {"ViT-B/32": 63.33, "ViT-B/16": 68.35, "ViT-L/14": 75.49, "ViT-L/14@336": 76.55}
error = {name: 100 - accuracy for name, accuracy in imagenet.items()}
gflops = {name: image_flops(CLIPConfig.named(name)) / 1e9 for name in imagenet}

# %% [markdown]
# A **power law** is *error = a · compute^b*. Take logarithms: *ln error = ln a + b · ln compute*, a straight
# line. So two logarithmic axes show at a glance whether there is one.
#
# **Predict:** by how much does the error fall if the compute doubles? By a half, a quarter, or less than a tenth?


# %%
def power_law(x, y):
    """(a, b) of y = a * x**b, fitted to the logarithms."""
    b, log_a = np.polyfit(np.log(x), np.log(y), 1)
    return math.exp(log_a), b


resnets = [name for name in imagenet if name.startswith("RN")]
vits = [name for name in imagenet if name.startswith("ViT")]
a, b = power_law([gflops[name] for name in resnets], [error[name] for name in resnets])

# %%
from clipbench.figures import power_law_chart

groups = {}
for kind, names in {"ResNets": resnets, "vision transformers": vits}.items():
    groups[kind] = [gflops[name] for name in names], [error[name] for name in names]
ends = [min(gflops.values()), max(gflops.values())]
lines = {f"error = {a:.0f} · GFLOPs^{b:.3f}": (ends, [a * x**b for x in ends])}
title = f"Doubling compute cuts a ResNet's ImageNet error by {1 - 2**b:.1%}"
marked = {"ResNets": resnets, "vision transformers": vits}
axes = "GFLOPs for one picture", "ImageNet errors in %"
power_law_chart(groups, title, *axes, lines=lines, names=marked)

# %% [markdown]
# Less than a tenth, says the title. Five ResNets lie on nearly one line, over a range of forty times the compute:
# that is the paper's figure 9, here for ImageNet alone (the paper takes the mean of 39 evaluations, and counts a
# multiplication with its addition as *one* operation, so its axis shows about half of our numbers; for RN50 6.1, and
# we count 11.6 for both). Returns diminish, but they do so *predictably*: from small models one could tell what the
# large one would do. That predictability justified paying for the largest run.
#
# The transformers lie below the line. **Predict:** how many times the compute would a ResNet need to be as good as
# each?

# %%
for name in vits:
    needed = (error[name] / a) ** (1 / b)
    times = needed / gflops[name]
    print(f"{name:13} {gflops[name]:6.1f} GFLOPs; a ResNet would need {times:.1f} times as many")

# %% [markdown]
# The paper says "about three times" (section 3.2, for linear probes). The line ends at RN50x64, so what we say about
# the two best transformers continues a law to where nobody measured it.
#
# ## Our own ladder: wider is better, more pairs are better still
#
# Does it hold for models a thousand times smaller? Three image encoders that differ only in their width, trained on
# the same 61,440 pairs of the tiny world, from two random starts each. Widths are channels of the first convolution.
#
# **Predict:** is a straight line too much to hope for?

# %%
from clipbench.evaluate.records.record import shipped_record

if RETRAIN:
    from clipbench.bench.scaling import scaling

    ladder = scaling(widths=(8, 16, 32), pairs=61_440, seeds=(0, 1), pictures=5000)
else:
    ladder = shipped_record("scaling-width")
print(ladder["command"])

# %%
runs = ladder["runs"]
ours = power_law([run["image_gflops"] for run in runs], [1 - run["top1"] for run in runs])
ends = [runs[0]["image_gflops"], runs[-1]["image_gflops"]]
line = {f"exponent {ours[1]:.2f}": (ends, [100 * ours[0] * x ** ours[1] for x in ends])}
groups = {}
for seed in (0, 1):
    each = [run for run in runs if run["seed"] == seed]
    y = [100 * (1 - run["top1"]) for run in each]
    groups[f"seed {seed}"] = [run["image_gflops"] for run in each], y

# %%
title = f"Twice the compute takes away {1 - 2 ** ours[1]:.0%} of the errors at equal pairs"
axes = "GFLOPs for one picture", "errors in %, 256 classes"
power_law_chart(groups, title, *axes, lines=line)

# %% [markdown]
# Nearly straight, with the middle a little below the line: the exponent in the legend says how steep. The effect
# appears: wider is better, for both seeds. But do not read a *law* into three widths. A law is claimed from a range
# of forty times, from models that were all trained to the end; ours saw 240 pairs for each concept.
#
# And compute can be spent otherwise: on more pairs instead of a larger model. **Predict** the errors of the widest
# model after 156,000 pairs.

# %%
longer = [shipped_record(f"tiny-seed{seed}")["metrics"]["top1"] for seed in (0, 1, 2)]
wide = [run["top1"] for run in runs if run["width"] == 32]
print(f"width 32,  61,440 pairs: {100 - 100 * sum(wide) / 2:.1f}% errors (two seeds)")
print(f"width 32, 156,000 pairs: {100 - 100 * sum(longer) / 3:.1f}% errors (three seeds)")

# %% [markdown]
# From more than a quarter of errors to one in fifteen: two and a half times the pairs did far more than four times
# the width. Which of the two pays more depends on where you stand: whoever has few pairs needs pairs. Scaling laws
# are fitted to answer exactly this.
#
# ## A batch of N can teach at most ln N
#
# Lesson 02 showed that the same model finds fewer captions among more candidates. Let us look at the *loss*, as a
# function of the number of pairs *N* in the batch. A trained model, and 1,024 pairs that it never saw, cut into
# blocks.

# %%
from clipbench.data.streams import ScenePairs
from clipbench.figures import to_pictures

encoder = clipbench.load(MODEL)
fresh = ScenePairs(seed=990_008, tiny=SCALE == "tiny")(start=0, count=1024)
parts = []
for some in fresh.images.split(128):
    parts.append(encoder.encode_image(encoder.preprocess(to_pictures(some))))
image_features, text_features = torch.cat(parts), encoder.encode_text(fresh.captions)


# %%
def over_blocks(measure, n):
    """The mean of measure(images, texts) over blocks of n pairs."""
    blocks = zip(image_features.split(n), text_features.split(n), strict=True)
    return float(torch.stack([measure(*block) for block in blocks]).mean())


def loss(images, texts):
    return clipbench.clip_loss(images, texts, encoder.scale)


# %% [markdown]
# **Predict:** a model that knows nothing has the loss *ln N*. How does the loss of a good model grow?

# %%
from clipbench.figures import line_chart

sizes = [2**k for k in range(1, 11)]
losses = [over_blocks(loss, n) for n in sizes]
learned = [math.log(n) - value for n, value in zip(sizes, losses, strict=True)]
lines = {"ln N, knows nothing": [math.log(n) for n in sizes], "loss of the model": losses}
lines["difference: what it knows"] = learned
title = f"Batches of 8 show {learned[2]:.1f} nats of knowledge, of 1,024 {learned[-1]:.1f}"
line_chart(sizes, lines, title, "pairs in the batch, N", "nats", logarithmic=True)

# %% [markdown]
# The difference is what the model knows about captions from pictures, in nats: *ln N − loss*. It is a lower bound of
# their mutual information (van den Oord et al. 2018), and it can never exceed *ln N*. A batch of 8 can reveal at most
# ln 8 = 2.1 nats. A model that answers all its questions has nothing left to learn from that batch.
#
# How much is left? The gradient on the cell of a pair is *1 − p*, with *p* the probability of its own caption (lesson
# 02); it is at most 1.
#
# **Predict:** at which *N* does an average picture still get a tenth of the full gradient?


# %%
def gradient_left(images, texts):
    return 1 - (encoder.scale * images @ texts.T).softmax(dim=1).diagonal().mean()


left = [100 * over_blocks(gradient_left, n) for n in sizes]
title = f"At N = 8 a picture gets {left[2]:.1f}% of the full gradient, at N = 1,024 {left[-1]:.0f}%"
axes = "pairs in the batch, N", "mean of 1 - p in %"
line_chart(sizes, {"1 - p of the own caption": left}, title, *axes, logarithmic=True)

# %% [markdown]
# At the scale `classroom` a tenth is reached between 64 and 128 pairs. Small batches rarely contain a rival that is
# confused with the truth. How much that costs is an empirical question: the optimisers used here (Adam, Muon) rescale
# small gradients, so a small *1 − p* is not a small step. The paper gives no reason for its batch ("a very large
# minibatch size of 32,768", section 2.5), and with a sigmoid loss the gains saturate near 32,000 (Zhai et al. 2023).
# (Part of the gradient at large N is wrong: among 1,024 captions some are equal, or both true; with classes instead
# of captions that becomes the main effect, see lesson 02.)
#
# ### At one rate and one budget the middle batch wins
#
# At the *beginning* of a training everything is unanswered, and a large batch means few steps. The same model, the
# same 61,440 pairs, cut into batches of 32, 128 or 512; two seeds each.
#
# **Predict** the order.

# %%
if RETRAIN:
    more = scaling(widths=(16,), batches=(32, 512), pairs=61_440, seeds=(0, 1), pictures=5000)
else:
    more = shipped_record("scaling-batch")

# %%
by_batch = {batch: [] for batch in (32, 128, 512)}
for run in [*ladder["runs"], *more["runs"]]:
    if run["width"] == 16:
        by_batch[run["batch"]].append(100 * run["top1"])
for batch, top1 in by_batch.items():
    found = " and ".join(f"{value:.1f}%" for value in top1)
    print(f"batch {batch:3}: {61_440 // batch:5,} steps, top-1 {found}")

# %% [markdown]
# The middle wins. It may be that 32 has too few rivals and 512 too few steps; neither was tested. The differences are
# several times larger than those between the seeds. But the learning rate was the same for all three, the one that
# was tuned for 128, and that is unfair to both ends. So the table says "at this rate and for this budget", and not
# more. The paper's 390,625 steps leave room for 32,768 pairs in each.
#
# ## A huge batch on a small computer: activations are the problem
#
# What hinders us is memory. Count what a training step has to keep for the way back, for each pair.

# %%
from clipbench.pretrained.folders import find_folder, load_pretrained

student, tokenizer, preprocess = load_pretrained(find_folder("classroom"))
student.train().requires_grad_(True)
kept = []
pack = torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.nbytes) or x, lambda x: x)
pixels = preprocess.normalise(fresh.images[:64]).clone()
token_ids = tokenizer(fresh.captions[:64])
with pack:
    clipbench.clip_loss(*student(pixels, token_ids))
per_pair = (sum(kept) - sum(weight.nbytes for weight in student.parameters())) / 64

# %%
B, D = 32_768, student.config.embed_dim
print(f"activations: {per_pair / 1e6:5.1f} MB for a pair, {B * per_pair / 1e9:5.0f} GB for {B:,}")
print(f"logits:      {4 * B * B / 1e9:23.1f} GB for {B:,} x {B:,}")
print(f"features:    {4 * 2 * B * D / 1e9:23.2f} GB for both encoders")

# %% [markdown]
# (The first line is rough: a tensor that two operations keep is counted twice.) Activations are the problem, logits
# are the next, features are nothing. The two tricks that follow use exactly that.
#
# ### Adding up gradients is another loss
#
# In other trainings one adds up gradients of small batches. **Predict:** is the mean gradient of four batches of 16
# pairs the gradient of a batch of 64?

# %%
from clipbench.training.gradient_cache import accumulated_gradients


def gradient():
    """All gradients of the student as one vector; they are cleared."""
    found = [weight.grad.flatten() for weight in student.parameters() if weight.grad is not None]
    student.zero_grad(set_to_none=True)
    return torch.cat(found)


def cosine(a, b):
    return float(torch.cosine_similarity(a.double(), b.double(), dim=0))


clipbench.clip_loss(*student(pixels, token_ids)).backward()
exact = gradient()

# %%
parts_of = [32, 16, 8, 4]
cosines = [1.0]
for size in parts_of:
    accumulated_gradients(student, clipbench.clip_loss, pixels, token_ids, size)
    cosines.append(cosine(gradient(), exact))
title = f"Added up in parts of {parts_of[-1]}: a cosine of {cosines[-1]:.2f} with the exact gradient"
axes = "pairs in a part, of 64", "cosine with the exact gradient"
line_chart([64, *parts_of], {"accumulated": cosines}, title, *axes, logarithmic=True, ylim=(0, 1.05))

# %% [markdown]
# No, and the smaller the part, the less. It is another loss: each picture meets the rivals of its own part only. So
# accumulation does not give you a large batch; it only trains slowly on small ones.
#
# ### The chain rule with a pause is exact
#
# The loss depends on the weights *only through the features*:
#
# $$\frac{\partial L}{\partial w} = \sum_i \frac{\partial L}{\partial f_i} \cdot \frac{\partial f_i}{\partial w}$$
#
# The features are small, so the first factor can be had for the whole batch. The second factor belongs to one pair
# and needs no others. So:
#
# 1. encode all parts *without* keeping anything; keep the features,
# 2. take the loss of all features, and its gradient with respect to them,
# 3. encode each part again, now keeping what is needed, and send its share of that gradient through.

# %%
parts = list(zip(pixels.split(8), token_ids.split(8), strict=True))
with torch.no_grad():
    encoded = [student(*part)[:2] for part in parts]  # 1
images, texts = (torch.cat(each).requires_grad_() for each in zip(*encoded, strict=True))
clipbench.clip_loss(images, texts, student.scale).backward()  # 2; the scale gets its gradient here
shares = zip(parts, images.grad.split(8), texts.grad.split(8), strict=True)
for part, to_images, to_texts in shares:
    torch.autograd.backward(student(*part)[:2], (to_images, to_texts))  # 3
by_hand = gradient()

# %% [markdown]
# **Predict:** how close is it?

# %%
from clipbench.training.gradient_cache import cached_backward

cached_backward(student, clipbench.clip_loss, pixels, token_ids, micro_batch=8)
library = gradient()
torch.testing.assert_close(by_hand, exact, rtol=1e-4, atol=1e-5)
torch.testing.assert_close(library, by_hand, rtol=1e-4, atol=1e-6)
off = float((library - exact).norm() / exact.norm())
print(f"cosine {cosine(library, exact):.6f}, relative difference {off:.0e}")

# %% [markdown]
# The same up to rounding, with the activations of eight pairs. The price is one more forward pass, 4/3 of the time.
# (Gao et al. 2021; `clipbench train --micro-batch 8` does this. It also replays random numbers, so that dropped
# patches are dropped again.)
#
# One thing breaks it: a layer that looks at *other* pairs. Batch norm does, and the library refuses.

# %%
from clipbench.training.gradient_cache import refuse_batch_statistics

try:
    refuse_batch_statistics(load_pretrained(find_folder("tiny"))[0].requires_grad_(True), "--micro-batch")
except clipbench.UserError as error_message:
    print(error_message)

# %% [markdown]
# ### Tiles do the same for the logits
#
# A softmax needs only the *sum* along each row and column. Sums can be gathered tile by tile, and no tile has to be
# kept.
#
# **Predict:** how much memory do tiles of 1,024 x 1,024 need, whatever the batch?

# %%
both = image_features, text_features
tiled = clipbench.tiled_clip_loss(*both, encoder.scale, tile=256)
torch.testing.assert_close(tiled, clipbench.clip_loss(*both, encoder.scale), rtol=1e-5, atol=1e-5)
print(f"whole {4 * 1024**2 / 1e6:.1f} MB, in tiles of 256 {4 * 256**2 / 1e6:.2f} MB: both losses {tiled:.4f}")
print(f"at N = {B:,}: whole {4 * B**2 / 1e9:.1f} GB, in tiles of 1,024 {4 * 1024**2 / 1e6:.1f} MB")

# %% [markdown]
# Four megabytes, whatever the batch: a tile is forgotten as soon as its sums are taken. With both tricks a laptop
# takes an exact step on 32,768 pairs: `clipbench bench big-batch` did, in about three minutes and less than two
# gigabytes on one core (`EXPERIMENTS.md`). The paper needed 390,625 of them.
#
# ## What did it cost? Two accounts agree, the third does not
#
# Now we can calculate. Training does three times the operations of a forward pass: one for the forward pass, two for
# the gradients of activations and of weights. Every pair costs a picture and a text of 77 tokens.

# %%
from clipbench.compute.flops import PEAKS, training_flops

PAIRS = 400e6 * 32


def training_cost(name, pairs=PAIRS):
    """Floating-point operations of a whole training."""
    return pairs * training_flops(CLIPConfig.named(name), tokens=77)


for name in ("ViT-B/32", "ViT-L/14", "RN50x64"):
    print(f"{name:8} {training_cost(name):.1e} operations")

# %% [markdown]
# How long did that take? The paper says (section 2.5): RN50x64 took **18 days on 592 V100** GPUs, and ViT-L/14 **12
# days on 256 V100**. Elsewhere one reads of **30 days on 592 V100**, "about $1M". Which is right?
#
# We cannot look into the data centre. But we can ask what share of the GPUs' peak each account implies. A V100 does
# at most 125 · 10¹² operations a second in half precision.
#
# **Predict:** what share of the peak is usual for a large training? And which account sounds more likely?

# %%
DAY = 24 * 3600
accounts = {
    "RN50x64, 592 GPUs, 18 days (the paper)": ("RN50x64", 592, 18),
    "RN50x64, 592 GPUs, 30 days (elsewhere)": ("RN50x64", 592, 30),
    "ViT-L/14, 256 GPUs, 12 days (the paper)": ("ViT-L/14", 256, 12),
}
utilisation = {}
for account, (name, cards, days) in accounts.items():
    peak = PEAKS["V100"]["fp16"] * 1e12 * cards * days * DAY
    utilisation[account] = training_cost(name) / peak
    share = f"{utilisation[account]:.1%} of the peak"
    print(f"{account}: {cards * days:6,} GPU-days, {share}")

# %% [markdown]
# (The share counts the operations of the model, the "model FLOPs utilisation"; with gradient checkpointing, section
# 2.5, the GPUs did about a third more.) Large language models report from a fifth to nearly a half of the peak
# (Chowdhery et al. 2022, table 3). The paper's two numbers imply nearly the same utilisation, for two quite different
# models on the same GPUs. The other account needs a training that is much less efficient than its sibling. That does
# not *prove* it wrong: someone may count restarts, or the search for settings. But it is the odd one out.
#
# And the money? Turn the account around: what would an hour have to cost?

# %%
for days in (18, 30):
    hours = 592 * days * 24
    print(f"{days} days: {hours:,} GPU-hours; one million dollars would mean ${1e6 / hours:.2f} for an hour")

# %% [markdown]
# So a million dollars fits 18 days at some four dollars an hour, or 30 days at less than two and a half; it cannot fit
# both at one price. Ask of any such sum which hours and which price it takes, and whether the search for settings is in
# it. (Here it is not.)

# %% [markdown]
# ### In proportion: from three minutes to a data centre
#
# **Predict:** how many GPU-days would your favourite model take on one modern GPU, at the utilisation of the
# paper's ViT? Where is the limit of what a university group can pay?

# %%
from clipbench.figures import value_grid

UTILISATION = utilisation["ViT-L/14, 256 GPUs, 12 days (the paper)"]
cards = {"T4": "fp16", "V100": "fp16", "A100": "bf16", "H100": "bf16"}
models = ["RN50", "ViT-B/32", "ViT-B/16", "ViT-L/14", "RN50x64"]
rates = torch.tensor([UTILISATION * 1e12 * DAY * PEAKS[card][kind] for card, kind in cards.items()])
days = torch.tensor([training_cost(name) for name in models])[:, None] / rates
title = f"GPU-days for 12.8 billion pairs at {UTILISATION:.0%} of the peak"
value_grid(days.float(), models, list(cards), title)

# %% [markdown]
# The smallest fits a university group (eight modern GPUs for a week or two), the largest does not. Peaks are from
# data sheets; the column of the T4 is hypothetical, since a batch of 32,768 would not fit. And our own models?

# %%
tiny = 156_000 * training_flops(CLIPConfig.tiny(), tokens=12)
costs = {"our tiny model": tiny}
costs |= {name: training_cost(name) for name in ("ViT-B/32", "ViT-L/14", "RN50x64")}

# %%
print(f"{'':16}{'operations':>12}{'times tiny':>16}{'if tiny took 3 minutes':>26}")
for name, cost in costs.items():
    years = cost / tiny * 3 / 60 / 24 / 365
    print(f"{name:16}{cost:12.0e}{cost / tiny:16,.0f}{f'{years:,.0f} years' if years > 1 else '3 minutes':>26}")

# %% [markdown]
# The last column is this computer, if it had to do it alone. Eight orders of magnitude separate the model you train
# in three minutes from the one that made the field. That is what scaling bought, and why it matters that its laws can
# be studied in small.
#
# ## Explore
#
# Try batch sizes yourself. Press *Start*, watch the dashed line *ln N* and how fast the loss leaves it; then make
# another one with `batch_size=16`.

# %%
from dataclasses import replace

from clipbench import Trainer
from clipbench.training.presets import find_preset, scenes_of, untrained
from clipbench_widgets import TrainingMonitor

# %%
preset = find_preset("tiny")
recipe = replace(preset.train, batch_size=128, minutes=3.0)
torch.manual_seed(0)
world = scenes_of(preset, seed=0)
TrainingMonitor(Trainer(untrained(preset), world, recipe))

# %% [markdown]
# (Without a running kernel, as on GitHub, the app is not shown. It looks like
# [this picture](../docs/training_monitor.png).)
#
# ## Exercises
#
# Exercises with checks that help: [exercises/08_scaling_and_batch_size](exercises/08_scaling_and_batch_size.ipynb).
#
# 1. **Your own training.** You have eight A100 for a week. How many pairs can a ViT-B/32 see, at 40 % of the peak?
#    What if captions have 20 tokens and not 77? (Hint: turn `training_cost` around; `training_flops` takes `tokens`.)
# 2. **A batch of twins.** Repeat every pair of `image_features` and `text_features` once, and draw *ln N − loss*
#    again. By how much is the new line lower at the right end, although the model is the same, and why?
#    (Hint: `repeat_interleave(2, dim=0)`, and ln 2.)
# 3. **Half of the trick.** In the derivation, leave out step 3 for every second part. What is the cosine with the
#    exact gradient now? Compare it with accumulation. (Hint: `if number % 2: continue` in the loop of step 3.)
#
# ## What we did
#
# * We **drew** error against compute: a power law for OpenAI's ResNets, and the same direction in small.
# * We **counted** what a batch asks: never more than *ln N*, and a good model needs many rivals to get any gradient
#   at all.
# * We **derived** gradient caching and met it in the library; adding up gradients is another loss.
# * We **calculated** the cost: the paper's two accounts agree with each other in utilisation, the third does not.
#
# Next: [09 robustness](09_robustness.ipynb), where the pictures change and the words stay.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, ICML 2021,
# arXiv 2103.00020, sections 2.5 and 3.1.5, figure 9. Gradient caching: L. Gao et al., *Scaling Deep Contrastive
# Learning Batch Size under Memory Limited Setup*, 2021. Tiles: Z. Cheng et al., *Breaking the Memory Barrier*
# (Inf-CL), 2024. The bound: A. van den Oord et al., *Representation Learning with Contrastive Predictive Coding*,
# 2018.
