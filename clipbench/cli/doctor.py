"""``clipbench doctor``: what this machine can do, and what is missing; exit code 1 where
something needed is.
"""

from dataclasses import dataclass

from clipbench.cli.shared import Options, add


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

    if not options.online:
        return report()
    from clipbench.pretrained.hub import openai_report

    return report() | {"online": openai_report()}


def show_doctor(result: dict) -> str:
    from clipbench.compute.doctor import format_report

    lines = [format_report(result)]
    for model in result.get("online", []):
        label = "online" if model["ok"] else "MISSING"
        lines += [f"{label:<10} {model['model']}: {found}" for found in model["found"]]
    return "\n".join(lines)
