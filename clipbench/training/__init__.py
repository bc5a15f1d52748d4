"""The training loop and what it needs: optimisers, EMA, gradient cache, guards, run state,
presets.
"""
