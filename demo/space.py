"""Put the page on Hugging Face Spaces: `python -m demo.space user/name`, or `make space REPO=user/name`.

The Space is what the repository holds of the page: README.md with its front matter, app.py, the packages, the
weights, the examples. One commit; files of an earlier push that are no longer part of it go with it.
"""

import argparse
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import validate_repo_id

ROOT = Path(__file__).parents[1]
PARTS = (
    "README.md", "LICENSE", "app.py", "requirements.txt", "demo/*.py", "restoration/*.py",
    "weights/README.md", "weights/*/config.json", "weights/*/model.safetensors", "weights/*/*.onnx",
    "examples/README.md", "examples/*.png", "examples/colour/*.jpg", "examples/before_after.jpg", "docs/*.jpg",
)  # fmt: skip
ZERO_GPU = {  # the latest that Spaces with a shared GPU have; those with a CPU take them too
    "torch>=2.8": "torch>=2.8,<2.12",
    "torchvision>=0.23": "torchvision>=0.23,<0.27",
}
KEPT = (".gitattributes",)  # the hub's own


class SpaceError(ValueError):
    """A push that did not happen; the message is one sentence."""


def space_files() -> list[str]:
    """What a Space holds, as paths below the repository's root."""
    return sorted(file.relative_to(ROOT).as_posix() for part in PARTS for file in ROOT.glob(part))


def push_space(repository: str) -> str:
    """Upload the page in one commit, making the Space first if there is none, and return its address.

    Raises:
        SpaceError: nothing was pushed; one sentence says why.
    """
    if not _is_name(repository):
        raise SpaceError(f"{repository!r} is no name of the form user/name: give one, as in REPO=user/name.")
    try:
        return _push(repository)
    except (HTTPError, OSError) as error:
        # No chained traceback: it may show the request's headers, and the token is one of them.
        raise SpaceError(f"Not pushed to {repository}: {_reason(error)}.") from None


def _push(repository: str) -> str:
    token = get_token()
    if not token:
        raise SpaceError("No hub token is found: `hf auth login` stores one, or set HF_TOKEN.")
    api = HfApi(token=token)
    api.create_repo(repository, repo_type="space", space_sdk="gradio", exist_ok=True)
    files = space_files()
    stale = set(api.list_repo_files(repository, repo_type="space")) - {*files, *KEPT}
    operations = [
        *(CommitOperationAdd(file, _content(file)) for file in files),
        *(CommitOperationDelete(file) for file in sorted(stale)),
    ]
    api.create_commit(repository, operations, repo_type="space", commit_message="The page")
    return f"{api.endpoint}/spaces/{repository}"


def _content(file: str) -> bytes:
    content = (ROOT / file).read_bytes()
    if file != "requirements.txt":
        return content
    lines = content.decode().splitlines()
    return "".join(f"{ZERO_GPU.get(line, line)}\n" for line in lines).encode()


def _is_name(repository: str) -> bool:
    try:
        validate_repo_id(repository)
    except HFValidationError:
        return False
    return repository.count("/") == 1


def _reason(error: Exception) -> str:
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids it, unset it"
    if isinstance(error, HfHubHTTPError):
        return f"the hub answered HTTP {error.response.status_code}, is the token one that may write there?"
    return f"the hub cannot be reached ({type(error).__name__})"


def main() -> None:
    """Push to the repository that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", metavar="user/name")
    repository = parser.parse_args().repository
    try:
        print(push_space(repository))
    except SpaceError as error:
        raise SystemExit(f"demo.space: {error}") from None


if __name__ == "__main__":
    main()
