"""The type checker of the test suite: it checks the shapes of arrays, wherever they are annotated.

What else is annotated is mypy's (``make lint``). To check that here too would cost more than a third
of the suite's time: a wrapper around every call, and a check that is compiled whenever a nested
function is defined.
"""

from typing import get_args

import jaxtyping
from beartype import BeartypeConf, beartype

# a whole number is a float too, as PEP 484 has it
check = beartype(conf=BeartypeConf(is_pep484_tower=True))
check_anything = jaxtyping.jaxtyped


def is_shaped(annotation) -> bool:
    """Say whether an annotation is or contains an array with a shape."""
    if isinstance(annotation, list):  # the arguments of a Callable
        return any(map(is_shaped, annotation))
    if inner := get_args(annotation):
        return any(map(is_shaped, inner))
    return isinstance(annotation, type) and issubclass(annotation, jaxtyping.AbstractArray)


def jaxtyped(*arguments, **options):
    """Decorate as jaxtyping does, but leave alone what has no shape in its annotations."""
    if arguments:
        return check_anything(*arguments, **options)
    decorate = check_anything(**options)
    return lambda it: (
        decorate(it) if any(map(is_shaped, getattr(it, "__annotations__", {}).values())) else it
    )


# jaxtyping's import hook, which pytest installs, decorates every function and class by this name
jaxtyping.jaxtyped = jaxtyped
