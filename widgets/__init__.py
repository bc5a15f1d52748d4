"""ipywidgets apps on clipbench."""
