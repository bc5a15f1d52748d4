"""``clipbench bench``: how fast this machine is at something."""

from clipbench.cli.shared import add, positive, show_numbers


def add_to(commands) -> None:
    from clipbench.bench import BENCHMARKS

    parser = add(commands, "bench", bench, show_numbers, "measure how fast this machine is at something")
    parser.add_argument("what", choices=list(BENCHMARKS))
    parser.add_argument("--threads", type=positive(int), help="CPU threads (default: measured, or one)")


def bench(arguments) -> dict:
    from clipbench.bench import BENCHMARKS

    return BENCHMARKS[arguments.what](threads=arguments.threads)
