"""What a developer runs and a user never: builders of assets, docs, exercises and slides, and
measurements.
"""
