"""Checkpoints on disk and on the hub: names, configurations, weights, loading and saving."""
