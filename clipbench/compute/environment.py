"""Settings of torch that are environment variables, read when torch starts."""

import os
from collections.abc import MutableMapping


def prepare_for_torch(environ: MutableMapping[str, str] = os.environ) -> None:
    """Set what makes torch faster, unless the user has set it.

    Call it before the first import of torch.
    """
    # A thread that waits for another one must sleep, not spin: beside a second busy program,
    # spinning threads made a training step many times slower (EXPERIMENTS.md).
    environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Large tensors in large memory pages: a training step touches so much fresh memory that the
    # system's page faults took a tenth of it.
    environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
