"""Exercises of lesson 11: ties, a way to say none of these, and causes."""

import torch

from clipbench.exercises.check import ChoiceCheck, FunctionCheck

_own = torch.tensor([0.30, 0.25, 0.40, 0.20, 0.35, 0.10])
_other = torch.tensor([0.30, 0.20, 0.45, 0.20, 0.30, 0.10])


def share(values):
    return float(values.float().mean())


check_ties = FunctionCheck(
    right=lambda own, other: share(own > other) + 0.5 * share(own == other),
    cases=((_own, _other), (torch.ones(4) / 4, torch.ones(4) / 4), (_other, _own * 0.9)),
    mistakes={
        "Still broken: a bag of words cannot tell the two captions apart at all, and "
        "your function gives it a perfect "
        "score. What should it get?": lambda own, other: share(own >= other),
        "Now a model that cannot tell two captions apart is *always* wrong. It "
        "guesses, so it should be right half of the "
        "time.": lambda own, other: share(own > other),
        "You left the ties out. Then a model that nearly always ties is judged by a "
        "few pictures only.": lambda own, other: (
            share((own > other)[own != other]) if bool((own != other).any()) else 0.0
        ),
        "That is a count. Divide by the number of pictures.": lambda own, other: float(
            (own > other).sum() + 0.5 * (own == other).sum()
        ),
    },
    praise="Chance is one half for everybody now. Always ask what happens to ties.",
)


def answer(cosines, names, threshold, none="none of these"):
    best = int(cosines.argmax())
    return names[best] if float(cosines[best]) >= threshold else none


_names = ["cat", "dog", "bus"]
check_sink = FunctionCheck(
    right=answer,
    cases=(
        (torch.tensor([0.31, 0.22, 0.10]), _names, 0.25),
        (torch.tensor([0.18, 0.22, 0.10]), _names, 0.25),
        (torch.tensor([0.9, 0.8, 0.7, 0.8, 0.9]), ["a", "b", "c", "d", "e"], 0.25),
        (torch.tensor([-0.20, -0.30, -0.25]), _names, 0.25),
        (torch.tensor([0.26, 0.27, 0.28]), _names, 0.25),
    ),
    mistakes={
        "It always names something. If even the best cosine is below the threshold, "
        "say “none of these”.": lambda cosines, names, threshold: answer(cosines, names, -2.0),
        "You compared a probability with the threshold. Probabilities of a softmax sum "
        "to 1 however bad all names are: "
        "compare the cosine.": lambda cosines, names, threshold: answer(
            cosines.softmax(0), names, threshold
        ),
        "It is the wrong way round: a *high* cosine is a good match.": lambda cosines, names, threshold: (
            names[int(cosines.argmax())] if float(cosines.max()) < threshold else "none of these"
        ),
        "You asked all names to be above the threshold. One good name is enough: look "
        "at the best.": lambda cosines, names, threshold: (
            names[int(cosines.argmax())] if float(cosines.min()) >= threshold else "none of these"
        ),
    },
    praise="The threshold has to be measured for each model: lesson 02 showed how "
    "cosines of strangers are spread.",
)

CAUSE, NOT = "shows the cause", "does not show it"
check_causes = ChoiceCheck(
    right={
        "a twin whose captions never count, all else equal, cannot count": CAUSE,
        "the larger of two released models counts better": NOT,
        "a probe of the twin's features can count": NOT,
        "with three seeds each, both twins differ by more than seeds do": CAUSE,
    },
    why={
        "a twin whose captions never count, all else equal, cannot count": "one thing was changed, on purpose.",
        "the larger of two released models counts better": "they differ in size, data, "
        "training, and more. Any of these "
        "could be it.",
        "a probe of the twin's features can count": "this says *where* the ability is "
        "missing (in the words), not what "
        "made it missing.",
        "with three seeds each, both twins differ by more than seeds do": "it rules out luck, which a single pair of "
        "twins cannot.",
    },
    praise="Change one thing, repeat it with other seeds, and measure against chance.",
)
