"""How much memory something needs at its peak, beyond what was in use before."""

import re
from collections.abc import Callable
from pathlib import Path

import torch

CLEAR = Path("/proc/self/clear_refs")


def peak_extra_megabytes(
    work: Callable[[], object], device: torch.device | str = "cpu"
) -> float | None:
    """Measure the peak memory during ``work``, less that before it, in MB of 10^6 bytes.

    It is None where the system does not say.

    On a CPU that is resident memory, so call it in a process that has not freed much before: freed
    memory may be used again without being counted.
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
    start = resident("VmRSS")
    work()
    peak = resident("VmHWM")
    return None if start is None or peak is None else (peak - start) / 1e6


def resident(name: str = "VmRSS", process: int | str = "self") -> int | None:
    """Read the resident bytes of a process, now ("VmRSS") or at its peak ("VmHWM").

    They are None where the system does not say.
    """
    try:
        found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None
