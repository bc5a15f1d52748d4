"""``clipbench doctor``: what this machine can do, and what is missing."""

from clipbench.cli.shared import add


def add_to(commands) -> None:
    add(commands, "doctor", doctor, show_doctor, "what this machine can do, and what is missing")


def doctor(arguments) -> dict:
    from clipbench.doctor import report

    return report()


def show_doctor(result: dict) -> str:
    from clipbench.doctor import format_report

    return format_report(result)
