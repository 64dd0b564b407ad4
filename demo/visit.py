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

from demo.manners import RefusalError
from restoration.files.imaging import Scan
from restoration.pipeline import Repair, Restoration

GRACE = 300  # s after the page was closed; a phone also closes it when it goes to sleep
IDLE = 3600  # s without any action
MOST = 32  # visits at once; then the one that waited longest is forgotten


@dataclass
class Desk:
    """One photo in work, and how far the work has come."""

    original: Path  # the visitor's own file, untouched
    scan: Scan  # the photo in it, and what goes along into the result
    mask: np.ndarray  # bool (H, W), what is marked as damaged
    small: Image.Image  # the photo's preview
    shown: np.ndarray  # bool, the same at the size of the preview, as the editor shows it
    found: np.ndarray  # bool (H, W), all that was found so far, erased since or not
    sensitivity: int = 0  # with which the damage was looked for last
    hints: Image.Image | None = None  # RGBA of the photo's size
    repair: Repair | None = None
    restored: Restoration | None = None
    vividness: float = 1.0

    @property
    def photo(self) -> Image.Image:
        """L or RGB, upright."""
        return self.scan.image


@dataclass
class Trial:
    """A photo to be damaged on purpose."""

    truth: Image.Image  # RGB


@dataclass
class Visit:
    """One open page. Its folder has a secret name and holds all that is written for it."""

    folder: Path
    uploads: set[Path] = field(default_factory=set)  # what was sent, as Gradio keeps it: two visits' may be one file
    desk: Desk | None = None
    trial: Trial | None = None
    seen: float = field(default_factory=time.monotonic)

    def file(self, name: str) -> Path:
        """A place for a file of this name, where no other file ever was: browsers keep what they once loaded."""
        folder = self.folder / secrets.token_hex(8)
        folder.mkdir(parents=True)
        return folder / name

    def keep(self, upload: str | Path) -> Path:
        """A copy of a sent file, which Gradio's own clearing does not reach."""
        copy = self.file(Path(upload).name)
        shutil.copyfile(upload, copy)
        if Path(upload).is_relative_to(get_upload_folder()):  # not one of our examples
            self.uploads.add(Path(upload))
        return copy


class Visits:
    """All open pages, by the session that Gradio gives each."""

    def __init__(self) -> None:
        self._open: dict[str, Visit] = {}
        self._lock = Lock()

    def of(self, request: gr.Request) -> Visit:
        """The visit that a request belongs to; the first one opens it."""
        with self._lock:
            visit = self._open.get(request.session_hash)
            if visit is None:
                visit = Visit(Path(get_upload_folder()) / f"visit-{secrets.token_hex(16)}")
                self._open[request.session_hash] = visit
            visit.seen = time.monotonic()
        self._forget_old(keep=visit)
        return visit

    def desk(self, request: gr.Request) -> Desk:
        """The photo in work.

        Raises:
            RefusalError: it was forgotten.
        """
        desk = self.of(request).desk
        if desk is None:
            raise RefusalError("no_desk")
        return desk

    def leave(self, request: gr.Request) -> None:
        """The page was closed: unless it comes back, all of the visit is deleted after GRACE seconds."""
        session, closed = request.session_hash, time.monotonic()
        timer = Timer(GRACE, self._forget, [lambda name, visit: name == session and visit.seen <= closed])
        timer.daemon = True
        timer.start()

    def close(self) -> None:
        """Delete everything of everybody: the server stops."""
        self._forget(lambda name, visit: True)

    def _forget_old(self, keep: Visit) -> None:
        with self._lock:
            latest = sorted((visit.seen for visit in self._open.values()), reverse=True)
        oldest = latest[:MOST][-1]
        oldest = max(oldest, time.monotonic() - IDLE)
        self._forget(lambda name, visit: visit is not keep and visit.seen < oldest)

    def _forget(self, which: Callable[[str, Visit], bool]) -> None:
        with self._lock:
            gone = [self._open.pop(name) for name, visit in list(self._open.items()) if which(name, visit)]
            still_used = {upload for visit in self._open.values() for upload in visit.uploads}
        for visit in gone:
            shutil.rmtree(visit.folder, ignore_errors=True)
            for upload in visit.uploads - still_used:
                upload.unlink(missing_ok=True)
