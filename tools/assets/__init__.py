"""Rebuild what comes with the package in clipbench/assets."""
