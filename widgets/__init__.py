"""ipywidgets apps on clipbench."""

from clipbench_widgets.prompt_explorer import PromptExplorer

__all__ = ["PromptExplorer"]
