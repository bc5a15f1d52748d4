"""Three bets for a map of scenes of the emoji world."""

from clipbench_widgets.core.tour import CATS, Step, kind_of_cat

APART, AMONG = "apart from the pictures", "among their pictures"
MOST, SOME = "more than half of it", "less than half of it"
PLAIN = {
    "projection": "PCA",
    "shown": "pictures and texts",
    "shift": 0.0,
    "only": "",
    "query": "",
    "selected": [],
}
SAME_KIND = 0.9  # of the points have a nearest neighbour of their own kind: two clouds


def where_texts_lie(app) -> str:
    features, pictures = app.data.features, app.data.pictures
    cosines = features @ features.T
    cosines.fill_diagonal_(-2)
    is_text = (cosines.argmax(1) >= pictures) == (
        cosines.new_tensor(range(len(features))) >= pictures
    )
    return APART if is_text.float().mean() > SAME_KIND else AMONG


STEPS = (
    Step(
        PLAIN | {"shown": "pictures", "colour_by": "group"},
        "These are pictures. Now a text for each kind of thing is added, in the same space. Where "
        "do the texts lie?",
        (AMONG, APART),
        PLAIN | {"colour_by": "modality"},
        where_texts_lie,
        "This is the modality gap: training only asks that the right text is nearer than the "
        "others, not that it is near.",
    ),
    Step(
        PLAIN | {"shown": "pictures", "colour_by": "group"},
        "We look for “a sad cat”, which is nothing's name in this world. Which picture is nearest?",
        CATS,
        PLAIN | {"shown": "pictures", "colour_by": "group", "query": "a sad cat"},
        lambda app: kind_of_cat(app.found[0]["name"]),
        "Look where its neighbours lie: on the map they are not always neighbours.",
    ),
    Step(
        PLAIN | {"colour_by": "modality"},
        "This plane keeps the two directions of largest variance, of pictures and texts together. "
        "Without the texts, how much of the variance does the best plane of the pictures keep?",
        (MOST, SOME),
        PLAIN | {"shown": "pictures", "colour_by": "group"},
        lambda app: MOST if app.numbers["variance"] > 0.5 else SOME,
        "What two directions do not hold, no map of this kind shows: trust distances to the "
        "trustworthiness beside it, not to the eye.",
    ),
)
