"""Read the source files: which module a file is, and what it imports."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def module_of(path: Path) -> str:
    """Give the dotted name by which a file is imported, packages with their `__init__`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "widgets" else parts)


def imports_of(source: str, module: str = "") -> set[str]:
    """List the full names that `source` imports anywhere: `from a.b import c` gives a.b.c."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found
