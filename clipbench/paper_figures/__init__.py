"""The figures of CLIP's paper, redrawn at this package's scales.

Those of the typographic attack's article are here, too.

One module a figure. Each has ``make(sources)``, which reads records or measures what is missing,
and gives a ``Finding``: the plot, its finding computed, and whether the paper's effect appears at
this scale; and ``draw``, which lessons share.
"""

from clipbench.evaluate.records.claims import registered
from clipbench.paper_figures import (
    fig02,
    fig04,
    fig05,
    fig06,
    fig07,
    fig08,
    fig09,
    fig10,
    fig13,
    fig14,
    fig16,
    fig17,
    typographic,
)
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.sources import NoRecord, Sources

FIGURES = {
    each.NAME: each
    for each in (
        fig02,
        fig04,
        fig05,
        fig06,
        fig07,
        fig08,
        fig09,
        fig10,
        fig13,
        fig14,
        fig16,
        fig17,
        typographic,
    )
}
LEFT_OUT = {
    "fig01": "a drawing of the method; the widget SimilarityMatrix and lesson 02 show it live",
    "fig03": "pseudocode; lesson 01 derives it and compares it with clipbench.clip_loss",
    "fig11": "needs a second strong model trained on labels; figure 5 and 10 hold the "
    "supervised twin's probes",
    "fig12": "needs a dozen models with ImageNet scores; ours are too few for a line",
    "fig15": "drawn with figure 14: the same sweep over the shots",
    "fig18": "sorts people by traits; this package has no such pictures and wants none",
    "fig19": "a set of rendered sentences of film reviews, which is not shipped",
    "fig20": "figure 10 for each set; with two points a set there is no curve",
    "fig21": "random predictions of 36 classifiers; PromptExplorer shows them for any picture",
    "fig22": "figure 9 for each set; the width record measures one set",
}


def finding_of(name: str, sources: Sources) -> Finding:
    """Make one figure; where its numbers are missing, one that says which command makes them."""
    sources.begin()
    try:
        found = FIGURES[name].make(sources)
    except NoRecord as missing:
        return Finding(None, str(missing))
    return found.judged(registered()[name]).marked(sources.mark)


__all__ = ["FIGURES", "LEFT_OUT", "Finding", "NoRecord", "Sources", "finding_of"]
