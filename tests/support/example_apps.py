"""The apps that open on example pictures or scenes, without any argument."""

from clipbench_widgets import (
    BeatTheMachine,
    EmbeddingMap,
    ImageSearch,
    PromptExplorer,
    SimilarityMatrix,
    TypographicStudio,
)

EXAMPLE_APPS = (
    PromptExplorer,
    SimilarityMatrix,
    TypographicStudio,
    EmbeddingMap,
    ImageSearch,
    BeatTheMachine,
)
