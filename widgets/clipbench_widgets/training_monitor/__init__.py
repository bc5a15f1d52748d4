"""TrainingMonitor: watch a training as it runs."""
