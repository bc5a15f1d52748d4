"""What this machine can do for clipbench, what is missing, and the command that mends it.

It looks at this machine only: no network, no import heavier than torch.
"""

import os
import platform
import re
import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import torch

from clipbench.compute import devices, limits
from clipbench.files import ASSETS

CHECKPOINTS = ASSETS / "checkpoints"
CLONE = Path(__file__).parents[2]  # where clipbench is used from a clone of its repository
SERVICES = {  # a variable that a service sets -> the service; it has a notebook server of its own
    "COLAB_RELEASE_TAG": "Colab",
    "KAGGLE_KERNEL_RUN_TYPE": "Kaggle",
}
# distribution -> what it is for, and the extra that brings it; all of them are in the extra "all"
FOR_LESSONS = {
    "jupyterlab": ("the lessons", "notebooks"),
    "jupytext": ("lessons and exercises as pairs of files", "notebooks"),
    "umap-learn": ("UMAP in EmbeddingMap and lesson 05", "maps"),
    "transformers": ("SigLIP and comparisons", "hf"),
}
OPTIONAL = {
    "playwright": ("browser tests", "browser"),
    "voila": ("make app", "apps"),
    "ruff": ("make lint", "lint"),
    "pytest": ("make test", "test"),
}


def report() -> dict:
    """Collect everything that `clipbench doctor` reports, as plain values."""
    device = devices.pick_device()
    precision, reason = devices.precision_and_reason(device)
    return {
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cores": {**limits.core_limits(), "allowed": limits.allowed_cores()},
        "memory": {**limits.memory_limits(), "allowed": limits.memory_limit()},
        "visitors": limits.places_for_visitors(limits.memory_limit()),
        "devices": list_devices(),
        "device": str(device),
        "precision": precision,
        "precision_reason": reason,
        "threads": thread_choice(),
        "versions": versions(
            [
                *required_packages(),
                *FOR_LESSONS,
                *OPTIONAL,
                "clipbench",
                "torchvision",
                "open_clip_torch",
            ]
        ),
        "place": place(),
        "chromium": find_chromium(),
        "classroom": str(CHECKPOINTS / "classroom"),
        "classroom_exists": has_checkpoint("classroom"),
        "tiny": str(CHECKPOINTS / "tiny"),
        "tiny_exists": has_checkpoint("tiny"),
        "missing": missing(),
        "advice": advice(limits.memory_limit(), device.type),
    }


def list_devices() -> list[dict]:
    """List every device that torch can use: its name, memory in bytes and precision."""
    found = [_describe("cpu", platform.processor() or platform.machine(), limits.memory_limit())]
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        found.append(_describe(f"cuda:{index}", card.name, card.total_memory))
    if torch.backends.mps.is_available():
        found.append(_describe("mps", "Apple GPU", limits.memory_limit()))
    return found


def _describe(device: str, name: str, memory: int | None) -> dict:
    return {
        "device": device,
        "name": name,
        "memory": memory,
        "precision": devices.pick_precision(device),
    }


def thread_choice() -> dict:
    """Give the thread counts: for one query, those that the trainer tries, and torch's default.

    The trainer measures its counts at its start.
    """
    return {
        "latency": devices.threads_for_latency(),
        "training_tries": devices.thread_counts_to_try(),
        "torch_default": torch.get_num_threads(),
    }


def place(environ: Mapping[str, str] = os.environ, clone: Path = CLONE) -> str:
    """Name the place where clipbench is used.

    It is "Colab", "Kaggle", "a clone" with the lessons, or "an installation" without them.
    """
    service = next((name for variable, name in SERVICES.items() if variable in environ), None)
    is_clone = (clone / "pyproject.toml").exists() and (clone / "notebooks").is_dir()
    return service or ("a clone" if is_clone else "an installation")


def required_packages() -> list[str]:
    """List the distributions that pyproject.toml requires, read from the installed clipbench."""
    try:
        requirements = metadata.requires("clipbench") or []
    except metadata.PackageNotFoundError:
        return ["torch", "numpy", "ipywidgets"]
    return [re.findall(r"[\w.-]+", line)[0] for line in requirements if "extra ==" not in line]


def versions(names: list[str]) -> dict[str, str | None]:
    """Give each distribution's installed version, None where it is absent; nothing is imported."""
    return {name: _version(name) for name in names}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def find_chromium() -> str | None:
    """Find the browser for browser tests.

    It is what CHROMIUM names, else Chromium on the search path, by either of its names.
    """
    names = [named] if (named := os.environ.get("CHROMIUM")) else ["chromium", "chromium-browser"]
    return next(filter(None, map(shutil.which, names)), None)


def has_checkpoint(name: str) -> bool:
    return any((CHECKPOINTS / name).glob("*.safetensors"))


def missing() -> list[dict]:
    """List what is absent or broken.

    Each entry says `what`, `how` to get it, and whether clipbench needs it (`needed`).
    """
    return [
        *_missing_packages(),
        *_for_lessons(),
        *_broken_torch(),
        *_missing_checkpoints(),
        *_missing_extras(),
    ]


