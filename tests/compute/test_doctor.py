"""What the machine report says, on machines made of small files."""

import json
import time

import pytest
import torch

from clipbench import cli
from clipbench.compute import devices, doctor, limits


@pytest.fixture
def cgroups(tmp_path, monkeypatch):
    """A control-group folder of which this process is in the group /class/student."""
    membership = tmp_path / "membership"
    membership.write_text("0::/class/student\n4:memory:/class\n2:cpu,cpuacct:/class\n")
    monkeypatch.setattr(limits, "MEMBERSHIP", membership)
    return tmp_path / "cgroup"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def test_a_machine_without_limits_allows_what_it_has(cgroups):
    assert set(limits.core_limits({}, cgroups)) <= {"visible", "affinity"}
    assert set(limits.memory_limits({}, cgroups)) <= {"physical"}


def test_the_tightest_group_on_the_way_up_counts(cgroups):
    write(cgroups / "cpu.max", "max 100000")
    write(cgroups / "class/cpu.max", "150000 100000")
    write(cgroups / "class/student/cpu.max", "400000 100000")
    write(cgroups / "class/memory.max", str(2 << 30))
    write(cgroups / "class/student/memory.max", "max")
    assert limits.core_limits({}, cgroups)["cgroup"] == 1.5
    assert limits.memory_limits({}, cgroups)["cgroup"] == 2 << 30


def test_control_groups_of_version_1_are_read(cgroups):
    write(cgroups / "cpu/class/cpu.cfs_quota_us", "50000")
    write(cgroups / "cpu/class/cpu.cfs_period_us", "100000")
    write(cgroups / "cpu/cpu.cfs_quota_us", "-1")
    write(cgroups / "cpu/cpu.cfs_period_us", "100000")
    write(cgroups / "memory/class/memory.limit_in_bytes", str(1 << 30))
    write(cgroups / "memory/memory.limit_in_bytes", "9223372036854771712")
    assert limits.core_limits({}, cgroups)["cgroup"] == 0.5
    assert limits.allowed_cores({}, cgroups) == 1, "half a core is still one thread"
    assert limits.memory_limits({}, cgroups)["cgroup"] == 1 << 30


def test_a_hub_grants_by_variables(cgroups):
    hub = {"CPU_LIMIT": "1.0", "MEM_LIMIT": "2147483648"}
    assert limits.allowed_cores(hub, cgroups) == 1
    assert limits.memory_limit(hub, cgroups) == 2 << 30


@pytest.mark.parametrize("nonsense", ["", "0", "-1", "None"])
def test_variables_without_a_number_are_no_limit(cgroups, nonsense):
    assert "CPU_LIMIT" not in limits.core_limits({"CPU_LIMIT": nonsense}, cgroups)
    assert "MEM_LIMIT" not in limits.memory_limits({"MEM_LIMIT": nonsense}, cgroups)


def test_auto_device_exists_and_computes():
    device = devices.pick_device()
    assert torch.ones(2, device=device).sum().item() == 2


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cpu:1", "cuda:x", ""])
def test_an_unknown_device_names_the_valid_ones(name):
    with pytest.raises(ValueError, match="choose from auto, cpu"):
        devices.pick_device(name)


@pytest.mark.parametrize(
    "capability, precision",
    [((9, 0), "bf16"), ((8, 0), "bf16"), ((7, 5), "fp16"), ((7, 0), "fp16"), ((6, 0), "fp32")],
    ids=["H100", "A100", "T4", "V100", "P100"],
)
def test_precision_of_a_card_follows_its_tensor_cores(monkeypatch, capability, precision):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert devices.pick_precision("cuda") == precision


@pytest.mark.parametrize(
    "line, times_faster, precision",
    [
        ("flags\t: fpu avx512_bf16 amx_bf16", 8.0, "bf16"),
        ("flags\t: avx512_bf16", 2.2, "bf16"),
        ("flags\t: avx512_bf16", 0.03, "fp32"),  # what a restriction to AVX2 makes of it
        ("flags\t: amx_bf16", 1.0, "fp32"),
        ("flags\t: avx2 avx512f", 8.0, "fp32"),
    ],
)
def test_a_processor_computes_in_bf16_where_flags_and_measurement_agree(
    tmp_path, monkeypatch, line, times_faster, precision
):
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\n{line}\n")
    flags = devices.cpu_flags(info)
    monkeypatch.setattr(devices, "cpu_flags", lambda: flags)
    monkeypatch.setattr(devices, "times_faster_in_bf16", lambda: times_faster)
    assert devices.pick_precision("cpu") == precision
    reason = devices.precision_and_reason("cpu")[1]
    assert reason.startswith("the processor has")
    # nothing is measured without the flag
    assert (f"{times_faster:.1f} times" in reason) == ("bf16" in line)


def test_the_measured_product_speeds_are_of_this_machine(monkeypatch):
    seconds = {torch.float32: iter([9.0, 6.0, 8.0]), torch.bfloat16: iter([9.0, 3.0, 2.0])}
    monkeypatch.setattr(devices, "_seconds_of_product", lambda matrix: next(seconds[matrix.dtype]))
    assert devices.times_faster_in_bf16.__wrapped__(rounds=3) == 3.0  # the best of each


def test_a_system_without_cpuinfo_computes_in_fp32(tmp_path):
    assert devices.cpu_flags(tmp_path / "absent") == frozenset()


