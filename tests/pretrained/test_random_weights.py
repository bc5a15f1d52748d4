"""Facts about random weights: the model's name says it, records take it from the name, and
figures from the process.
"""

import json

from clipbench.figures.canvas import new_figure
from clipbench.pretrained.random_weights import ABOUT, MARK, marked, settings


def test_the_name_of_a_random_model_says_so_and_so_do_its_records_and_later_figures(tmp_path):
    before = new_figure(1, 1, "nothing")
    (tmp_path / "about.json").write_text(json.dumps(ABOUT))
    name = marked("ViT-B/32", tmp_path)
    assert name == "ViT-B/32 (RANDOM weights)" and settings(name) == {"weights": "random"}
    assert (before.mark, new_figure(1, 1, "something").mark) == ("", MARK)


def test_any_other_model_is_left_alone(tmp_path):
    for about in ("", "[]", '{"weights": "trained"}'):
        (tmp_path / "about.json").write_text(about)
        assert marked("tiny", tmp_path) == "tiny" and settings("tiny") == {}
    assert marked("tiny", tmp_path / "nothing") == "tiny"
    assert new_figure(1, 1, "something").mark == ""
