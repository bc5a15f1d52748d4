"""Models of the Hugging Face hub: from the cache of this machine, else downloaded into it.

Only settings, tokenizer files and safetensors are fetched, the weights last: a snapshot that has
them is whole. huggingface_hub writes each file under another name and renames it, so a broken
download leaves no half file behind.
"""

import errno
import json
from collections.abc import Iterable
from pathlib import Path

from clipbench.errors import UserError, first_line
from clipbench.pretrained.configs import CONFIG, kind_of
from clipbench.pretrained.weights import (
    INDEX,
    OPEN_CLIP_WEIGHTS,
    WEIGHTS,
    advice_on_pickles,
    find_weights,
    shards,
)

PREPROCESSING = ("preprocessor_config.json", "processor_config.json", "open_clip_config.json")
TOKENIZERS = ("vocab.json", "tokenizer.json", "spiece.model", "tokenizer.model")
SETTINGS = (
    "*config.json",
    "*.safetensors.index.json",
    "special_tokens_map.json",
    "merges.txt",
    *TOKENIZERS,
)
# the hub's own conversion of pickled weights, a pull request
CONVERSION = "Adding `safetensors` variant of this model"


def fetch(repo_id: str) -> Path:
    """The folder of a hub model, from this machine's cache or else downloaded with a progress bar.

    Raises:
        UserError: when there is no such model, it has no safetensors, or the hub cannot be reached.
    """
    return cached(repo_id) or download(repo_id)


def cached(repo_id: str) -> Path | None:
    """The newest whole snapshot of a model in the cache."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    snapshots = (
        Path(constants.HF_HUB_CACHE)
        / repo_folder_name(repo_id=repo_id, repo_type="model")
        / "snapshots"
    )
    newest_first = sorted(
        snapshots.glob("*/"), key=lambda folder: folder.stat().st_mtime, reverse=True
    )
    return next((folder for folder in newest_first if is_whole(folder)), None)


def is_whole(folder: Path) -> bool:
    """Whether all that a model needs is there; another program may have fetched a part of it."""
    try:
        file = find_weights(folder)
        weights = file.name != INDEX or bool(shards(file))
    except UserError:
        return False
    return weights and all(
        any((folder / name).exists() for name in names) for names in (PREPROCESSING, TOKENIZERS)
    )


def download(repo_id: str) -> Path:
    """Fetch settings and tokenizer, then the weights, with a progress bar."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        api = HfApi()
        names, revision = file_names(api, repo_id), None
        if not any(name.endswith(".safetensors") for name in names):
            revision = conversion(api, repo_id)
            names = file_names(api, repo_id, revision) if revision else names
        folder = Path(snapshot_download(repo_id, revision=revision, allow_patterns=list(SETTINGS)))
        snapshot_download(
            repo_id, revision=revision, allow_patterns=weight_files(folder, names, repo_id)
        )
        return folder
    except UserError:
        raise
    # which kinds there are depends on the HTTP library of huggingface_hub's version
    except Exception as error:
        raise UserError(explanation(repo_id, error)) from None


def file_names(api, repo_id: str, revision: str | None = None) -> list[str]:
    """Of one repository; asked for in a way that fails at once where there is no network."""
    return [file.rfilename for file in api.model_info(repo_id, revision=revision).siblings]


def conversion(api, repo_id: str) -> str | None:
    """Where the hub's own robot has put safetensors of a model that was published as a pickle
    only.
    """
    for discussion in api.get_repo_discussions(repo_id):
        if discussion.is_pull_request and (discussion.title, discussion.author) == (
            CONVERSION,
            "SFconvertbot",
        ):
            return discussion.git_reference
    return None


def weight_files(folder: Path, names: Iterable[str], repo_id: str) -> list[str]:
    """Which of a repository's weights to fetch: one set, though many repositories hold several.

    Raises:
        UserError: when there are no safetensors, or it is another kind of model.
    """
    names, kind = set(names), kind_of(folder / CONFIG)
    if kind and WEIGHTS in names:
        return [WEIGHTS]
    if kind and INDEX in names:
        return sorted(
            set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values())
        )
    if OPEN_CLIP_WEIGHTS in names:
        return [OPEN_CLIP_WEIGHTS]
    if any(name.endswith(".safetensors") for name in names):
        raise UserError(
            f"{repo_id} on the hub is no CLIP; give a model with an image and a text encoder"
        )
    raise UserError(f"{repo_id} on the hub has no safetensors{advice_on_pickles(sorted(names))}")


def explanation(repo_id: str, error: Exception) -> str:
    """One line about a download that failed."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return (
            f"{repo_id} needs an accepted licence: open its page on the hub, then "
            "run: hf auth login"
        )
    if isinstance(error, RepositoryNotFoundError):
        return f"no folder {repo_id!r} here, and no public model of that name on the hub"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"no space left to download {repo_id}; free some and try again"
    return (
        f"no folder {repo_id!r} here, none of that name in the hub's cache, and the hub "
        "cannot be reached"
        f" ({type(error).__name__}: {first_line(error)[:100]}); go online once, or copy "
        "the model's folder here"
    )
