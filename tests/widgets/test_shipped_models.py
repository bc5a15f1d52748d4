"""What apps offer is found in the package."""

import json

import pytest

from clipbench import UserError
from clipbench.encoders.clip import has_joint_space, load
from clipbench.pretrained import folders as pretrained
from clipbench_widgets.core import shipped_models
from clipbench_widgets.typographic_studio.page import what_it_saw


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with these twins: name -> what its folder says."""

    def ship(twins: dict[str, dict | None]) -> None:
        for name, about in twins.items():
            folder = tmp_path / "twins" / name
            folder.mkdir(parents=True)
            if about is not None:
                (folder / "about.json").write_text(json.dumps(about))

    monkeypatch.setattr(pretrained, "CHECKPOINTS", tmp_path)
    shipped_models.about.cache_clear()
    yield ship
    shipped_models.about.cache_clear()


def signs(*shares: float, objective: str = "contrastive") -> dict:
    return {"scenes": {"signs": list(shares)}, "config": {"objective": objective}}


def test_readers_saw_other_shares_of_words_than_usual(package):
    package(
        {
            "usual": {"scenes": {}},
            "none": signs(1.0, 0, 0, 0),
            "some": signs(0.7, 0, 0, 0.3),
            "most": signs(0.1, 0, 0.9, 0),
            "other": signs(0.1, 0, 0.9, 0, objective="simclr"),
            "silent": None,
            "odd": {"command": "x"},
        }
    )
    assert shipped_models.readers() == ["twin:most", "twin:some", "twin:none"]
    assert shipped_models.picture_encoders() == ["twin:other"]
    assert (
        shipped_models.share_of_signs("twin:none") == 0
        and shipped_models.share_of_signs("twin:silent") is None
    )
    assert shipped_models.share_of_signs("no/such model") is None


def test_what_is_shipped_can_be_used_as_it_is_offered():
    assert {"twin:many-signs", "twin:no-signs"} <= set(shipped_models.readers())
    assert "twin:simclr" in shipped_models.picture_encoders()
    assert all(has_joint_space(load(name)) for name in shipped_models.readers())
    assert not has_joint_space(load("twin:simclr"))


def test_the_studio_says_which_model_had_words_to_learn_from():
    assert "saw a word on 65 %" in what_it_saw("a", 0.65, "a") and "most reason" in what_it_saw(
        "a", 0.65, "a"
    )
    assert "choose b" in what_it_saw("a", 0.24, "b") and "choose b" in what_it_saw("a", None, "b")
    assert "never saw" in what_it_saw("a", 0.0, "b") and what_it_saw("a", None, None) == ""


def test_names_say_what_a_model_has_seen():
    said = {name: shipped_models.in_words(name) for name in shipped_models.joint_models()}
    assert said["classroom"] == "classroom: 1,225 things, 2.4 million pictures"
    assert said["tiny"].startswith("tiny: 256 things, ")
    assert said["twin:reader"] == (
        "reader: printed words on 65 %, 256 things, 1.0 million pictures"
    )
    assert "no printed words" in said["twin:no-signs"]
    assert "captions never count" in said["twin:no-counts"]
    assert "50 % wrong captions" in said["twin:wrong-captions"]
    assert "5 languages" in said["twin:languages"]
    assert shipped_models.in_words("<b>mine") == "<b>mine"


def test_only_shipped_models_are_opened_by_name():
    assert shipped_models.opened("twin:reader") is shipped_models.opened("twin:reader")
    with pytest.raises(UserError, match="no shipped model"):
        shipped_models.opened("../x")
