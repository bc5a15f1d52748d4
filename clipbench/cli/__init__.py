"""The command line: one module for each command.

Each is a small function that returns a dict, shown as a table or with --json.

Exit codes: 0 success, 2 the user's mistake (one line on stderr), 1 a failure of the program.
"""

from clipbench.cli.main import main

__all__ = ["main"]
