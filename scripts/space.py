"""Put the page on Hugging Face Spaces: `python scripts/space.py user/name`, or `make space REPO=user/name`.

The Space is what the repository holds of the page: README.md with its front matter, app.py, the packages, the
weights, the examples. One commit, which also removes files of an earlier push that are no longer part of it.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # runs on a fresh clone, not installed

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HTTPError

from restoration.reports.hub import HubError, find_token, is_name, reason

PARTS = (
    "README.md", "CONTRIBUTING.md", "LICENSE", "app.py", "requirements.txt",
    "demo/*.py", "demo/browser/*", "restoration/**/*.py",
    "weights/README.md", "weights/*/config.json", "weights/*/model.safetensors", "weights/*/*.onnx", "weights/faces/*",
    "examples/README.md", "examples/*.png", "examples/*.jpg", "examples/prints/*.jpg", "docs/*",
    "benchmarks/EXPERIMENTS.md",
)  # fmt: skip
ZERO_GPU = {  # the latest on Spaces with a shared GPU; they work on CPU Spaces too
    "torch>=2.8": "torch>=2.8,<2.12",
    "torchvision>=0.23": "torchvision>=0.23,<0.27",
}
KEPT = (".gitattributes",)  # the hub's own


class SpaceError(ValueError):
    """A push that did not happen; the message is one sentence."""


def space_files() -> list[str]:
    """The files of a Space, relative to the repository's root."""
    return sorted(file.relative_to(ROOT).as_posix() for part in PARTS for file in ROOT.glob(part))


def push_space(repository: str) -> str:
    """Upload the page in one commit, making the Space first if there is none, and return its address.

    Raises:
        SpaceError: nothing was pushed; one sentence says why.
    """
    if not is_name(repository):
        raise SpaceError(f"{repository!r} is not a name of the form user/name, as in REPO=user/name.")
    try:
        return _push(repository)
    except (HTTPError, OSError, HubError) as error:
        # No chained traceback: it may show the request's headers, including the token.
        raise SpaceError(f"Not pushed to {repository}: {reason(error)}.") from None


def _push(repository: str) -> str:
    api = HfApi(token=find_token())
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


def main() -> None:
    """Push to the repository named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", metavar="user/name")
    repository = parser.parse_args().repository
    try:
        print(push_space(repository))
    except SpaceError as error:
        raise SystemExit(f"space.py: {error}") from None


if __name__ == "__main__":
    main()
