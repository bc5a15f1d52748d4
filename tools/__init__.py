"""What a developer runs and a user never: ``python -m tools.mutants``."""
