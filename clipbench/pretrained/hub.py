"""Models of the Hugging Face hub: from the cache of this machine, else downloaded into it.

Only settings, tokenizer files and safetensors are fetched, the weights last: a snapshot that has
them is whole. huggingface_hub writes each file under another name and renames it, so a broken
download leaves no half file behind.
"""

import errno
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from clipbench.errors import UserError, first_line, notice
from clipbench.files import sha256
from clipbench.pretrained.configs import CONFIG, OPEN_CLIP_CONFIG, kind_of
from clipbench.pretrained.openai_sources import SOURCES, Source, source_of
from clipbench.pretrained.weights import (
    INDEX,
    OPEN_CLIP_WEIGHTS,
    WEIGHTS,
    advice_on_pickles,
    find_weights,
    shards,
)

PREPROCESSING = ("preprocessor_config.json", "processor_config.json", "open_clip_config.json")
TOKENIZERS = (
    "vocab.json",
    "tokenizer.json",
    "spiece.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
)
SETTINGS = (
    "*config.json",
    "*.safetensors.index.json",
    "special_tokens_map.json",
    "merges.txt",
    *TOKENIZERS,
)
# the hub's own conversion of pickled weights, a pull request
CONVERSION = "Adding `safetensors` variant of this model"


class NotThere(UserError):
    """What was asked for is not on the hub, or not fit for use, though the hub answers."""


def fetch(name: str) -> Path:
    """Give the folder of a hub model, from this machine's cache or else downloaded.

    A download shows a progress bar.

    One of OpenAI's models (see ``openai_sources``) comes from the first of its repositories that
    has it; a notice says which.

    Args:
        name: a hub id, or OpenAI's name of one of its models.

    Raises:
        UserError: when there is no such model, it has no safetensors, or the hub cannot be reached.
    """
    source = source_of(name)
    ids = [name] if source is None else [source.hub_id, source.repo]
    here = next(filter(None, (cached(each) for each in ids if each)), None)
    return here or (download(name, name) if source is None else download_openai(name, source))


def download_openai(name: str, source: Source) -> Path:
    """Download one of OpenAI's models from the first repository that has it.

    Tried are the repository that open_clip uses, then its main branch where the pinned commit is
    gone, then the pull request in OpenAI's own.
    """
    ways = [(source.repo, source.revision), (source.repo, None), (source.hub_id, None)]
    problems = []
    for repo_id, revision in dict.fromkeys((repo, at) for repo, at in ways if repo):
        try:
            folder = download(repo_id, name, revision)
        except NotThere as problem:
            problems.append(str(problem))
            continue
        if repo_id != name or problems:
            notice("; ".join([*problems, f"{name} comes from {repo_id}"]))
        return folder
    raise UserError("; ".join(problems))


def cached(repo_id: str) -> Path | None:
    """Find the newest whole snapshot of a model in the cache."""
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
    """Say whether all that a model needs is there.

    Another program may have fetched a part of it.
    """
    try:
        file = find_weights(folder)
        weights = file.name != INDEX or bool(shards(file))
    except UserError:
        return False
    return weights and all(
        any((folder / name).exists() for name in names) for names in (PREPROCESSING, TOKENIZERS)
    )


def download(repo_id: str, asked: str, revision: str | None = None) -> Path:
    """Fetch settings and tokenizer, then the weights, with a progress bar.

    Args:
        asked: what the user called the model.
        revision: a branch or commit; None: the main branch, or else the hub's own conversion.

    Raises:
        NotThere: when the hub has no such model, or one that cannot be used.
        UserError: when the hub cannot be reached, or the disk is full.
    """
    from huggingface_hub import HfApi, snapshot_download

    try:
        api = HfApi()
        names = file_names(api, repo_id, revision)
        if not any(name.endswith(".safetensors") for name in names):
            revision = conversion(api, repo_id)
            names = file_names(api, repo_id, revision) if revision else names
        folder = Path(snapshot_download(repo_id, revision=revision, allow_patterns=list(SETTINGS)))
        wanted = weight_files(folder, names, repo_id)
        check_activation(folder, repo_id)
        snapshot_download(repo_id, revision=revision, allow_patterns=wanted)
        check_hash(folder, repo_id)
        return folder
    except UserError:
        raise
    # which kinds there are depends on the HTTP library of huggingface_hub's version
    except Exception as error:
        raise explained(repo_id, asked, error) from None


def check_activation(folder: Path, repo_id: str) -> None:
    """Check that OpenAI's models have QuickGELU.

    Settings that forget it would give wrong numbers in silence.

    Raises:
        NotThere: when the settings of one of OpenAI's models say something else.
    """
    if repo_id not in {source.repo for source in SOURCES.values()}:
        return
    settings = json.loads((folder / OPEN_CLIP_CONFIG).read_text(encoding="utf-8"))
    if not settings["model_cfg"].get("quick_gelu"):
        raise NotThere(f"{repo_id} on the hub does not say that its model has QuickGELU")


