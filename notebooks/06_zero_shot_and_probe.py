# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 06 Zero-shot and linear probe: what is a label worth?
#
# A model that was never given a label can name things, because people wrote about pictures. How good is that? And how
# many labelled pictures would you have to collect to do better? The paper asked this for 27 data sets, and found a
# surprise on the simplest of them: on handwritten digits (MNIST) its best model, zero-shot ViT-L/14@336, reached 88%,
# and a logistic regression on the raw pixels 92.5%.
#
# In this notebook we will
#
# * **ask** one model the same question by words and by labels,
# * **count** how many labels the words are worth (Figs. 6 and 7 of the paper),
# * **compare** fourteen tasks: where words fail and labels do not (Figs. 5 and 8),
# * **check** in an appendix whether a probe is finished, by one equation.
#
# It takes about 60 minutes in class, and no training of a CLIP. At each **Predict** write down what you expect before
# you run the cell.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"
RETRAIN = False  # True measures the fourteen tasks anew, False reads the shipped records

# %%
import torch

import clipbench

MODEL = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}[SCALE]
encoder = clipbench.load(MODEL)

# %% [markdown]
# ## The digits
#
# scikit-learn's digits: 1,797 pictures of 8 × 8 pixels. The model learned from drawings of cats and pizzas; hardly
# any of its pictures shows a digit. To test it we take the last fifth. (It is
# mostly by other writers, but the cut splits one of them: 108 of the 360 test digits are by somebody with 22 digits in
# training. scikit-learn's own course shows how to cut between writers.)

# %%
from clipbench.data.open import open_pictures
from clipbench.figures import contact_sheet

train, test = open_pictures("digits", "train"), open_pictures("digits", "test")
words = [test.class_names[label] for label in test.labels[:12].tolist()]
contact_sheet(test.pictures(range(12)), words)

# %% [markdown]
# Each picture becomes two vectors: the features *before* the projection into the joint space, and the projected
# unit vector that is compared with texts.

# %%
from clipbench.evaluate.features.compute import image_features

before_train = image_features(encoder, train, projected=False)
before = image_features(encoder, test, projected=False)
projected = image_features(encoder, test)
print(f"before the projection {tuple(before.shape)}, after it {tuple(projected.shape)}")

# %% [markdown]
# ## By words
#
# **Predict:** ten digits, so chance is 10%. How many does this model get right by the words alone?

# %%
weights = clipbench.zero_shot_weights(encoder, test.class_names, test.templates)
by_words = clipbench.zero_shot_metrics(projected, test.labels, weights)
low, high = by_words["top1_low"], by_words["top1_high"]
print(f"{by_words['top1']:.1%}, 95% interval {low:.1%} to {high:.1%}")

# %% [markdown]
# Is that better than chance? Look at the interval, not at the number: where it reaches down to 10%, we cannot say.
# Zero-shot needs *both*: features in which a three looks different from a five, and a text encoder that knows what a
# "three" looks like. Which of the two is missing? Labels will tell, because they do not need the second.
#
# ## By labels: the linear probe
#
# We freeze the model and learn only one matrix with an intercept, by logistic regression on the training features: a
# **linear probe**. The paper used scikit-learn's, with at most 1,000 iterations (appendix A.3). It takes three lines.
#
# **Predict:** the same features, but with 1,437 labels instead of words. How many digits are right now?

# %%
from sklearn.linear_model import LogisticRegression

by_hand = LogisticRegression(C=1.0, max_iter=1000).fit(before_train, train.labels)
print(f"a probe of the features: {by_hand.score(before, test.labels):.1%} of the test digits")

# %% [markdown]
# Far more than the words. So what was missing is the second of the two: the features *hold* the digits, and no text
# leads there.
#
# ### How strong?
#
# *C* is chosen on pictures that were set aside from the training set; then the fit is repeated on all of them. The
# paper searches 96 logarithmic steps by a parametric binary search (appendix A.3);
# `clipbench.evaluate.probes.linear_probe` does the same on a grid. Here four values are enough.
#
# **Predict:** and labels on *raw pixels*, without any model: better or worse than labels on the features?

# %%
from clipbench.evaluate.probes.linear_probe import Rows, probe_metrics, split_validation
from clipbench.evaluate.probes.logistic import Problem, fit


def probe(train_features, test_features):
    part, aside = split_validation(Rows(train_features, train.labels))
    fits = [fit(Problem(part.features, part.labels), C) for C in (1e-3, 1e-2, 1e-1, 1)]
    best = max(fits, key=lambda each: probe_metrics(each, aside)["top1"])
    final = fit(Problem(train_features, train.labels), best.C)
    return probe_metrics(final, Rows(test_features, test.labels))


