"""The training loop and what it needs.

Optimisers, EMA, gradient cache, guards, run state and presets.
"""