def check_hash(folder: Path, repo_id: str) -> None:
    """Compare the weights of one of OpenAI's models with their known hash; others are removed.

    Raises:
        NotThere: when they differ.
    """
    known = {source.repo: source.sha256 for source in SOURCES.values()}.get(repo_id)
    file = folder / OPEN_CLIP_WEIGHTS
    if known and sha256(file) != known:
        file.unlink()
        raise NotThere(f"{repo_id} on the hub has other weights than the ones known to be OpenAI's")


def file_names(api, repo_id: str, revision: str | None = None) -> list[str]:
    """List the files of one repository; without a network this fails at once."""
    return [file.rfilename for file in api.model_info(repo_id, revision=revision).siblings]


def conversion(api, repo_id: str) -> str | None:
    """Find the pull request in which the hub's own robot has put safetensors of a model.

    It does so for a model that was published as a pickle only. The answer is the pull request's git
    reference, or None.
    """
    for discussion in api.get_repo_discussions(repo_id):
        if discussion.is_pull_request and (discussion.title, discussion.author) == (
            CONVERSION,
            "SFconvertbot",
        ):
            return discussion.git_reference
    return None


def weight_files(folder: Path, names: Iterable[str], repo_id: str) -> list[str]:
    """List which of a repository's weights to fetch.

    It is one set, though many repositories hold several.

    Raises:
        NotThere: when there are no safetensors, or it is another kind of model.
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
        raise NotThere(
            f"{repo_id} on the hub is no CLIP; give a model with an image and a text encoder"
        )
    raise NotThere(f"{repo_id} on the hub has no safetensors{advice_on_pickles(sorted(names))}")


def explained(repo_id: str, asked: str, error: Exception) -> UserError:
    """Explain a download that failed, in one line."""
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, GatedRepoError):
        return NotThere(
            f"{repo_id} needs an accepted licence: open its page on the hub, then "
            "run: hf auth login"
        )
    if isinstance(error, RepositoryNotFoundError):
        here = "" if source_of(asked) else f"no folder {repo_id!r} here, and "
        return NotThere(f"{here}no public model of that name on the hub ({repo_id})")
    if isinstance(error, RevisionNotFoundError):
        return NotThere(f"{repo_id} on the hub has no such revision any more")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return UserError(f"no space left to download {repo_id}; free some and try again")
    return UserError(
        f"no folder {asked!r} here, none of that name in the hub's cache, and the hub "
        "cannot be reached"
        f" ({type(error).__name__}: {first_line(error)[:100]}); go online once, or copy "
        "the model's folder here"
    )


# -------------------- for the doctor


def openai_report() -> list[dict]:
    """Check whether the hub has OpenAI's nine models where ``openai_sources`` says.

    No weights are fetched.

    Returns:
        For each model ``model``, ``ok`` (whether it can be had) and ``found``, one line for each
        way.
    """
    from huggingface_hub import HfApi

    return [{"model": name, **ways_of(HfApi(), source)} for name, source in SOURCES.items()]


def ways_of(api, source: Source) -> dict:
    first_ok, first = asked_of(source.repo, lambda: state_of_repository(api, source))
    if (other := source.hub_id) is None:
        return {"ok": first_ok, "found": [first]}
    second_ok, second = asked_of(other, lambda: state_of_conversion(api, other))
    return {"ok": first_ok or second_ok, "found": [first, second]}


def asked_of(repo_id: str, ask: Callable[[], tuple[bool, str]]) -> tuple[bool, str]:
    """Ask the hub: what it answered, or why it did not, in one line."""
    try:
        ok, told = ask()
    except Exception as error:  # of whichever HTTP library
        ok, told = False, f"{type(error).__name__}: {first_line(error)[:80]}"
    return ok, f"{repo_id}: {told}"


def state_of_repository(api, source: Source) -> tuple[bool, str]:
    """Say whether the repository that open_clip uses has the known commit and weights."""
    info = api.model_info(source.repo, revision=source.revision, files_metadata=True)
    file = next((each for each in info.siblings if each.rfilename == OPEN_CLIP_WEIGHTS), None)
    if file is None:
        return False, f"no {OPEN_CLIP_WEIGHTS}"
    found = file.lfs.sha256 if file.lfs else None
    where = f"commit {info.sha[:12]}" + (" (pinned)" if source.revision else " (main branch)")
    if source.sha256 is None:
        return True, f"{where}, weights {str(found)[:12]} (nothing known to compare)"
    if found == source.sha256:
        return True, f"{where}, weights as known"
    return False, f"{where}, other weights than known"


def state_of_conversion(api, hub_id: str) -> tuple[bool, str]:
    """Say whether OpenAI's own repository has safetensors.

    They may be on its main branch or in the pull request.
    """
    if any(name.endswith(".safetensors") for name in file_names(api, hub_id)):
        return True, "safetensors on the main branch"
    reference = conversion(api, hub_id)
    return bool(reference), f"safetensors in {reference}" if reference else "no safetensors"
