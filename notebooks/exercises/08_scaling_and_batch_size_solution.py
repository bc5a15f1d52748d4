# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 08: powers, days and batches
#
# Three short tasks about lesson [08 Scaling and batch size](../08_scaling_and_batch_size.ipynb).
#
# Write your code instead of the three dots, run the cell, then run the check below it. A check says what is probably
# wrong, as often as you ask. Nothing is counted, and nothing leaves your computer.

# %% tags=["parameters"]
import os

SCALE = os.environ.get("CLIPBENCH_SCALE", "classroom")  # or "tiny", or "full"

# %%
from clipbench.exercises import scaling_and_batch_size

# %% [markdown]
# ## 1. An exponent
#
# A power law is a straight line when both axes are logarithms. From two points (`compute` and `error` hold two numbers
# each) give back its slope.


# %%
def exponent(compute, error):
    # solution
    from math import log

    return log(error[1] / error[0]) / log(compute[1] / compute[0])


# %%
scaling_and_batch_size.check_exponent(exponent)

# %% [markdown]
# ## 2. How many days?
#
# `pairs` to see, `gigaflops` of training for each pair, GPUs that can do `teraflops` a second at their peak, `gpus` of
# them, and the part of the peak that is `used` (0.3, say). How many days?


# %%
def days(pairs, gigaflops, teraflops, gpus, used):
    # solution
    seconds = pairs * gigaflops * 1e9 / (teraflops * 1e12 * gpus * used)
    return seconds / 86_400


# %%
scaling_and_batch_size.check_days(days)

# %% [markdown]
# ## 3. What is a large batch?
#
# Which of these has the same loss as one batch of 512 pairs?

# %%
SAME, OTHER = "the same loss", "another loss"
choices = {
    "the mean of the losses of eight batches of 64, instead of one of 512": OTHER,  # solution
    "512 pairs, their features computed 64 at a time, then one loss over all": SAME,  # solution
    "the logits of 512 pairs computed in tiles": SAME,  # solution
    "512 pairs on two processes, each compares its own 256 only": OTHER,  # solution
}

# %%
scaling_and_batch_size.check_big_batch(choices)

# %% [markdown]
# ## All together
#
# The paper: 12.8 billion pairs, 256 V100 GPUs with a peak of 112 teraflops in half precision, twelve days for its
# ViT-L/14. **Predict** what part of the peak was used, if a pair took 500 gigaflops. Then find it: which `used` gives
# twelve days?

# %%
for used in (0.1, 0.2, 0.4, 0.8):
    print(f"{used:.0%} of the peak: {days(12.8e9, 500, 112, 256, used):.0f} days")