def advice(memory: int | None, device_type: str) -> list[str]:
    """Advise what to do about a machine that offers little.

    What is needed without a network is listed either way.
    """
    advice = [limits.advice_on_memory(memory)]
    if device_type == "cpu":
        advice.append(
            'no GPU: "tiny" and "classroom" need none; SCALE = "full" runs too, at '
            "some ten pictures a second "
            "for each core, or on Colab and Kaggle"
        )
    advice.append(
        'no network: "tiny" and "classroom" need none; a model of the hub is loaded once, then kept'
    )
    return [line for line in advice if line]


def _missing_packages() -> list[dict]:
    if _version("clipbench") is None:
        return [
            _lack(
                "clipbench is not installed", "pip install -e . (in the folder of pyproject.toml)"
            )
        ]
    absent = [name for name, version in versions(required_packages()).items() if version is None]
    return [_lack(f"{name} is not installed", f"pip install {name}") for name in absent]


def _for_lessons() -> list[dict]:
    """List the absent packages that the lessons use.

    They are needed in a clone, where the lessons are; elsewhere their users get a message.
    """
    needed = place() == "a clone"
    command = 'pip install -e ".[{}]"' if needed else "pip install 'clipbench[{}]'"
    return [
        _lack(f"{name} (for {purpose})", command.format(extra), needed)
        for name, (purpose, extra) in FOR_LESSONS.items()
        if _version(name) is None
    ]


def _broken_torch() -> list[dict]:
    found = []
    if devices.has_nvidia_driver() and torch.version.cuda is None:
        found.append(
            _lack("an NVIDIA driver, but a torch without CUDA", "remove .venv, then make lab")
        )
    if torchvision_is_foreign(_version("torch"), _version("torchvision")):
        what = "torchvision is no CPU build, torch is: importing transformers fails"
        found.append(_lack(what, "pip uninstall torchvision (clipbench does not use it)"))
    return found


def torchvision_is_foreign(torch_version: str | None, torchvision_version: str | None) -> bool:
    """Say whether a torchvision without the mark "+cpu" lies beside a torch that has it."""
    if torch_version is None or torchvision_version is None:
        return False
    return torch_version.endswith("+cpu") and not torchvision_version.endswith("+cpu")


def _missing_checkpoints() -> list[dict]:
    how = "git checkout -- clipbench/assets in a clone, elsewhere install clipbench again"
    return [
        _lack(f"the shipped {name} checkpoint", how)
        for name in ("classroom", "tiny")
        if not has_checkpoint(name)
    ]


def _missing_extras() -> list[dict]:
    """List what is absent, in a clone, of what is used only for work on clipbench itself."""
    if place() != "a clone":
        return []
    found = [
        _lack(f"{name} (for {purpose})", f'pip install -e ".[{extra}]"', needed=False)
        for name, (purpose, extra) in OPTIONAL.items()
        if _version(name) is None
    ]
    if find_chromium() is None:
        how = "apt-get install chromium, or set CHROMIUM to a Chromium or Chrome"
        found.append(_lack("chromium (for browser tests)", how, needed=False))
    return found


def _lack(what: str, how: str, needed: bool = True) -> dict:
    return {"what": what, "how": how, "needed": needed}


def format_report(report: dict) -> str:
    """Format the report as a page of text."""
    lines = [
        ("platform", f"{report['platform']}, Python {report['python']}, {report['place']}"),
        ("cores", _cores_line(report["cores"])),
        ("memory", _memory_line(report["memory"])),
        ("class page", _visitors_line(report["visitors"])),
        *(("device", _device_line(device)) for device in report["devices"]),
        ("chosen", f"{report['device']} in {report['precision']}: {report['precision_reason']}"),
        ("threads", _threads_line(report["threads"])),
        ("versions", _versions_line(report["versions"])),
        *((name, _checkpoint_line(report, name)) for name in ("classroom", "tiny")),
        *(
            ("MISSING" if lack["needed"] else "optional", _lack_line(lack))
            for lack in report["missing"]
        ),
    ]
    lines += [("advice", line) for line in report["advice"]]
    if not any(lack["needed"] for lack in report["missing"]):
        lines.append(("result", "all that clipbench needs is here"))
    return "\n".join(f"{label:<10} {text}" for label, text in lines)


def _cores_line(cores: dict) -> str:
    sources = ", ".join(f"{name} {count:g}" for name, count in cores.items() if name != "allowed")
    return f"{cores['allowed']} allowed ({sources})"


def _memory_line(memory: dict) -> str:
    sources = ", ".join(
        f"{name} {gibibytes(size)}" for name, size in memory.items() if name != "allowed"
    )
    return f"{gibibytes(memory['allowed'])} allowed ({sources or 'this system does not say'})"


def _visitors_line(visitors: int | None) -> str:
    return f"{visitors or 'any number of'} visitors of the apps at a time (make app)"


def gibibytes(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 2**30:.1f} GiB"


def _device_line(device: dict) -> str:
    return (
        f"{device['device']}: {device['name']}, {gibibytes(device['memory'])}, "
        f"{device['precision']}"
    )


def _threads_line(threads: dict) -> str:
    tries = " and ".join(map(str, threads["training_tries"]))
    default = threads["torch_default"]
    return (
        f"{threads['latency']} for one query; training measures {tries}; torch would take {default}"
    )


def _versions_line(found: dict) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.items() if version)


def _checkpoint_line(report: dict, name: str) -> str:
    return report[name] if report[f"{name}_exists"] else f"{report[name]} (not there)"


def _lack_line(lack: dict) -> str:
    return f"{lack['what']}: {lack['how']}"
