"""A visitor's photo and how long it is kept: while the page is open, and a little longer in case it comes back."""

import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Timer

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image

from demo.limits import GRACE
from demo.manners import RefusalError
from demo.marks import Change, Mask
from restoration.files.imaging import Scan
from restoration.inference.prints import Print
from restoration.pipeline import Damage, Repair, Restoration, ScanDamage

IDLE = 3600  # s without any action
UNDO = 30  # changes of a mask
MOST = 32  # sessions at once; then the one that waited longest is forgotten


@dataclass(frozen=True)
class Search:
    """How far the search for damage went."""

    found: Mask  # all that was found so far, erased since or not
    sensitivity: float = 0  # with which the damage was looked for last
    new: Mask | None = None  # what that added, until the photo is restored


@dataclass
class EditState:
    """One photo in work, and how far the work has come. All masks are bool (H, W), True = damaged."""

    name: str  # of the visitor's file, without its ending; of a print with its number
    scan: Scan  # the photo in it, and what goes along into the result
    damage: Damage | ScanDamage  # what was found in it
    mask: Mask  # what is marked as damaged
    small: Image.Image  # the photo's preview
    shown: str  # the preview's file
    search: Search
    history: list[tuple[Change, Search]] = field(default_factory=list)  # of mask and search, to be undone from the end
    dabs: list[dict] = field(default_factory=list)  # strokes of color
    is_tinted: bool = False  # a gray photo on tinted paper
    recolor: bool = False  # a photo in color is taken for a gray one
    texture: bool = True  # what is filled is given texture
    reference: Image.Image | None = None  # a photo that lends its colors
    repair: Repair | None = None
    repaired: Mask | None = None  # what was marked then
    restored: Restoration | None = None
    vividness: float = 1.0
    variant: int = 0  # which of the colorings was taken
    freshen: bool = False  # faded tones are stretched

    @property
    def photo(self) -> Image.Image:
        """L or RGB, upright."""
        return self.scan.image

    @property
    def keeps_colors(self) -> bool:
        """Whether only what is marked gets new colors."""
        return self.photo.mode == "RGB" and not self.recolor

    @property
    def toned(self) -> Restoration:
        """What came back, its tones stretched if that is wanted."""
        return self.restored.freshened() if self.freshen else self.restored

    @property
    def needs_work(self) -> bool:
        """Whether there is anything to repair or to color."""
        return not self.keeps_colors or bool(self.mask.any())

    @property
    def new(self) -> Mask:
        """What a search has found last and is marked."""
        return np.zeros_like(self.mask) if self.search.new is None else self.search.new & self.mask

    @property
    def is_repaired(self) -> bool:
        """Whether what is marked is what was repaired."""
        return self.repaired is not None and np.array_equal(self.mask, self.repaired)

    def mark(self, mask: Mask, search: Search | None = None) -> None:
        """Replace what is marked, by hand or after a search; the last UNDO replacements can be undone."""
        self.history = [*self.history, (Change(self.mask, mask), self.search)][-UNDO:]
        self.mask, self.search = mask, search or self.search

    def undo(self) -> None:
        """Go back by one replacement, where there is one."""
        if self.history:
            change, self.search = self.history.pop()
            self.mask = change.undone(self.mask)


@dataclass
class Album:
    """A visitor's file: a photo, or a scan with prints that are each worked on alone."""

    name: str  # of the file, without its ending
    scan: Scan
    prints: list[Print]  # those to be cut out
    shown: list[str] = field(default_factory=list)  # files of small pictures to choose from: the scan, each print
    edits: dict[int, EditState] = field(default_factory=dict)  # what was opened, by the print's number; 0: the scan
    open: int = 0  # the number of what is worked on


@dataclass
class Session:
    """One visit to the page. Its folder has a secret name and holds all that is written for it."""

    folder: Path
    uploads: set[Path] = field(default_factory=set)  # what was sent, as Gradio keeps it: two sessions' may be one file
    wanted: str | None = None  # what was sent, and is to be opened next
    album: Album | None = None
    batch: list[Path] = field(default_factory=list)  # the photos of the last one
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))  # known to this page's browser alone
    seen: float = field(default_factory=time.monotonic)

    @property
    def edit(self) -> EditState:
        """The photo in work.

        Raises:
            RefusalError: it was forgotten.
        """
        if self.album is None:
            raise RefusalError("photo_gone")
        return self.album.edits[self.album.open]

    def file(self, name: str) -> Path:
        """A place for a file of this name, where no other file ever was: browsers keep what they once loaded."""
        folder = self.folder / secrets.token_hex(8)
        folder.mkdir(parents=True)
        return folder / name

    def written(self, image: Image.Image, name: str) -> str:
        """A picture for the browser, as PNG or JPEG by its name: the file that it is in."""
        file = self.file(name)
        image.save(file, **({"compress_level": 1} if file.suffix == ".png" else {"quality": 95, "subsampling": 0}))
        return str(file)

    def keep(self, upload: str | Path) -> Path:
        """A copy of a sent file, which Gradio's own clearing does not reach."""
        copy = self.file(Path(upload).name)
        shutil.copyfile(upload, copy)
        self.own(upload)
        return copy

    def own(self, upload: str | Path | None) -> None:
        """What was sent goes with this session, used or not."""
        if upload and Path(upload).is_relative_to(get_upload_folder()):  # not one of our examples
            self.uploads.add(Path(upload))


class Sessions:
    """All open pages, by the name that Gradio gives each."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}
        self._lock = Lock()

    def of(self, request: gr.Request) -> Session:
        """The session that a request belongs to; the first one opens it."""
        with self._lock:
            session = self._open.get(request.session_hash)
            if session is None:
                session = Session(Path(get_upload_folder()) / f"visit-{secrets.token_hex(16)}")
                self._open[request.session_hash] = session
            session.seen = time.monotonic()
        self._forget_old(keep=session)
        return session

    def return_to(self, key: str, request: gr.Request) -> Session | None:
        """The session of this key, now that of the request: its page was loaded again. None: forgotten."""
        with self._lock:
            name = next((name for name, session in self._open.items() if session.key == key), None)
            if name is None:
                return None
            self._open[request.session_hash] = self._open.pop(name)
        return self.of(request)

    def leave(self, request: gr.Request) -> None:
        """The page was closed: unless it comes back, all of the session is deleted after GRACE seconds."""
        name_left, closed = request.session_hash, time.monotonic()
        timer = Timer(GRACE, self._forget, [lambda name, session: name == name_left and session.seen <= closed])
        timer.daemon = True
        timer.start()

    def close(self) -> None:
        """Delete everything of everybody: the server stops."""
        self._forget(lambda name, session: True)

    def _forget_old(self, keep: Session) -> None:
        with self._lock:
            latest = sorted((session.seen for session in self._open.values()), reverse=True)
        oldest = latest[:MOST][-1]
        oldest = max(oldest, time.monotonic() - IDLE)
        self._forget(lambda name, session: session is not keep and session.seen < oldest)

    def _forget(self, which: Callable[[str, Session], bool]) -> None:
        with self._lock:
            gone = [self._open.pop(name) for name, session in list(self._open.items()) if which(name, session)]
            still_used = {upload for session in self._open.values() for upload in session.uploads}
        for session in gone:
            shutil.rmtree(session.folder, ignore_errors=True)
            for upload in session.uploads - still_used:
                upload.unlink(missing_ok=True)
