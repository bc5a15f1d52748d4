"""What this machine grants a process: cores and memory, without an import of torch.

A container or a class server often grants less than the hardware shows, so each is the smallest of
what the system, the control groups and the server's own variables say.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")  # which control groups this process is in
UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as a number near 2**63
# 1.5 GiB: what the largest lesson takes, with room for Jupyter (README, table of lessons)
ENOUGH_MEMORY = 3 << 29
# what a visitor's kernel takes at `classroom` with all eight apps open (EXPERIMENTS.md, the apps)
KERNEL_MEMORY = 810_000_000
SHARE_FOR_VISITORS = 0.75  # of memory; the system, a browser and the page's server need some, too


def allowed_cores(environ: Mapping[str, str] = os.environ, cgroups: Path = CGROUPS) -> int:
    """Give the number of whole cores that this process may use, at least one."""
    return max(1, int(min(core_limits(environ, cgroups).values())))


def core_limits(
    environ: Mapping[str, str] = os.environ, cgroups: Path = CGROUPS
) -> dict[str, float]:
    """List each limit on cores by where it comes from; a share of one core is a fraction."""
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
    """Give the bytes of memory that this process may use; None where the system does not say."""
    return min(memory_limits(environ, cgroups).values(), default=None)


def memory_limits(
    environ: Mapping[str, str] = os.environ, cgroups: Path = CGROUPS
) -> dict[str, int]:
    """List each limit on memory, in bytes, by where it comes from."""
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
    """Advise what to do where there is so little memory that a kernel may be killed.

    It is None where there is enough.
    """
    if limit is None or limit >= ENOUGH_MEMORY:
        return None
    return (
        f"only {limit / 2**30:.1f} GiB of memory: open one notebook at a time (Kernel > "
        "Shut Down All Kernels), "
        'with SCALE = "tiny" in its first cell; a kernel that takes more is killed without a word'
    )


def places_for_visitors(limit: int | None) -> int | None:
    """Give how many visitors of the apps' page `limit` bytes of memory can serve, at least one.

    It is None where the system does not say.
    """
    return None if limit is None else max(1, int(SHARE_FOR_VISITORS * limit / KERNEL_MEMORY))


def _cgroup_cores(cgroups: Path) -> Iterator[float]:
    """Read core quotas: cpu.max holds "quota period" (version 2); version 1 has a file for each."""
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
    """Find the control groups of this process and their parents.

    This covers version 2 and one controller of version 1.

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
    """Read the number in `text`, or 0 where it holds none ("max", "", "-1")."""
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
