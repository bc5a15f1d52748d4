"""Facts about the two contracts: what a model has that was trained for a joint space, and one that
was not.
"""

import pytest
import torch
from small import noise_picture, one_line, small_clip, small_encoder

from clipbench import Encoder, ImageEncoder, UserError, open_pictures
from clipbench.encoders.clip import PicturesOnly, RivalEncoder, has_joint_space, joint
from clipbench.evaluate.features.compute import image_features, text_features
from clipbench.inside import occlusion_maps
from clipbench.objectives import make_objective
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer


@pytest.fixture(scope="module")
def rival():
    return RivalEncoder(make_objective("bow", small_clip()), world_tokenizer(), Preprocess(32))


def test_every_model_is_an_image_encoder_and_a_clip_an_encoder(rival):
    encoder = small_encoder()
    assert isinstance(encoder, ImageEncoder) and isinstance(encoder, Encoder)
    assert isinstance(rival, ImageEncoder) and not isinstance(rival, Encoder)
    assert has_joint_space(encoder) and not has_joint_space(rival)
    assert joint(encoder) is encoder


@pytest.mark.parametrize(
    "ask",
    [
        joint,
        lambda rival: image_features(rival, open_pictures("digits").subset([0])),
        lambda rival: text_features(rival, ["a cat"]),
        lambda rival: occlusion_maps(rival, noise_picture(32, 32), ["a cat"]),
    ],
)
def test_who_needs_a_joint_space_says_that_a_rival_has_none(ask, rival):
    with pytest.raises(UserError, match="no joint space") as error:
        ask(rival)
    one_line(error.value)


def test_a_rivals_pictures_alone_are_unit_vectors(rival):
    pictures = PicturesOnly(rival)
    found = pictures.encode_image(pictures.preprocess([noise_picture(32, 32)]))
    assert found.norm(dim=-1) == pytest.approx(1, abs=1e-6)
    direction = rival.image_tower(rival.preprocess([noise_picture(32, 32)]))
    assert torch.cosine_similarity(found, direction) == pytest.approx(1, abs=1e-6)
