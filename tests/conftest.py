"""One thread, so that tests are repeatable and polite; GPU tests only where there is a GPU."""

import pytest
import torch
from hypothesis import settings

from clipbench import random_weights

torch.set_num_threads(1)
settings.register_profile("clipbench", deadline=None)  # a busy machine is no bug
settings.load_profile("clipbench")


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    """Features that tests compute stay out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def no_random_model_loaded_before(monkeypatch):
    """One test's model with random weights does not mark the next test's figures."""
    monkeypatch.setattr(random_weights, "loaded", set())


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
