"""Tools for developers, which users never run.

They are builders of assets, docs, exercises and slides, and measurements.
"""
