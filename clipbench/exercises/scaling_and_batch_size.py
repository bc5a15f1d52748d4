"""Exercises of lesson 08: exponents, days on GPUs, and what a large batch is."""

import math

from clipbench.exercises.check import ChoiceCheck, FunctionCheck

check_exponent = FunctionCheck(
    right=lambda compute, error: math.log(error[1] / error[0]) / math.log(compute[1] / compute[0]),
    cases=(((1.0, 100.0), (0.60, 0.30)), ((2.0, 32.0), (0.5, 0.4))),
    mistakes={
        "That is the slope on plain axes. A power law is a line when *both* axes are logarithms.": lambda compute, error: (
            (error[1] - error[0]) / (compute[1] - compute[0])
        ),
        "The error needs a logarithm, too.": lambda compute, error: (
            (error[1] - error[0]) / math.log(compute[1] / compute[0])
        ),
        "The sign is turned: the error falls, so the exponent is negative.": lambda compute, error: (
            -math.log(error[1] / error[0]) / math.log(compute[1] / compute[0])
        ),
        "Upside down: the change of the error, divided by the change of the compute.": lambda compute, error: (
            math.log(compute[1] / compute[0]) / math.log(error[1] / error[0])
        ),
    },
    praise="Two points always lie on a line. Three that do are evidence, and they say "
    "nothing about a fourth far away.",
)


def days(pairs, gigaflops, teraflops, gpus, used, day=86_400.0):
    return pairs * gigaflops * 1e9 / (teraflops * 1e12 * gpus * used) / day


check_days = FunctionCheck(
    right=days,
    cases=((12.8e9, 80.0, 112.0, 256, 0.3), (4e8, 30.0, 989.0, 1, 0.4)),
    mistakes={
        "That is in seconds. A day has 86,400 of them.": lambda p, g, t, n, used: days(
            p, g, t, n, used, day=1.0
        ),
        "That is in hours.": lambda p, g, t, n, used: days(p, g, t, n, used, day=3600.0),
        "You left out that only a part of the peak is used.": lambda p, g, t, n, used: days(
            p, g, t, n, 1.0
        ),
        "You multiplied by the part that is used. Using less of a GPU takes *longer*.": lambda p, g, t, n, used: (
            days(p, g, t, n, 1.0) * used
        ),
        "More GPUs should make it shorter: divide by their number.": lambda p, g, t, n, used: days(
            p, g, t, 1 / n, used
        ),
        "That is the time of one GPU. Divide by their number.": lambda p, g, t, n, used: days(
            p, g, t, 1, used
        ),
        "A factor of a thousand: giga is 10⁹ and tera 10¹².": lambda p, g, t, n, used: days(
            p, g * 1000, t, n, used
        ),
    },
    praise="The part that is used is a guess, and the answer is as good as it is.",
)

SAME, OTHER = "the same loss", "another loss"
check_big_batch = ChoiceCheck(
    right={
        "the mean of the losses of eight batches of 64, instead of one of 512": OTHER,
        "512 pairs, their features computed 64 at a time, then one loss over all": SAME,
        "the logits of 512 pairs computed in tiles": SAME,
        "512 pairs on two processes, each compares its own 256 only": OTHER,
    },
    why={
        "the mean of the losses of eight batches of 64, instead of one of 512": "each picture meets 63 rivals, not 511. "
        "Its level of ignorance is ln 64.",
        "512 pairs, their features computed 64 at a time, then one loss over all": "features do not depend on the rest of "
        "the batch; only the loss compares. That is the gradient cache.",
        "the logits of 512 pairs computed in tiles": "the same numbers are added, in "
        "another order.",
        "512 pairs on two processes, each compares its own 256 only": "the rivals on the other process are never met. "
        "Features have to be gathered.",
    },
    praise="Rivals make the question hard; memory is only a matter of bookkeeping.",
)
