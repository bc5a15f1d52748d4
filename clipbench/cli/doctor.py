"""``clipbench doctor``: what this machine can do, and what is missing.

The exit code is 1 where something needed is missing.
"""

from dataclasses import dataclass

from clipbench.cli.shared import Options, add, progress_lines


@dataclass(frozen=True, kw_only=True)
class DoctorOptions(Options):
    online: bool


def add_to(commands) -> None:
    parser = add(
        commands,
        "doctor",
        doctor,
        show_doctor,
        "what this machine can do, and what is missing",
        DoctorOptions,
        lambda result: int(
            any(lack["needed"] for lack in result["missing"])
            or not all(model["ok"] for model in result.get("online", []))
        ),
    )
    parser.add_argument(
        "--online",
        action="store_true",
        help="ask the hub, too, whether OpenAI's nine models are where they are expected",
    )


def doctor(options: DoctorOptions) -> dict:
    from clipbench.compute.doctor import report

    result = report()
    if not any(lack["needed"] for lack in result["missing"]):
        from clipbench.bench.live_training import live_training

        progress_lines(options)("clipbench: measuring a few steps of training ...")
        result["live_training"] = live_training()
    if options.online:
        from clipbench.pretrained.hub import openai_report

        result["online"] = openai_report()
    return result


def show_doctor(result: dict) -> str:
    from clipbench.compute.doctor import format_report

    lines = [format_report(result)]
    if live := result.get("live_training"):
        lines.append(
            f"{'training':<10} {live['preset']}: {live['pairs_per_second']:.0f} pairs/s with "
            f"{live['threads']} threads on {live['device']} in {live['precision']}; its "
            f"{live['pairs']:,} pairs would take {live['seconds']:.0f} s"
        )
    for model in result.get("online", []):
        label = "online" if model["ok"] else "MISSING"
        lines += [f"{label:<10} {model['model']}: {found}" for found in model["found"]]
    return "\n".join(lines)
