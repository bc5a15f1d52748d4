"""Evaluators: functions on features that return a flat dict of named numbers."""
