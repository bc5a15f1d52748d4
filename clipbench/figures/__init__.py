"""Plots for the lessons.

Each function takes numbers and pictures and returns a figure that shows itself.

Titles are computed from the numbers, so a figure states what it found. Nothing here loads or trains
a model.
"""

from clipbench.figures.canvas import BLUE, ORANGE, LessonFigure
from clipbench.figures.charts import accuracy_bars, accuracy_dots, points_in_plane, probability_bars
from clipbench.figures.comparisons import labelled_scatter, ranked_bars, slope_chart
from clipbench.figures.curves import LiveTrainingCurve, compare_losses, training_curve
from clipbench.figures.grids import value_grid
from clipbench.figures.ideas import arrows_on_circle, counted_axes, two_encoders
from clipbench.figures.inside import (
    attention_over_picture,
    occlusion_beside_picture,
    steering_filmstrip,
    unit_favourites,
)
from clipbench.figures.lines import histograms, line_chart
from clipbench.figures.maps import labelled_map, picture_map
from clipbench.figures.pictures import contact_sheet, similarity_heatmap, to_pictures
from clipbench.figures.scaling import power_law_chart

__all__ = [
    "BLUE",
    "ORANGE",
    "LessonFigure",
    "LiveTrainingCurve",
    "accuracy_bars",
    "accuracy_dots",
    "arrows_on_circle",
    "attention_over_picture",
    "compare_losses",
    "contact_sheet",
    "counted_axes",
    "histograms",
    "labelled_map",
    "labelled_scatter",
    "line_chart",
    "occlusion_beside_picture",
    "picture_map",
    "points_in_plane",
    "power_law_chart",
    "probability_bars",
    "ranked_bars",
    "similarity_heatmap",
    "slope_chart",
    "steering_filmstrip",
    "to_pictures",
    "training_curve",
    "two_encoders",
    "unit_favourites",
    "value_grid",
]
