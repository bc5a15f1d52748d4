"""How much memory something needs at its peak, beyond what was in use before."""

import re
from collections.abc import Callable
from pathlib import Path

import torch

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_extra_megabytes(work: Callable[[], object], device: torch.device | str = "cpu") -> float | None:
    """Peak memory during ``work`` less that before it, in MB of 10^6 bytes; None where the system does not tell.

    On a CPU that is resident memory, so call it in a process that has not freed much before: freed memory may be used
    again without being counted.
    """
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    if not CLEAR.exists():  # Linux only
        return None
    CLEAR.write_text("5")  # the peak begins anew
    before = resident("VmRSS")
    work()
    return (resident("VmHWM") - before) / 1e6


def resident(name: str) -> int:
    return 1024 * int(re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())[1])
