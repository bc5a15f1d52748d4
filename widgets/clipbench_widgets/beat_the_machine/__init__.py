"""BeatTheMachine: label pictures against the model."""
