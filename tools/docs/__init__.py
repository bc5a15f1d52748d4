"""Rebuild the computed parts of README.md and docs/, and their pictures."""
