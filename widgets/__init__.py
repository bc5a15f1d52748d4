"""ipywidgets apps on clipbench."""

from clipbench_widgets.beat_the_machine import BeatTheMachine
from clipbench_widgets.embedding_map import EmbeddingMap
from clipbench_widgets.image_search import ImageSearch
from clipbench_widgets.prompt_explorer import PromptExplorer
from clipbench_widgets.similarity_matrix import SimilarityMatrix
from clipbench_widgets.start_page import StartPage
from clipbench_widgets.training_monitor import TrainingMonitor
from clipbench_widgets.typographic_studio import TypographicStudio

__all__ = [
    "BeatTheMachine", "EmbeddingMap", "ImageSearch", "PromptExplorer", "SimilarityMatrix", "StartPage",
    "TrainingMonitor", "TypographicStudio",
]  # fmt: skip
