"""What this machine offers a model: device, number format and threads."""

import functools
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import torch

from clipbench.compute.limits import allowed_cores
from clipbench.errors import UserError

CPU_INFO = Path("/proc/cpuinfo")
# without them bf16 products are emulated, up to a hundred times slower
BF16_FLAGS = ("amx_bf16", "avx512_bf16")
WORTH_BF16 = 1.2  # times faster that products in bf16 must be for their 8 bits to be worth it


def pick_device(name: str | torch.device = "auto") -> torch.device:
    """Pick the device called `name`; "auto" takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UserError: for one that this machine does not have.
    """
    name = str(name)
    if name == "auto":
        name = (
            "cuda"
            if torch.cuda.is_available()
            else "mps"
            if torch.backends.mps.is_available()
            else "cpu"
        )
    kind, _, index = name.partition(":")
    present = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }
    valid = [
        f"{each}:{i}" if count > 1 else each
        for each, count in present.items()
        for i in range(count)
    ]
    if kind not in present or not (index or "0").isdigit() or int(index or 0) >= present[kind]:
        raise UserError(f"no device {name!r} on this machine; choose from auto, {', '.join(valid)}")
    return torch.device(name)


def pick_precision(device: torch.device | str) -> str:
    """Pick the number format in which `device` multiplies matrices fast and safely.

    It is "bf16", "fp16" or "fp32".

    Training takes it wherever none is named; encoders, too, on a card
    (``compute.precision.choose_precision``). A processor computes in bf16 only if it
    lists the instructions and a product was measured to be faster so; nothing is emulated.
    """
    return precision_and_reason(device)[0]


def precision_and_reason(device: torch.device | str) -> tuple[str, str]:
    """Give the precision of `pick_precision`, and half a sentence that says why."""
    device = torch.device(device)
    if device.type == "cuda":
        return _cuda_precision(*torch.cuda.get_device_capability(device))
    if device.type == "cpu":
        return _cpu_precision(cpu_flags())
    return "fp32", f"the safe choice on {device.type}"


def _cuda_precision(major: int, minor: int) -> tuple[str, str]:
    # torch.cuda.is_bf16_supported() also says yes where bf16 is emulated and slow, as on a T4.
    if major >= 8:
        return "bf16", f"compute capability {major}.{minor} has bf16 tensor cores"
    if major == 7:
        return "fp16", f"compute capability {major}.{minor} has fp16 tensor cores but none for bf16"
    return "fp32", f"compute capability {major}.{minor} has no tensor cores"


def _cpu_precision(flags: frozenset[str]) -> tuple[str, str]:
    flag = next((flag for flag in BF16_FLAGS if flag in flags), None)
    if flag is None:
        return (
            "fp32",
            f"the processor has neither {' nor '.join(BF16_FLAGS)}, where bf16 is slower than fp32",
        )
    times = times_faster_in_bf16()
    measured = f"and a product in bf16 was measured {times:.1f} times as fast as in fp32"
    return "bf16" if times >= WORTH_BF16 else "fp32", f"the processor has {flag}, {measured}"


@functools.cache
def times_faster_in_bf16(size: int = 256, rounds: int = 5) -> float:
    """Measure how many times as fast this processor multiplies two matrices in bf16 as in fp32.

    It is measured once, in turns.
    """
    formats = torch.float32, torch.bfloat16
    seconds: dict[torch.dtype, list[float]] = {dtype: [] for dtype in formats}
    for _ in range(rounds):
        for dtype in formats:
            seconds[dtype].append(_seconds_of_product(torch.ones(size, size, dtype=dtype)))
    return min(seconds[torch.float32]) / min(seconds[torch.bfloat16])  # the first of each warmed up


def _seconds_of_product(matrix: torch.Tensor) -> float:
    began = time.perf_counter()
    matrix @ matrix
    return time.perf_counter() - began


def cpu_flags(cpu_info: Path = CPU_INFO) -> frozenset[str]:
    """Read the instruction sets that Linux lists for this processor; empty on other systems."""
    if not cpu_info.exists():
        return frozenset()
    lines = cpu_info.read_text(errors="replace").splitlines()
    return frozenset(
        next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split()
    )


def threads_for_latency() -> int:
    """Give the number of threads for one query or one probe: always one.

    A second thread gains little on small matrices, and where another process wants its core, the
    two wait for each other: a text query was measured 62 times slower that way.
    """
    return 1


def thread_counts_to_try() -> list[int]:
    """List the thread counts for a trainer to measure.

    They are powers of two up to the allowed cores, and those cores.
    """
    cores = allowed_cores()
    return sorted({1 << i for i in range(cores.bit_length())} | {cores})


def use_fastest_threads(work: Callable[[], object]) -> int:
    """Leave torch at the fastest thread count for `work`, and return it.

    `work` is called twice with each thread count worth trying.
    """
    seconds = {}
    for threads in thread_counts_to_try():
        torch.set_num_threads(threads)
        work()
        began = time.perf_counter()
        work()
        seconds[threads] = time.perf_counter() - began
    torch.set_num_threads(min(seconds, key=seconds.__getitem__))
    return torch.get_num_threads()


def has_nvidia_driver() -> bool:
    """Say whether an NVIDIA driver is installed, also when torch was built without CUDA."""
    return shutil.which("nvidia-smi") is not None