# %%
pixels_train, pixels = (data.tensor(16).flatten(1) / 255 for data in (train, test))
by_labels, by_pixels = probe(before_train, before), probe(pixels_train, pixels)

# %%
from clipbench.figures import accuracy_bars

three = {"words, no label": by_words, "labels on features": by_labels}
three["labels on raw pixels"] = by_pixels
title = ", ".join(f"{name} {metrics['top1']:.0%}" for name, metrics in three.items())
accuracy_bars(three, by_words["chance"], title.capitalize())

# %% [markdown]
# Compare the second bar with the first: whatever the words did not find, the features *hold* it, so the image encoder
# is not blind. Then compare it with the third. Strokes on a plain ground are a world in which pixels are already good
# features, and a model of emoji scenes has thrown some of what they say away.
#
# Do not confuse this with the paper's MNIST. There ViT-L/14@336 lost to raw pixels by *words* only: 88.3% zero-shot
# against 92.5% for a logistic regression on pixels. A linear probe on its features has 99.2% (tables 10 and 11). Ours
# loses even with labels: our features are worse for digits than pixels.
#
# ## How many labels?
#
# Collecting 1,437 labels is work. What if you label one picture of each digit, or two, or sixteen?
#
# **Predict:** with how many pictures of each digit does the probe overtake the words? (Five draws for each number take
# a while, so we read the shipped record of the `classroom` model.)

# %%
from clipbench.paper_figures import Sources

record = "classroom-digits-few-shot"
command = "clipbench eval few-shot --data digits --seeds 5 --out ..."
curve = Sources().record(record, command)["metrics"]

# %%
from clipbench.figures import line_chart
from clipbench.paper_figures.suite import shots_of

shots = shots_of(curve)
ends = ("", "_low", "_high")
rows = tuple([100 * curve[f"probe_{k}{end}"] for k in shots] for end in ends)
zero_shot = 100 * curve["zero_shot"]
lines = {"probe": rows, "words": [zero_shot] * len(shots)}
one, sixteen = rows[0][0], rows[0][-1]
title = f"1 picture a digit: {one:.0f}%, 16: {sixteen:.0f}%; words: {zero_shot:.0f}%"
axes = "labelled pictures of each digit", "top-1 in %"
line_chart(shots, lines, title, *axes, logarithmic=True)

# %% [markdown]
# At once: on the digits the words are worth less than one picture of each, because their names never stood beside
# handwriting. Look at the band, too, the 95% interval over five draws: with one picture of each digit it matters
# *which* one you happened to label. A number from one draw is an anecdote.
#
# Digits are one extreme. What about questions that the model's captions talked about?
#
# ## Fourteen questions (Figs. 6 and 7)
#
# The emoji world knows everything about its scenes, so we can ask fourteen questions about them: which of 64 things
# is it, how many, what colour is the ground, what is left of what, which word is on the sign ... Each has prompts and
# a probe. They are our small counterpart of the paper's 27 data sets. Measuring takes half an hour, so this is a record
# of the `classroom` model too; `RETRAIN = True` measures it again.

# %%
from pathlib import Path

from clipbench.paper_figures import fig05, fig06, fig07, fig08
from clipbench.paper_figures.suite import model_suite, pixel_suite

folder = Path("runs/lesson06") if RETRAIN else None
sources = Sources("classroom", shipped=folder, made=folder)
suite = model_suite(sources)
print(f"{len(suite)} tasks, as in the record of the classroom model")

# %%
from clipbench.data.world.scene_tasks import TASKS

shown, below = [], []
for name in suite:
    task, question = TASKS[name], TASKS[name].draw(TASKS[name].answers)
    shown += task.pictures(question).pictures([0])
    below.append(f"{name.replace('_', ' ')} (1 of {task.answers}): “{question.phrases[0][question.labels[0]]}”")
contact_sheet(shown, below, f"One picture for each of {len(suite)} tasks, and its right answer", columns=5)

# %% [markdown]
# Each right answer is one of the prompts that compete. (*Relation* asks for one of four places, *word order* only for
# one of two sentences with the same words.)
#
# **Predict:** on the *mean* of the fourteen tasks, how many labelled pictures of each answer are as good as the
# words? The paper's answer, for its tasks, was four.

# %%
means = fig06.mean_curve(suite)
figure, finding, match = fig06.draw(means, fig06.mean_of_texts(sources))
figure

# %% [markdown]
# This is Fig. 6 of the paper, in small. (The lowest line is the control: what somebody reaches who never sees the
# picture and always says the likelier text.) Before you compare the numbers: in our world the prompts use the very
# sentences of the training captions, and the test scenes are drawn by the same program as the training scenes. On such
# home ground words must do well. (On the digits, which are far from that home, they were worth less than one picture.)
#
# A mean hides the tasks. The next figure asks each one: where does its learning curve cross its zero-shot line?
# (Interpolated in the logarithm of the number; "≤" and "≥" where it crosses outside of the curve.)
#
# **Predict:** in which of these tasks are words worth most: the background's colour, counting, reading a sign's word?

