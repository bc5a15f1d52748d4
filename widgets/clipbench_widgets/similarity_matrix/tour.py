"""Three bets for a matrix that has the example pictures."""

from clipbench_widgets.core.example_pictures import CAPTIONS, SCENES
from clipbench_widgets.core.tour import Step, one_of

ALL, MOST, FEWER = "for all of them", "for all but one or two", "for fewer"
MICE = ("mouse", "computer mouse")
BESIDE_CAT = ("lion", "blurry cat", "rocket")
PLAIN = {"mode": "cosine", "order": "as given", "scale_factor": 1.0}


def right_captions(app) -> str:
    wrong = round((1 - app.accuracy["image_to_text"]) * len(app.entries))
    return ALL if wrong == 0 else MOST if wrong <= 2 else FEWER


def best_picture(app) -> str:
    return one_of(app.entries[int(app.values("cosine")[0].argmax())].name, MICE)


def beside_the_cat(app) -> str:
    _, columns = app._arrangement()
    place = columns.index(list(SCENES).index("cat"))
    beside = [app.entries[column].name for column in columns[max(0, place - 1) : place + 2]]
    return next((name for name in BESIDE_CAT if name in beside), one_of("", ()))


STEPS = (
    Step(
        PLAIN | {"texts": ["a cat"], "mode": "column softmax"},
        "Now each picture gets its caption as a line, twelve in all. For how many pictures is the "
        "right caption first?",
        (ALL, MOST, FEWER),
        PLAIN | {"texts": list(CAPTIONS), "mode": "column softmax"},
        right_captions,
        "That is what CLIP is trained on: each pair beats all others in its row and its column.",
    ),
    Step(
        PLAIN | {"texts": ["cat", "dog"]},
        "Next we ask for “mouse”, and nothing else. Which picture is nearest to it?",
        MICE,
        PLAIN | {"texts": ["mouse", "computer mouse"], "chosen_text": 0},
        best_picture,
        "A word alone stands for what it mostly stood for in the captions.",
    ),
    Step(
        PLAIN | {"texts": list(CAPTIONS)},
        "Now rows and columns are ordered by likeness. Which of these stands beside “cat”?",
        BESIDE_CAT,
        PLAIN | {"texts": list(CAPTIONS), "order": "alike together"},
        beside_the_cat,
        "Nobody told the model which things are alike: captions that share words and pictures "
        "that share looks have moved together.",
    ),
)
