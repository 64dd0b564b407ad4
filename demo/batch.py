"""Many photos: check the upload against limits, restore, and put the results into one zip."""

import lzma
import traceback
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from demo.limits import BATCH_MEGABYTES, BATCH_MEGAPIXELS, BATCH_PHOTOS
from demo.manners import RefusalError, is_fault, sentence
from demo.reading import read_scan
from demo.stages import Stages
from demo.texts import percent, say
from restoration.files.imaging import SUFFIXES, claimed_pixels, encode_photo
from restoration.inference.tones import is_tinted

FAILURES = "not restored.txt"  # in the zip
LONGEST_NAME = 60  # letters of an unpacked file's: file systems take 255 bytes
BROKEN = zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error, lzma.LZMAError  # or locked
THUMBNAIL = 320  # px, the longest side of each of a pair


@dataclass
class Outcome:
    """The result of a batch."""

    done: int = 0
    problems: list[str] = field(default_factory=list)  # "name: sentence"
    pairs: list[tuple[Image.Image, str, Path]] = field(default_factory=list)  # before and after, the caption, the file


def gather(files: list[Path], room: Path) -> list[tuple[str, Path]]:
    """The photos in an upload, those in zips unpacked below `room`: name and file, in order.

    Raises:
        RefusalError: a zip is none or unpacks beyond the limits, there are too many photos, or none.
    """
    photos: list[tuple[str, Path]] = []
    for file in files:
        photos += _unpacked(file, room / str(len(photos))) if file.suffix.lower() == ".zip" else [(file.name, file)]
        if len(photos) > BATCH_PHOTOS:
            raise RefusalError("too_many_photos", count=BATCH_PHOTOS)
    if not photos:
        raise RefusalError("no_photos_inside")
    return photos


def restore_all(
    photos: list[tuple[str, Path]],
    archive: Path,
    stages: Stages,
    keep_gray: bool,
    language: str,
    progress: Callable[[int, str], None],
) -> Outcome:
    """Restore each photo into the zip `archive`; a photo that fails is listed there and does not stop the others.

    A color photo keeps its colors, unless it is only tinted. `progress` is called with the number done and the next
    name.
    """
    outcome, left, taken = Outcome(), BATCH_MEGAPIXELS * 1_000_000, set()
    with zipfile.ZipFile(archive, "w") as results:
        for number, (name, file) in enumerate(photos):
            progress(number, name)
            try:
                left -= claimed_pixels(file)
                if left < 0:
                    raise RefusalError("beyond_limit", megapixels=BATCH_MEGAPIXELS)
                scan = read_scan(file)
                photo = scan.image.convert("L") if is_tinted(scan.image) else scan.image
                restored = stages.colorize(stages.repair(photo, None), None)
                image = scan.own_gray(restored.gray, restored.mask) if keep_gray else restored.image
                encoded = encode_photo(image, ".png", scan.shown_at(restored.mask))
                results.writestr(_free_name(name, taken), encoded)
                outcome.done += 1
                share = np.asarray(restored.mask).mean() / 255
                said = say(
                    "batch_share" if share else "batch_whole", language, name=Path(name).name, share=percent(share)
                )
                after = restored.gray if keep_gray else restored.image  # of 8 bits, whatever the file has
                outcome.pairs.append((_side_by_side(scan.image, after), said, file))
            except Exception as error:  # whatever goes wrong with one photo, the others continue
                if is_fault(error):
                    traceback.print_exception(error)
                words = sentence(error, language)
                outcome.problems.append(words if words.startswith(file.name) else f"{name}: {words}")
        if outcome.problems:
            results.writestr(FAILURES, "\n".join([say("batch_failed", language), *outcome.problems, ""]))
    return outcome


def _side_by_side(before: Image.Image, after: Image.Image) -> Image.Image:
    small = [image.convert("RGB") for image in (before, after)]
    for image in small:
        image.thumbnail((THUMBNAIL, THUMBNAIL))
    return Image.fromarray(np.hstack(small))


def _unpacked(file: Path, room: Path) -> Iterator[tuple[str, Path]]:
    left = BATCH_MEGABYTES << 20
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [entry for entry in archive.infolist() if _is_photo(entry)]
            if len(entries) > BATCH_PHOTOS:
                raise RefusalError("too_many_photos", count=BATCH_PHOTOS)
            for number, entry in enumerate(entries):
                with archive.open(entry) as packed:
                    content = packed.read(left + 1)  # the sizes stated in the zip may be false
                left -= len(content)
                if left < 0:
                    raise RefusalError("zip_too_large", name=file.name, megabytes=BATCH_MEGABYTES)
                name = PurePosixPath(entry.filename).name[-LONGEST_NAME:]  # in no folder of the zip's own
                target = room / str(number) / name
                target.parent.mkdir(parents=True)
                target.write_bytes(content)
                yield entry.filename, target
    except (*BROKEN, OSError) as error:
        raise RefusalError("bad_zip", name=file.name) from error


def _is_photo(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    is_hidden = any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in path.parts)
    return not entry.is_dir() and not is_hidden and path.suffix.lower() in SUFFIXES


def _free_name(name: str, taken: set[str]) -> str:
    """The result's unique name in the zip, within the photo's own folders."""
    path = PurePosixPath(*(part for part in PurePosixPath(name).parts if part not in ("/", "..")))
    free, number = str(path.with_suffix(".png")), 2
    while free.lower() in taken:
        free, number = str(path.with_name(f"{path.stem}-{number}.png")), number + 1
    taken.add(free.lower())
    return free
