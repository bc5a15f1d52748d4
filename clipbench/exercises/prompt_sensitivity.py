"""Exercises of lesson 03: templates, ensembles, what a frame can change, and an honest choice."""

import torch

from clipbench.exercises.check import ChoiceCheck, FunctionCheck, numbers, unit_rows

check_prompts = FunctionCheck(
    right=lambda class_names, templates: [
        [template.format(name) for template in templates] for name in class_names
    ],
    cases=((["cat", "dog", "bus"], ["a photo of a {}.", "a sketch of a {}"]),),
    mistakes={
        "The order is turned: one list for each *class*, with one sentence for each template.": lambda class_names, templates: [
            [t.format(name) for name in class_names] for t in templates
        ],
        "All sentences are in one list. Make one list for each class, so that we know "
        "which belong together.": lambda class_names, templates: [
            t.format(name) for name in class_names for t in templates
        ],
        "The name was put behind the template. It belongs into the gap: template.format(name).": lambda class_names, templates: [
            [t + name for t in templates] for name in class_names
        ],
        "Only one template was used.": lambda class_names, templates: [
            [templates[0].format(name)] for name in class_names
        ],
    },
    praise="",
)


check_ensemble = FunctionCheck(
    right=lambda features: unit_rows(unit_rows(features).mean(dim=1)),
    cases=((numbers(2, 3, 4),), (3 * numbers(3, 3, 3, seed=1),)),
    mistakes={
        "The means are not of length 1. Classes whose templates disagree get smaller "
        "cosines: normalise once more.": lambda features: unit_rows(features).mean(dim=1),
        "That is the plain mean. Long vectors count for more in it, and it is not of length 1: "
        "normalise before the mean and after it.": lambda features: features.mean(dim=1),
        "You averaged over the classes. The templates are in the second dimension: mean(dim=1).": lambda features: (
            unit_rows(unit_rows(features).mean(dim=0))
        ),
        "You averaged before giving each sentence the length 1, so long vectors count for more.": lambda features: (
            unit_rows(features.mean(dim=1))
        ),
        "Only the first template is used.": lambda features: unit_rows(features[:, 0]),
        "The normalisation runs over the templates, not over the numbers of one feature: dim=-1.": lambda features: (
            unit_rows(unit_rows(features, dim=1).mean(dim=1))
        ),
        "You averaged over the numbers of a feature. The templates are in the second "
        "dimension: mean(dim=1).": lambda features: unit_rows(unit_rows(features).mean(dim=2)),
    },
    praise="Normalise, average, normalise: as in the code that was released with the paper.",
)

NOTHING, SOMETHING = "no answer changes", "answers can change"
check_what_changes = ChoiceCheck(
    right={
        "the same vector is added to every class feature": NOTHING,
        "every class feature is doubled": NOTHING,
        "another vector is added to each class feature": SOMETHING,
        "the scale is doubled": NOTHING,
        "one more class is added": SOMETHING,
    },
    why={
        "the same vector is added to every class feature": "every cosine of a picture "
        "grows by the same number, "
        "picture × vector. Which class is the largest afterwards? (This is why a wrong "
        "frame costs so little.)",
        "every class feature is doubled": "all products of a picture double. Does this "
        "change their order?",
        "another vector is added to each class feature": "each product of a picture "
        "grows by another number, so "
        "their order can change. This is what words do that mean something else with each name.",
        "the scale is doubled": "logits are scale × cosine. The order of the cosines "
        "is not touched; only the "
        "probabilities become sharper.",
        "one more class is added": "the old classes keep their order, but the new one "
        "can come before all of them.",
    },
    praise="Only *differences between classes* decide an answer.",
)

_lucky = ([0.52, 0.55, 0.51, 0.54], [0.50, 0.51, 0.49, 0.56])
check_choice = FunctionCheck(
    right=lambda validation, test: test[max(range(len(test)), key=lambda i: validation[i])],
    cases=(_lucky, ([0.3, 0.1, 0.2], [0.2, 0.4, 0.3])),
    mistakes={
        "Still broken: this accuracy is too good to be true. On which pictures was the "
        "template chosen?": lambda validation, test: max(test),
        "This is the accuracy on the pictures that chose the template: too good again. "
        "Report the test accuracy of the "
        "template that was best in validation.": lambda validation, test: max(validation),
        "You averaged over the templates. Choose one.": lambda validation, test: (
            sum(test) / len(test)
        ),
        "That is the number of the template. Report its accuracy on the test pictures.": lambda validation, test: (
            max(range(len(test)), key=lambda i: validation[i])
        ),
        "You chose the template that was *worst* in validation.": lambda validation, test: test[
            min(range(len(test)), key=lambda i: validation[i])
        ],
    },
    praise="Lower, and true. The paper's few-shot and probe numbers need the same care.",
)


def sums_by_kind(probabilities, kinds):
    names = sorted(set(kinds))
    return {
        name: round(sum(p for p, k in zip(probabilities, kinds, strict=True) if k == name), 6)
        for name in names
    }


def rounded(table):
    return {name: round(float(value), 6) for name, value in table.items()}


def reduced(combine):
    def by_kind(probabilities, kinds):
        groups = {
            name: [p for p, k in zip(probabilities, kinds, strict=True) if k == name]
            for name in set(kinds)
        }
        return {name: combine(values) for name, values in groups.items()}

    return by_kind


check_kinds = FunctionCheck(
    right=sums_by_kind,
    cases=(
        ([0.4, 0.3, 0.2, 0.1], ["mammal", "vehicle", "vehicle", "mammal"]),
        ([0.5, 0.2, 0.2, 0.1], ["bird", "fruit", "fruit", "fruit"]),
    ),
    mistakes={
        "You took the mean, so large kinds are punished. Probabilities of things that "
        "exclude each other add.": reduced(lambda values: sum(values) / len(values)),
        "You took the largest member. Probabilities of things that exclude each other add.": reduced(
            max
        ),
        "You counted the members of each kind. Add their probabilities.": reduced(len),
        "You multiplied. That would be the probability of *all* at once; one *or* the "
        "other is a sum.": reduced(
            lambda values: float(torch.tensor(values, dtype=torch.float64).prod())
        ),
    },
    praise="A kind gets what its members have together: so a classifier of names is "
    "one of kinds, too.",
    view=rounded,
)