# %%
worth = fig07.examples_by_task(suite)
for name in ("colour", "count", "sign word"):
    print(f"{name:10} words are worth {worth[name][0]:6.1f} pictures of each answer ({worth[name][1]})")
figure, finding = fig07.draw(worth, fig07.at_chance(suite))
figure

# %% [markdown]
# In the paper, with a linear probe on ViT-L/14@336, this number ran from less than one (flowers, satellite pictures)
# to 184 (facial expressions), with a median of 5.4 (figure 7). It is not a property of the model, and not one of the
# task either, but of both: of what the captions said about such pictures. (Of the three that you ranked, look up
# their bars: what captions name often is worth most.) (A trap: where words are at chance, one labelled picture is "as
# good", and the bar is short without anything having been learned. Such bars say so.)
#
# ## Where words fail and labels do not (Figs. 8 and 5)
#
# Each blue point is a task. On the dashed line words would be as good as a probe with all labels. The orange points are
# the control, the same tasks with a probe of raw pixels: if they lay along a line, too, it would only say that some
# tasks are easy for anything.
#
# **Predict:** can a task lie above the line?

# %%
control = fig08.with_pixels(sources, suite)
figure, finding, correlation = fig08.draw(fig08.both_accuracies(suite), control)
figure

# %% [markdown]
# Two reasons to be below the line, and it pays to tell them apart:
#
# * The features hold the answer, but no *words* lead to it. "A and no B" is never said in our captions, so the texts
#   are of little use there, while a probe sees at once whether there are two things or one.
# * The features do not hold it either. Then the probe is low too, and no prompt can help.
#
# Points above the line need no magic: a probe learns from a few thousand noisy pictures, and the words come with
# millions of captions. But first ask whether the intervals are apart.

# %%
ways, ends = ("zero_shot", "probe"), ("low", "high")
for name in (task for task in suite if suite[task]["zero_shot"] > suite[task]["probe"]):
    spans = [suite[name][f"{way}_{end}"] for way in ways for end in ends]
    line = "words {:.1%} to {:.1%}, probe {:.1%} to {:.1%}".format(*spans)
    print(f"{name.replace('_', ' ')}: {line}")

# %%
from clipbench.figures import value_grid

keys = ("chance", "zero_shot", "probe")
table = torch.tensor([[100 * numbers[key] for key in keys] for numbers in suite.values()])
gap = (table[:, 2] - table[:, 1]).argsort(descending=True)
names = [list(suite)[row].replace("_", " ") for row in gap.tolist()]
title = f"Largest gap: {names[0]}, {table[gap[0], 2] - table[gap[0], 1]:.0f} points"
value_grid(table[gap], names, ["chance", "words", "probe"], title)

# %% [markdown]
# The paper's famous bar chart (Fig. 5) compared words with a probe on the features of *another* model, a ResNet-50
# that learned from labels. Ours takes a rival that is cruder, and always there: the raw pixels.
#
# **Predict:** on how many of fourteen tasks do words beat 800 labelled pictures, if these are seen as raw pixels?

# %%
gaps = fig05.differences(suite, pixel_suite(sources))
figure, finding = fig05.draw(gaps, "a probe of raw pixels")
figure

# %% [markdown]
# Lines are 95% intervals. Where the question is *what* is shown, words win by far, as on the paper's sets of foods and
# cars. Where it is *where* something is, the pixels win: they are a map of places, and a model that was trained to name
# things had little reason to keep one. (And "no B" is a question about an empty place.) The paper names the same
# weakness: abstract and spatial questions, such as the distance to the nearest car. (Our own *distance* is
# no such question: it is the size of a single object, lesson 11.)
#
# ## Appendix: is the probe finished?
#
# A probe that is stopped early compares optimisers, not features. How would you notice? What is minimised, over a
# matrix $W$ and an intercept $b$, penalises large weights; *C* says how much the errors count against that:
#
# $$f(W,b) = \tfrac12\lVert W\rVert^2 + C\sum_i -\ln p_i[y_i],\qquad p_i = \mathrm{softmax}(W^\top x_i + b)$$
#
# Every framework can minimise that. **Predict:** how far does plain gradient descent get in 300 steps?

# %%
import torch.nn.functional as F

C = 1.0
X, Y = before_train.double(), F.one_hot(train.labels, 10).double()


def objective(W, b):
    return W.square().sum() / 2 + C * F.cross_entropy(X @ W + b, train.labels, reduction="sum")


