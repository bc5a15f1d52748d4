"""ipywidgets apps on clipbench."""

from clipbench_widgets.beat_the_machine.app import BeatTheMachine
from clipbench_widgets.embedding_map.app import EmbeddingMap
from clipbench_widgets.feature_microscope.app import FeatureMicroscope
from clipbench_widgets.image_search.app import ImageSearch
from clipbench_widgets.prompt_explorer.app import PromptExplorer
from clipbench_widgets.similarity_matrix.app import SimilarityMatrix
from clipbench_widgets.start_page.app import StartPage
from clipbench_widgets.training_monitor.app import TrainingMonitor
from clipbench_widgets.typographic_studio.app import TypographicStudio

__all__ = [
    "BeatTheMachine",
    "EmbeddingMap",
    "FeatureMicroscope",
    "ImageSearch",
    "PromptExplorer",
    "SimilarityMatrix",
    "StartPage",
    "TrainingMonitor",
    "TypographicStudio",
]
