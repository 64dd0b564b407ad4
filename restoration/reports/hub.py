"""A finished run on the hub: one repository, one commit.

Nothing here writes to the run: a failed push can be repeated, and readers never see half of one.
"""

import shlex
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_session, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import validate_repo_id

from restoration.config import MODEL_CONFIG, MODEL_WEIGHTS, STAGES
from restoration.errors import RestorationError
from restoration.reports.report import REPORT

INDEX = """---
license: mit
library_name: photo-restoration
pipeline_tag: image-to-image
tags: [image-restoration, inpainting, colorization]
---

"""
MODEL = MODEL_CONFIG, MODEL_WEIGHTS
PUBLIC = (  # files that a push uploads, or removes if they are from an earlier push
    *("train.json", "summary.json", "curves-*.png", "grid*.png"),
    *(f"{stage}/{name}" for stage in STAGES for name in MODEL),
    *(f"folds/[0-9]*/{stage}/{name}" for stage in STAGES for name in (*MODEL, "metrics.jsonl")),
)
REFUSALS = {
    401: "the hub rejected the token, store another with `hf auth login`",
    403: "the token has no write permission, grant it in the hub's settings",
}
PATIENCE = 30  # s without an answer; the client itself would wait forever


class HubError(RestorationError):
    """A push that did not happen; the message is one sentence: why, and what to type."""


def check_target(repository: str) -> None:
    """Check offline that a push could be tried, before hours of training and not after them."""
    try:
        _check_name(repository)
        find_token()
    except HubError as error:
        raise HubError(f"--push-to will not work: {error}.") from None


def push_run(run: Path, repository: str, private: bool = False) -> str:
    """Upload a finished run in one commit, and return its address.

    Files of an earlier push that this run does not have are removed by the same commit. `private`: create the
    repository as private; an existing one keeps its visibility.

    Raises:
        HubError: anything went wrong; the run is unchanged.
    """
    try:
        return _push(run, repository, private)
    except (HTTPError, OSError, RuntimeError, ValueError, KeyError) as error:
        name = repository if is_name(repository) else "user/name"
        again = f"`python train.py --resume {shlex.quote(str(run))} --push-to {name}{' --private' if private else ''}`"
        # No chained traceback: it may show the request's headers, including the token.
        raise HubError(f"Not pushed, {reason(error)}; the run is untouched, try again with {again}.") from None


def _push(run: Path, repository: str, private: bool) -> str:
    _check_name(repository)
    card = model_card(run, repository)
    api = HfApi(token=find_token())
    get_session().timeout = PATIENCE
    api.create_repo(repository, private=private or None, exist_ok=True)
    files = [file.relative_to(run).as_posix() for pattern in PUBLIC for file in run.glob(pattern)]
    stale = [file for file in api.list_repo_files(repository) if _is_ours(file) and file not in files]
    # Not upload_folder: it may spread a folder over several commits.
    operations = [
        CommitOperationAdd("README.md", card.encode()),
        *(CommitOperationAdd(file, run / file) for file in files),
        *(CommitOperationDelete(file) for file in stale),
    ]
    api.create_commit(repository, operations, commit_message=f"Training run {run.resolve().name}")
    return f"{api.endpoint}/{repository}"


def model_card(run: Path, repository: str) -> str:
    """The repository's README.md: metadata for the hub's index, then the report, which loads the run from there."""
    if not (run / REPORT).is_file():
        raise HubError(f"{run} is not finished (it holds no {REPORT})")
    report = (run / REPORT).read_text(encoding="utf-8")
    return INDEX + report.replace(f'"runs/{run.resolve().name}"', f'"{repository}"', 1)


def _is_ours(file: str) -> bool:
    return any(fnmatch(file, pattern) and file.count("/") == pattern.count("/") for pattern in PUBLIC)


def _check_name(repository: str) -> None:
    if not is_name(repository):
        raise HubError(f"{repository!r} is not a name of the form user/name")


def is_name(repository: str) -> bool:
    """Whether it has the form user/name."""
    try:
        validate_repo_id(repository)
    except HFValidationError:
        return False
    return repository.count("/") == 1


def find_token() -> str:
    """The hub token from the usual places: HF_TOKEN, or what `hf auth login` stored."""
    token = get_token()
    if not token:
        raise HubError("there is no hub token (store one with `hf auth login`, or set HF_TOKEN)")
    if not (token.isascii() and token.isprintable()):
        raise HubError("the hub token contains characters that no token has (store another with `hf auth login`)")
    return token


def reason(error: Exception) -> str:
    """What went wrong, in words without headers and line breaks."""
    if not isinstance(error, HTTPError) and isinstance(error.__cause__, HTTPError):
        error = error.__cause__  # the client wraps failures of an upload and of the card's check
    if isinstance(error, HubError):
        return str(error)
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids it (unset it)"
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return f"{REFUSALS.get(status, 'the hub failed')} (HTTP {status} at {error.response.request.url.path})"
    if isinstance(error, HTTPError):
        return f"the hub is unreachable or does not answer ({type(error).__name__})"
    return f"the upload was interrupted ({type(error).__name__})"
