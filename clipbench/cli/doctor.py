"""``clipbench doctor``: what this machine can do, and what is missing; exit code 1 where
something needed is.
"""

from clipbench.cli.shared import add


def add_to(commands) -> None:
    add(
        commands,
        "doctor",
        doctor,
        show_doctor,
        "what this machine can do, and what is missing",
        lambda result: int(any(lack["needed"] for lack in result["missing"])),
    )


def doctor(arguments) -> dict:
    from clipbench.compute.doctor import report

    return report()


def show_doctor(result: dict) -> str:
    from clipbench.compute.doctor import format_report

    return format_report(result)