W = torch.zeros(X.shape[1], 10, dtype=torch.float64, requires_grad=True)
b = torch.zeros(10, dtype=torch.float64, requires_grad=True)

# %%
with_ones = F.pad(X, (0, 1), value=1.0)
longest = torch.linalg.eigvalsh(with_ones.T @ with_ones)[-1].item()
curvature = 1 + C * longest / 2  # no direction bends more than this
history = []
for _ in range(300):
    loss = objective(W, b)
    history.append(loss.item())
    gradient_W, gradient_b = torch.autograd.grad(loss, (W, b))
    W.data -= gradient_W / curvature
    b.data -= gradient_b / curvature

# %% [markdown]
# How do we know how far it still is from the end? The library's solver comes with a *certificate*: a lower bound that
# no choice of weights can beat (from the dual problem).

# %%
solution = fit(Problem(before_train, train.labels), C)
above = history[-1] / solution.bound - 1
print(f"gradient descent {history[-1]:9.3f}, {above:.0%} above the bound")
print(f"the library      {solution.objective:9.3f}, {solution.gap:.0e} above the bound")

# %%
steps = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300]
lines = {"gradient descent": [history[step - 1] for step in steps]}
lines["certified bound"] = [solution.bound] * len(steps)
title = f"After {len(history)} steps gradient descent is {above:.0%} above the optimum"
ticks = [1, 3, 10, 30, 100, 300]
line_chart(steps, lines, title, "step", "objective", logarithmic=True, ticks=ticks)

# %% [markdown]
# Features of an image encoder lie in a narrow cone: some directions are long, most are short. Steps small enough for
# the long ones hardly move along the short ones. A probe that is stopped early compares optimisers, not features
# (scikit-learn prints a warning then, which many people switch off).
#
# ### The equation of the optimum
#
# At the minimum the gradient is zero. Write that down for *W*, with $P$ the predicted probabilities as rows:
#
# $$W = C\, X^\top (Y - P)$$
#
# Each class's weights are a sum of training pictures, and each picture counts by *how wrong* the probe is about it.
#
# **Predict:** will the library's solution satisfy it? And the one of gradient descent?

# %%
P = solution.logits(before_train).softmax(1)
assert (solution.weights - C * X.T @ (Y - P)).norm() < 0.05 * solution.weights.norm()
ours = (X @ W + b).softmax(1).detach()
wanted = C * X.T @ (Y - ours)
missing = (W.detach() - wanted).norm() / wanted.norm()
print(f"the library satisfies it; for gradient descent the two sides differ by {missing:.0%}")

# %% [markdown]
# After 300 steps the two sides still differ by nearly all of their length. Such a probe says nothing about the features.
# (Bringing each number to the same spread makes the directions alike, and the steps longer: exercise 2.)
#
# ## Explore
#
# Write two descriptions of a digit, and see whether anything but its name reaches it.

# %%
from clipbench_widgets import PromptExplorer

gallery = list(zip(words[:6], test.pictures(range(6)), strict=True))
prompts = [f"the number {word}" for word in test.class_names[:4]]
PromptExplorer(encoder, pictures=gallery, prompts=prompts)

# %% [markdown]
# ## Exercises
#
# Exercises with checks that help: [exercises/06_zero_shot_and_probe](exercises/06_zero_shot_and_probe.ipynb).
#
# 1. **Better words.** Write templates for the digits. Does any beat the shipped ones by more than the interval?
#    How many did you try, and what does that do to the interval?
# 2. **After the projection.** Repeat the few-shot curve with the projected vectors instead of the features before
#    the projection. The paper probes the latter. Which wins with one picture, which with all?
# 3. **A probe that starts from words.** Tip-Adapter adds to the words' scores those of the nearest labelled pictures, and
#    CoOp learns the words around the name: `clipbench eval few-shot --data digits --shots 16 --methods probe-projected
#    tip-adapter coop`. Which of the three needs names that already mean something? (Our numbers: docs/findings.md.)
#
# ## What we did
#
# * We **asked** for digits by words, by labels on features, and by labels on raw pixels.
# * We **counted** the labels that words are worth: for digits, and for fourteen other questions.
# * We **compared** fourteen tasks, and separated missing words from missing features.
# * We **checked** a probe by its equation, $W = C X^\top(Y-P)$, and saw an optimiser stop far from it.
#
# The same figures from the shell: `clipbench figures fig05 fig06 fig07 fig08 --out figures`.
#
# Next: [07 objectives](07_objectives.ipynb), why the loss asks which caption belongs to which picture.
#
# The paper: A. Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, ICML 2021,
# arXiv 2103.00020, sections 3.1.5, 3.2 and appendix A.3. Tip-Adapter: R. Zhang et al., ECCV 2022.
