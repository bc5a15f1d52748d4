"""Classifiers on frozen features: linear probes, few-shot, adapters, learned prompts."""
