"""Exercises of lesson 15, on sparse autoencoders.

A few of many, what a silent feature takes out, shares of activity, and what grades mean.
"""

import torch

from clipbench.exercises.check import ChoiceCheck, FunctionCheck, numbers

_values = torch.tensor([[3.0, -1.0, 2.0, 1.0], [-3.0, -1.0, -2.0, 0.5]])


def largest(values, k, positive=True):
    top = values.topk(k, dim=-1)
    kept = top.values.relu() if positive else top.values
    return torch.zeros_like(values).scatter(-1, top.indices, kept)


check_largest = FunctionCheck(
    right=largest,
    cases=((_values, 2), (numbers(4, 9, seed=1), 3)),
    mistakes={
        "A row can have fewer than k positive numbers. What is negative is not active: make it "
        "zero.": lambda values, k: largest(values, k, positive=False),
        "Those are the k largest by their *size*. A large negative number is no large "
        "answer.": lambda values, k: torch.zeros_like(values).scatter(
            -1,
            values.abs().topk(k, dim=-1).indices,
            values.gather(-1, values.abs().topk(k, dim=-1).indices).relu(),
        ),
        "Those are the numbers alone. Their places matter: give a row as long as before, with "
        "zeros.": lambda values, k: values.topk(k, dim=-1).values.relu(),
        "That keeps every positive number. Keep the k largest of each row.": lambda values, k: (
            values.relu()
        ),
    },
    praise="At most k are active, and which ones differs from row to row: that is the difference to "
    "k principal directions.",
)

_x, _z, _decoder = numbers(3, 5, seed=2), numbers(3, 4, seed=3).relu(), numbers(4, 5, seed=4)


def silenced(x, z, decoder, feature):
    return x - z[:, [feature]] * decoder[feature]


check_silenced = FunctionCheck(
    right=silenced,
    cases=((_x, _z, _decoder, 0), (_x, _z, _decoder, 2)),
    mistakes={
        "That is the rebuilt row, without what the autoencoder does not explain. Change x, and only "
        "by what the feature wrote.": lambda x, z, decoder, feature: (
            z.index_fill(1, torch.tensor([feature]), 0.0) @ decoder
        ),
        "You added it once more. To silence a feature take its part away.": lambda x, z, decoder, feature: (
            x + z[:, [feature]] * decoder[feature]
        ),
        "You took the whole direction away, from each row alike. Take away as much of it as the "
        "feature was active.": lambda x, z, decoder, feature: x - decoder[feature],
        "Now nothing is left but the feature. It should be gone, and the rest stay.": lambda x, z, decoder, feature: (
            z[:, [feature]] * decoder[feature]
        ),
    },
    praise="Where the feature was not active, nothing changes at all.",
)

_activity = numbers(8, 3, seed=5).relu()
_signs = torch.tensor([True, True, False, False, False, False, False, True])


def share(activity, signs):
    on, off = activity[signs].mean(0), activity[~signs].mean(0)
    return on / (on + off)


check_share = FunctionCheck(
    right=share,
    cases=((_activity, _signs),),
    mistakes={
        "There are more scenes without a sign than with one. Compare the *mean* activities, not the "
        "sums.": lambda activity, signs: activity[signs].sum(0) / activity.sum(0),
        "That is the share of scenes in which it is active. How strongly counts, too.": lambda activity, signs: (
            share((activity > 0).float(), signs)
        ),
        "That is the share on scenes *without* signs.": lambda activity, signs: (
            1 - share(activity, signs)
        ),
        "That is the mean activity on signs. Divide by what there is on both sides.": lambda activity, signs: (
            activity[signs].mean(0)
        ),
    },
    praise="0.5 means that the feature does not care, 1 that it answers to signs alone.",
)

YES, NO = "yes", "no"
check_claims = ChoiceCheck(
    right={
        "a feature whose top pictures are all sketches answers to all sketches": NO,
        "the best of 512 directions, chosen and graded on the same scenes, is graded too well": YES,
        "if switching features off stops the attack, these features are the cause": NO,
        "the nearest text of a feature proves what it means": NO,
        "a probe that is better than every feature shows that more is in the vector": YES,
    },
    why={
        "a feature whose top pictures are all sketches answers to all sketches": "top pictures show "
        "where it answers, not where it should and does not. Splitting hides there.",
        "the best of 512 directions, chosen and graded on the same scenes, is graded too well": "luck "
        "in the choice is part of its grade. Grade on other scenes.",
        "if switching features off stops the attack, these features are the cause": "any damage may stop it. "
        "Compare with as many other features, as active, and look at clean accuracy.",
        "the nearest text of a feature proves what it means": "every direction has a nearest text, a "
        "random one as well.",
        "a probe that is better than every feature shows that more is in the vector": "it reads the same "
        "numbers; it only combines more of them.",
    },
    praise="Names are cheap, grades need truth, and causes need a control.",
)
