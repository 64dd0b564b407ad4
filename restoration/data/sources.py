"""Sources of photos: a folder, tar shards, the contest's layout, or the photos bundled with libraries."""

import tarfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from restoration.errors import RestorationError
from restoration.files.imaging import SUFFIXES, by_name, find_files, is_hidden, name_key

CONTEST_TRUTH, CONTEST_DAMAGED, CONTEST_UNSEEN = "train_gt", "train_input", ("valid_input", "test_input1")
BUNDLED = "bundled"
BUNDLED_CROP = 256  # pixels
BUNDLED_GRID = 3, 5  # crops along the shorter and the longer side
BUNDLED_PHOTOS = {
    "skimage": (
        "data/astronaut.png", "data/chelsea.png", "data/coffee.png", "data/hubble_deep_field.jpg", "data/ihc.png",
        "data/motorcycle_left.png", "data/motorcycle_right.png", "data/retina.jpg", "data/rocket.jpg",
    ),
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """Where one photo's bytes lie (a whole file, or a stretch of a tar shard) and what is known about it."""

    name: str  # the file's own name, without folders
    file: Path
    offset: int
    size: int  # bytes
    folder: str = ""  # relative to the folder of all photos and inside its shard
    scene: str = ""  # photos of the same named scene are always grouped together
    box: tuple[int, int, int] | None = None  # left, top, side: only this square of the file
    damaged: Path | None = None  # the same photo as the contest damaged it

    @property
    def key(self) -> str:
        """A key that is unique within the source, wherever the source is mounted."""
        return f"{self.file.name}/{self.folder}/{self.name}:{self.offset}:{self.size}:{self.box or ''}"

    def read(self) -> bytes:
        """The file's bytes."""
        with open(self.file, "rb") as stream:
            stream.seek(self.offset)
            return stream.read(self.size)


def find_entries(source: str | Path) -> list[Entry]:
    """All photos of a source, sorted by name; none is opened.

    The source is the contest's folder (photos of `train_gt`, with the damage of `train_input`), any other
    folder or one tar shard (photos and uncompressed shards at any depth; hidden files do not count), or
    "bundled": overlapping crops of the photos that come inside scikit-image and scikit-learn.

    Raises:
        RestorationError: the source does not exist or has no photos, or a shard is broken.
    """
    entries = _bundled() if str(source) == BUNDLED else _below(Path(source))
    if not entries:
        raise RestorationError(
            f"no photos in {Path(source).absolute()}: name their folder with --data, put photos, tar shards of them or "
            f"the contest's {CONTEST_TRUTH} there, or use --data {BUNDLED} for photos of scikit-image and scikit-learn."
        )
    return sorted(entries, key=lambda entry: (entry.name, str(entry.file), entry.offset))


def unseen_inputs(source: str | Path) -> dict[str, list[Path]]:
    """Damaged photos without a truth, by folder name: the contest's `valid_input` and `test_input1`."""
    folders = (Path(source) / name for name in CONTEST_UNSEEN)
    return {folder.name: find_files(folder) for folder in folders if folder.is_dir()}


def read_names(file: str | Path) -> set[str]:
    """Photo names from a text file: the first tab-separated field of each line except a `name` header."""
    try:
        text = Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RestorationError(f"{file} is not a text file; give one with a photo's name per line.") from error
    fields = (line.split("\t")[0].strip() for line in text.splitlines())
    return {name for name in fields if name and name != "name"}


def _below(source: Path) -> list[Entry]:
    if not source.exists():
        return []
    contest = (source / CONTEST_TRUTH).is_dir()
    root = source / CONTEST_TRUTH if contest else source if source.is_dir() else source.parent
    files = [source] if source.is_file() else find_files(root, SUFFIXES | {".tar"})
    damaged = by_name(source / CONTEST_DAMAGED) if contest and (source / CONTEST_DAMAGED).is_dir() else {}
    entries = []
    for file in files:
        inner = file.relative_to(root)
        if file.suffix.lower() == ".tar":
            entries += _members(file, inner.parent)
        elif file.suffix.lower() in SUFFIXES:
            partner, *_ = damaged.get(name_key(inner), [None])
            entries.append(Entry(file.name, file, 0, file.stat().st_size, inner.parent.as_posix(), damaged=partner))
    return entries


def _members(file: Path, folder: Path) -> list[Entry]:
    """A shard's photos. A broken shard ends the run, since it may hold thousands of them."""
    try:
        with tarfile.open(file, "r:") as shard:
            members = [(Path(m.name), m) for m in shard if m.isfile()]
    except (tarfile.TarError, OSError) as error:
        raise RestorationError(f"{file} cannot be read; give an uncompressed tar file.") from error
    return [
        Entry(path.name, file, member.offset_data, member.size, (folder / path.parent).as_posix())
        for path, member in members
        if path.suffix.lower() in SUFFIXES and not any(map(is_hidden, path.parts))
    ]


def _bundled() -> list[Entry]:
    folders = {package: Path(find_spec(package).origin).parent for package in BUNDLED_PHOTOS}
    files = [folders[package] / name for package, names in BUNDLED_PHOTOS.items() for name in names]
    return [entry for file in files if file.is_file() for entry in _crops(file)]


def _crops(file: Path) -> list[Entry]:
    """Squares of one photo, evenly spread and larger for large photos. Both photos of a stereo pair are one scene."""
    with Image.open(file) as photo:
        width, height = photo.size
    side = max(BUNDLED_CROP, min(width, height) // 2)
    rows, columns = BUNDLED_GRID if width >= height else BUNDLED_GRID[::-1]
    tops = np.linspace(0, height - side, rows).astype(int).tolist()
    lefts = np.linspace(0, width - side, columns).astype(int).tolist()
    scene = file.stem.split("_")[0]  # motorcycle_left, motorcycle_right
    return [
        Entry(f"{file.stem}-{top}-{left}.png", file, 0, file.stat().st_size, scene, scene, (left, top, side))
        for top in tops
        for left in lefts
    ]
