"""Intervals, paired comparisons and accuracies."""
