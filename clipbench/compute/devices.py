"""What this machine offers a model: device, number format, cores and memory.

A container or a class server often grants less than the hardware shows, so cores and memory are the
smallest of what the system, the control groups and the server's own variables say.
"""

import functools
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch

from clipbench.errors import UserError

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")  # which control groups this process is in
CPU_INFO = Path("/proc/cpuinfo")
UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as a number near 2**63
# without them bf16 products are emulated, up to a hundred times slower
BF16_FLAGS = ("amx_bf16", "avx512_bf16")
WORTH_BF16 = 1.2  # times faster that products in bf16 must be for their 8 bits to be worth it
# 1.5 GiB: what the largest lesson takes, with room for Jupyter (README, table of lessons)
ENOUGH_MEMORY = 3 << 29


def pick_device(name: str | torch.device = "auto") -> torch.device:
    """The device called `name`; "auto" takes CUDA, then Apple's MPS, then the CPU.

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
    """The number format in which `device` multiplies matrices fast and safely: "bf16", "fp16" or
    "fp32".

    Every choice of a format in this package is this one. A processor computes in bf16 only if it
    lists the instructions and a product was measured to be faster so; nothing is emulated.
    """
    return precision_and_reason(device)[0]


def precision_and_reason(device: torch.device | str) -> tuple[str, str]:
    """The precision of `pick_precision`, and half a sentence that says why."""
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
    """How many times as fast this processor multiplies two matrices in bf16 as in fp32;
    measured once, in turns.
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
    """The instruction sets that Linux lists for this processor; empty on other systems."""
    if not cpu_info.exists():
        return frozenset()
    lines = cpu_info.read_text(errors="replace").splitlines()
    return frozenset(
        next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split()
    )


def threads_for_latency() -> int:
    """Threads for one query or one probe: always one.

    A second thread gains little on small matrices, and where another process wants its core, the
    two wait for each other: a text query was measured 62 times slower that way.
    """
    return 1


def thread_counts_to_try() -> list[int]:
    """Thread counts for a trainer to measure: powers of two up to the allowed cores, and those
    cores.
    """
    cores = allowed_cores()
    return sorted({1 << i for i in range(cores.bit_length())} | {cores})


def use_fastest_threads(work: Callable[[], object]) -> int:
    """Call `work` twice with each thread count worth trying, leave torch at the fastest, and
    return that.
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


def allowed_cores(environ: Mapping[str, str] = os.environ, cgroups: Path = CGROUPS) -> int:
    """Whole cores that this process may use, at least one."""
    return max(1, int(min(core_limits(environ, cgroups).values())))


def core_limits(
    environ: Mapping[str, str] = os.environ, cgroups: Path = CGROUPS
) -> dict[str, float]:
    """Each limit on cores by where it comes from; a share of one core is a fraction."""
    limits = {"visible": float(os.cpu_count() or 1)}
    if hasattr(os, "sched_getaffinity"):  # Linux only
        limits["affinity"] = float(len(os.sched_getaffinity(0)))
    quotas = list(_cgroup_cores(cgroups))
    if quotas:
        limits["cgroup"] = min(quotas)
    granted = _positive(environ.get("CPU_LIMIT", ""))  # set by JupyterHub and Binder
    if granted:
        limits["CPU_LIMIT"] = granted
    return limits


def memory_limit(environ: Mapping[str, str] = os.environ, cgroups: Path = CGROUPS) -> int | None:
    """Bytes that this process may use; None where the system does not tell."""
    return min(memory_limits(environ, cgroups).values(), default=None)


def memory_limits(
    environ: Mapping[str, str] = os.environ, cgroups: Path = CGROUPS
) -> dict[str, int]:
    """Each limit on memory, in bytes, by where it comes from."""
    limits = {}
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        limits["physical"] = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    groups = list(_cgroup_memory(cgroups))
    if groups:
        limits["cgroup"] = min(groups)
    granted = _positive(environ.get("MEM_LIMIT", ""))
    if granted:
        limits["MEM_LIMIT"] = int(granted)
    return limits


def advice_on_memory(limit: int | None) -> str | None:
    """What to do where there is so little memory that a kernel may be killed; None where there
    is enough.
    """
    if limit is None or limit >= ENOUGH_MEMORY:
        return None
    return (
        f"only {limit / 2**30:.1f} GiB of memory: open one notebook at a time (Kernel > "
        "Shut Down All Kernels), "
        'with SCALE = "tiny" in its first cell; a kernel that takes more is killed without a word'
    )


def has_nvidia_driver() -> bool:
    """Whether an NVIDIA driver is installed, also when torch was built without CUDA."""
    return shutil.which("nvidia-smi") is not None


def _cgroup_cores(cgroups: Path) -> Iterator[float]:
    """Core quotas: cpu.max holds "quota period" (version 2); version 1 has a file for each."""
    for folder in _own_groups(cgroups, "cpu"):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        quota = quota or _read(folder / "cpu.cfs_quota_us")
        period = period or _read(folder / "cpu.cfs_period_us")
        if _positive(quota) and _positive(period):
            yield _positive(quota) / _positive(period)


def _cgroup_memory(cgroups: Path) -> Iterator[int]:
    for folder in _own_groups(cgroups, "memory"):
        limit = _positive(_read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes"))
        if 0 < limit < UNLIMITED:
            yield int(limit)


def _own_groups(cgroups: Path, controller: str) -> Iterator[Path]:
    """The control groups of this process and their parents, for version 2 and for one version 1
    controller.

    Inside a container the listed path may not exist, as the container's own group is mounted as the
    root.
    """
    for line in _read(MEMBERSHIP).splitlines() or ["0::/"]:
        _, controllers, path = line.split(":", 2)
        if controllers == "" or controller in controllers.split(","):
            root = cgroups / controller if controllers else cgroups
            inner = root / path.lstrip("/")
            yield from (folder for folder in [inner, *inner.parents] if folder.is_relative_to(root))


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _positive(text: str) -> float:
    """The number in `text`, or 0 where it holds none ("max", "", "-1")."""
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
