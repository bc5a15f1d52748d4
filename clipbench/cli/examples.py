"""The example that ends each command's help."""

EXAMPLES = {
    "train": "--preset tiny --out runs/tiny",
    "sweep": "sweep.json --out runs/sweep",
    "eval zero-shot": "--model classroom --data scenes:heldout256",
    "eval linear-probe": "--model classroom --data digits",
    "eval few-shot": "--model classroom --data digits",
    "eval typographic": "--model twin:reader --data scenes:heldout256",
    "eval hard-negatives": "--model classroom --data scenes:order",
    "compare": "first.json second.json",
    "classify": 'photo.jpg --text "a cat" --text "a dog"',
    "embed": "--data photos/ --out photos.safetensors",
    "search": '--data photos.safetensors --text "a cat"',
    "figures": "--out figures",
    "doctor": "--online",
}


def example_of(program: str) -> str:
    """Return a line to copy, for a command as it is called, such as ``clipbench eval act``."""
    name = program.partition(" ")[2]
    usual = "--model classroom" if name.startswith("eval ") else ""
    return f"{program} {EXAMPLES.get(name, usual)}".strip()