@pytest.mark.parametrize(
    "cores, counts", [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])]
)
def test_a_trainer_tries_few_thread_counts(monkeypatch, cores, counts):
    monkeypatch.setattr(devices, "allowed_cores", lambda: cores)
    assert devices.thread_counts_to_try() == counts


def test_report_is_json_and_names_the_shipped_checkpoints():
    report = json.loads(json.dumps(doctor.report()))
    assert report["classroom"].endswith("classroom") and report["tiny"].endswith("tiny")
    assert report["precision"] in ("bf16", "fp16", "fp32")
    assert 1 <= report["cores"]["allowed"] <= report["cores"]["visible"]
    assert report["versions"]["torch"].startswith(torch.__version__.partition("+")[0])


def test_report_is_quick():
    start = time.perf_counter()
    doctor.report()
    assert time.perf_counter() - start < 1, (
        "3 s are allowed for the command, most of them for importing torch"
    )


def test_page_of_text_has_every_device_and_every_lack():
    report = doctor.report()
    page = doctor.format_report(report)
    assert all(device["device"] in page for device in report["devices"])
    assert all(lack["what"] in page and lack["how"] in page for lack in report["missing"])


@pytest.mark.parametrize("memory, told", [(8 << 30, "7"), (None, "any number of")])
def test_the_page_says_how_many_visitors_memory_bears(monkeypatch, memory, told):
    monkeypatch.setattr(limits, "memory_limit", lambda: memory)
    page = doctor.format_report(doctor.report())
    assert f"{told} visitors of the apps at a time" in page


def test_a_missing_package_comes_with_its_command(monkeypatch):
    monkeypatch.setattr(doctor, "required_packages", lambda: ["torch", "no-such-package"])
    lacks = {lack["what"]: lack["how"] for lack in doctor.missing()}
    assert lacks["no-such-package is not installed"] == "pip install no-such-package"


@pytest.mark.parametrize(
    "environ, found",
    [
        ({}, "an installation"),
        ({"COLAB_RELEASE_TAG": "release-colab_2026"}, "Colab"),
        ({"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}, "Kaggle"),
    ],
)
def test_the_place_is_told_by_what_it_sets(tmp_path, environ, found):
    assert doctor.place(environ, tmp_path) == found


def test_a_clone_is_known_by_its_lessons(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").touch()
    assert doctor.place({}, tmp_path) == "a clone"
    assert doctor.place({"COLAB_RELEASE_TAG": ""}, tmp_path) == "Colab", (
        "a clone on Colab needs no JupyterLab"
    )


@pytest.mark.parametrize(
    "place, needed", [("a clone", True), ("Colab", False), ("an installation", False)]
)
def test_jupyterlab_is_needed_only_where_the_lessons_run_in_it(monkeypatch, place, needed):
    monkeypatch.setattr(doctor, "place", lambda: place)
    monkeypatch.setattr(doctor, "required_packages", list)
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "jupyterlab" else "1.0")
    (lack,) = (lack for lack in doctor.missing() if "jupyterlab" in lack["what"])
    assert lack["needed"] is needed and "[notebooks]" in lack["how"]


@pytest.mark.parametrize("needed, code", [(True, 1), (False, 0)])
def test_the_command_fails_where_something_needed_is_missing(
    monkeypatch, capsys, no_live_training, needed, code
):
    monkeypatch.setattr(
        doctor, "missing", lambda: [{"what": "paper", "how": "buy some", "needed": needed}]
    )
    assert cli.main(["doctor"]) == code
    assert "paper: buy some" in capsys.readouterr().out
    assert cli.main(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["missing"][0]["needed"] is needed


def test_a_machine_with_little_memory_is_told_what_to_do(monkeypatch):
    little = limits.advice_on_memory(1 << 30)
    assert "1.0 GiB" in little and "tiny" in little and little in doctor.advice(1 << 30, "cpu")
    assert limits.advice_on_memory(2 << 30) is None and limits.advice_on_memory(None) is None


def test_a_lesson_in_little_memory_is_warned_in_its_first_cells(monkeypatch):
    from clipbench.encoders import clip as encoders

    monkeypatch.setattr(encoders, "memory_limit", lambda: 1 << 30)
    with pytest.warns(match="one notebook at a time"):
        encoders.load("tiny")


def test_no_gpu_and_no_network_are_no_reason_to_stop():
    lines = doctor.advice(16 << 30, "cpu")
    assert any("no GPU" in line for line in lines) and any("no network" in line for line in lines)
    assert not any("no GPU" in line for line in doctor.advice(16 << 30, "cuda"))


@pytest.mark.parametrize(
    "torch_version, torchvision_version, foreign",
    [
        ("2.13.0+cpu", "0.28.0", True),
        ("2.13.0+cpu", "0.28.0+cu128", True),
        ("2.13.0+cpu", "0.28.0+cpu", False),
        ("2.13.0+cpu", None, False),
        ("2.13.0", "0.28.0", False),
        ("2.11.0+cu128", "0.26.0+cu128", False),
    ],
)
def test_a_torchvision_for_cuda_beside_a_cpu_torch_is_found(
    torch_version, torchvision_version, foreign
):
    assert doctor.torchvision_is_foreign(torch_version, torchvision_version) == foreign


def test_a_driver_without_a_cuda_torch_is_found(monkeypatch):
    monkeypatch.setattr(devices, "has_nvidia_driver", lambda: True)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert any("NVIDIA driver" in lack["what"] for lack in doctor.missing())
