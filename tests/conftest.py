"""One thread, so that tests are repeatable and polite; GPU tests only where there is a GPU.

How many examples a property is tried on is a profile of hypothesis: CLIPBENCH_EXAMPLES=thorough
asks for ten times those of ``quick``, the default.
"""

import os

import pytest
import torch
from hypothesis import settings

from clipbench import UserError
from clipbench.bench import rival_open_clip
from clipbench.pretrained import random_weights

torch.set_num_threads(1)
# no deadline: a busy machine is no bug
settings.register_profile("quick", deadline=None, max_examples=20)
settings.register_profile("thorough", deadline=None, max_examples=200)
settings.load_profile(os.environ.get("CLIPBENCH_EXAMPLES", "quick"))


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    """Features that tests compute stay out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def one_thread_after_every_test():
    """Commands and trainings take the threads that are fastest; sums differ by their number."""
    yield
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def no_random_model_loaded_before(monkeypatch):
    """One test's model with random weights does not mark the next test's figures."""
    monkeypatch.setattr(random_weights, "mark_of_figures", "")


@pytest.fixture
def no_live_training(monkeypatch):
    """The doctor measures no training: its test is in tests/bench."""
    from clipbench.bench import live_training

    found = {
        "preset": "tiny", "device": "cpu", "threads": 1, "precision": "fp32", "pairs_per_second": 100.0,
        "pairs": 1000, "seconds": 10.0,
    }  # fmt: skip
    monkeypatch.setattr(live_training, "live_training", lambda: found)


@pytest.fixture
def open_clip():
    """The library, or a skip where it is not installed."""
    pytest.importorskip("ftfy")
    try:
        return rival_open_clip.import_open_clip()
    except UserError as error:
        pytest.skip(str(error))


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
