"""The map in jupyter-scatter, an optional package that draws millions of points."""

from collections.abc import Sequence

from clipbench.errors import missing_package


def linked_scatter(embedding_map, rows: Sequence[dict], options: dict):
    """Make a `jscatter.Scatter` of these rows whose selection is that of the map, both ways.

    Raises:
        UserError: without jupyter-scatter.
    """
    try:
        import jscatter
        import pandas
    except ImportError:
        raise missing_package("to_scatter()", "jupyter-scatter", "scatter") from None
    table = pandas.DataFrame(rows)
    colours = {"color_by": embedding_map.colour_by} if embedding_map.colour_by in table else {}
    scatter = jscatter.Scatter(data=table, x="x", y="y", **{**colours, **options})
    place_of = {row["row"]: place for place, row in enumerate(rows)}

    def there(change) -> None:
        places = [] if change["new"] is None else [int(place) for place in change["new"]]
        embedding_map.selected = [rows[place]["row"] for place in places if 0 <= place < len(rows)]

    def here(change) -> None:
        scatter.selection([place_of[row] for row in change["new"] if row in place_of])

    scatter.widget.observe(there, names="selection")
    embedding_map.observe(here, "selected")
    return scatter
