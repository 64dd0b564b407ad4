"""Many photos: check the upload against limits, restore, and put the results into one zip."""

import lzma
import time
import traceback
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from demo.editing import EditState
from demo.limits import BATCH_MEGABYTES, BATCH_MEGAPIXELS, BATCH_PHOTOS
from demo.manners import RefusalError, is_fault, sentence
from demo.photo_shown import full_size, preview
from demo.reading import prints_on, read_scan
from demo.session import Result, Session
from demo.stages import Stages
from demo.texts import percent, say
from restoration.files.imaging import SUFFIXES, Scan, claimed_pixels, write_photo
from restoration.inference.prints import extract
from restoration.inference.tones import is_tinted

FAILURES = "not restored.txt"  # in the zip
LONGEST_NAME = 60  # letters of an unpacked file's: file systems take 255 bytes
BROKEN = zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error, lzma.LZMAError  # or locked
THUMBNAIL = 320  # px, the longest side of each of a pair


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


def restore_all(session: Session, stages: Stages, language: str, progress: Callable[[int, str], None]) -> None:
    """Restore what is left of a session's batch; a photo that fails is listed there and does not stop the others.

    A color photo keeps its colors, unless it is only tinted. `progress` is called with the number done and the next
    name.
    """
    left, batch = BATCH_MEGAPIXELS * 1_000_000, session.batch
    for name, file in batch.photos[batch.done :]:
        session.worked = time.monotonic()
        progress(batch.done, name)
        try:
            left -= claimed_pixels(file)
            if left < 0:
                raise RefusalError("beyond_limit", megapixels=BATCH_MEGAPIXELS)
            if (file, 0) not in batch.results:
                _restore(session, name, file, stages, language)
        except Exception as error:  # whatever goes wrong with one photo, the others continue
            if is_fault(error):
                traceback.print_exception(error)
            words = sentence(error, language)
            batch.problems.append(words if words.startswith(file.name) else f"{name}: {words}")
        batch.done += 1


def _restore(session: Session, name: str, file: Path, stages: Stages, language: str) -> None:
    """Restore a photo; of a scan also each print, cut out and straightened, before the whole."""
    scan, path = read_scan(file), PurePosixPath(name)
    for number, found in enumerate(prints_on(scan.image), start=1):
        cut, own = scan.part(partial(extract, found=found)), str(path.with_stem(f"{path.stem}-{number}"))
        _restore_part(session, (file, number), own, cut, stages, language)
    _restore_part(session, (file, 0), name, scan, stages, language)


def _restore_part(
    session: Session, place: tuple[Path, int], name: str, scan: Scan, stages: Stages, language: str
) -> None:
    keep_gray = session.batch.keep_gray
    photo = scan.image.convert("L") if is_tinted(scan.image) else scan.image
    restored = stages.colorize(stages.repair(photo, None), None)
    image = scan.own_gray(restored.gray, restored.mask) if keep_gray else restored.image
    after = restored.gray if keep_gray else restored.image  # of 8 bits, whatever the file has
    share = np.asarray(restored.mask).mean() / 255
    said = say("batch_share" if share else "batch_whole", language, name=Path(name).name, share=percent(share))
    said = say("batch_kept", language, said=said) if restored.own and not keep_gray else said
    _keep(session, place, name, image, scan.shown_at(restored.mask), (scan.image, after), said)


def corrected(session: Session) -> dict[tuple[Path, int], EditState]:
    """What was corrected by hand in a photo of the batch, or only marked, and is not in its zip."""
    album, batch = session.album, session.batch
    if not album or not batch or (album.file, 0) not in batch.results:
        return {}
    edits = album.edits.items()
    return {(album.file, number): edit for number, edit in edits if edit.is_corrected or edit.is_unrestored}


def is_due(session: Session) -> bool:
    """Whether the zip of the batch is still to be written, or lacks something."""
    return not session.batch.archive or bool(corrected(session))


def keep_corrected(session: Session, stages: Stages, language: str) -> None:
    """Let it replace what the batch made."""
    for place, edit in corrected(session).items():
        if edit.is_unrestored:
            edit.restore(stages, lambda *_: None)
        name, kind = session.batch.results[place].name, "gray" if session.batch.keep_gray else "color"
        said = say("batch_own", language, name=edit.name)
        pair, scan = (edit.small, *preview(edit, kind)), edit.scan.shown_at(edit.restored.mask)
        _keep(session, place, name, full_size(edit, kind), scan, pair, said)
        session.batch.by_hand[place] = edit.by_hand()
        edit.is_corrected = False


def _keep(session: Session, place: tuple[Path, int], name: str, image: Image.Image, scan: Scan, pair, said) -> None:
    """Write a result, and a picture of the `pair` before and after; the zip lacks it until it is packed again."""
    results = session.batch.results
    taken = [result.name for result in results.values()]
    taken += [sent for sent, _ in session.batch.photos if place[1]]  # a photo keeps its name, a print takes another
    old = results.get(place) or Result(_free_name(name, taken), session.file("result.png"))
    write_photo(image, old.file, scan)
    results[place] = Result(old.name, old.file, session.written(_side_by_side(*pair), "pair.jpg"), said)
    if session.batch.archive:
        session.batch.archive.unlink(missing_ok=True)
    session.batch.archive = None


def pack(session: Session, language: str) -> None:
    """Write the zip of all results, and of what could not be restored, unless it is there."""
    batch = session.batch
    if batch.archive or batch.is_open:
        return
    archive = session.file("restored.zip")
    with zipfile.ZipFile(archive, "w") as packed:
        for result in batch.results.values():
            packed.write(result.file, result.name)
        if batch.problems:
            packed.writestr(FAILURES, "\n".join([say("batch_failed", language), *batch.problems, ""]))
    batch.archive = archive


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


def _free_name(name: str, others: Iterable[str]) -> str:
    """The result's unique name in the zip, within the photo's own folders."""
    path = PurePosixPath(*(part for part in PurePosixPath(name).parts if part not in ("/", "..")))
    taken = {str(PurePosixPath(other).with_suffix(".png")).lower() for other in others}
    free, number = str(path.with_suffix(".png")), 2
    while free.lower() in taken:
        free, number = str(path.with_name(f"{path.stem}-{number}.png")), number + 1
    return free
