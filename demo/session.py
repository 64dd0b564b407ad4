"""A visitor's photo, kept while the page is open and a little longer in case the visitor returns."""

import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Timer

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from demo.editing import EditState
from demo.limits import GRACE
from demo.manners import RefusalError
from restoration.files.imaging import Scan
from restoration.inference.prints import Print

IDLE = 3600  # s without any action
MOST = 32  # sessions at once; beyond that, the one idle longest is dropped


@dataclass
class Album:
    """A visitor's file: a photo, or a scan with prints that are edited one by one."""

    file: Path  # as it was sent
    scan: Scan
    prints: list[Print]  # those to be cut out
    shown: list[str] = field(default_factory=list)  # small pictures to choose from, as files: the scan, each print
    edits: dict[int, EditState] = field(default_factory=dict)  # opened parts by the print's number; 0: the scan
    open: int = 0  # the number of the current part


@dataclass
class Result:
    """What a batch has of one photo, or of a print on it."""

    name: str  # in the zip
    file: Path  # PNG
    pair: str = ""  # a small picture of before and after, as a file
    said: str = ""  # its caption


@dataclass
class Batch:
    """Many photos, restored one after another."""

    photos: list[tuple[str, Path]]  # name and file
    keep_gray: bool
    sent: list[str] = field(default_factory=list)  # as the list on the page had them
    done: int = 0  # photos, restored or not
    results: dict[tuple[Path, int], Result] = field(default_factory=dict)  # by file and print; 0: all of the file
    by_hand: dict[tuple[Path, int], dict] = field(default_factory=dict)  # work on what is corrected, to go on from
    problems: list[str] = field(default_factory=list)  # "name: sentence"
    archive: Path | None = None  # the zip, while it has all results

    @property
    def is_open(self) -> bool:
        """Whether there are photos to be restored."""
        return self.done < len(self.photos)

    def try_again(self) -> None:
        """Restore what failed; what is there stays, with what was corrected of it."""
        if not self.is_open:
            self.done, self.problems, self.archive = 0, [], None


@dataclass
class Session:
    """One visit to the page. Its folder has a secret name and holds all of its files."""

    folder: Path
    uploads: set[Path] = field(default_factory=set)  # uploads where Gradio keeps them: sessions may share a file
    wanted: str | int | None = None  # to be opened next: what was sent, or the number of a print on the scan
    album: Album | None = None
    batch: Batch | None = None  # the last one
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))  # known only to this page's browser
    seen: float = field(default_factory=time.monotonic)
    worked: float = 0  # when a photo of a batch was begun

    @property
    def edit(self) -> EditState:
        """The photo being edited."""
        if self.album is None:
            raise RefusalError("photo_gone")
        return self.album.edits[self.album.open]

    def file(self, name: str) -> Path:
        """A path with this file name that was never used before, since browsers cache what they load."""
        folder = self.folder / secrets.token_hex(8)
        folder.mkdir(parents=True)
        return folder / name

    def written(self, image: Image.Image, name: str) -> str:
        """Write a picture for the browser, as PNG or JPEG by its name; returns the file."""
        file = self.file(name)
        image.save(file, **({"compress_level": 1} if file.suffix == ".png" else {"quality": 95, "subsampling": 0}))
        return str(file)

    def keep(self, upload: str | Path) -> Path:
        """Copy an uploaded file to where Gradio does not delete it."""
        copy = self.file(Path(upload).name)
        shutil.copyfile(upload, copy)
        self.own(upload)
        return copy

    def own(self, upload: str | Path | None) -> None:
        """What was sent goes with this session, used or not."""
        if upload and Path(upload).is_relative_to(get_upload_folder()):  # not one of our examples
            self.uploads.add(Path(upload))


class Sessions:
    """All open pages, by Gradio's name for each."""

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

    def return_to(self, key: str, request: gr.Request) -> Session:
        """Move the session of this key to the request of a reloaded page."""
        with self._lock:
            name = next((name for name, session in self._open.items() if session.key == key), None)
            if name is None:
                raise RefusalError("photo_gone")
            self._open[request.session_hash] = session = self._open.pop(name)
            session.wanted = None if session.album else session.wanted  # the first photo is read to its end
        return self.of(request)

    def leave(self, request: gr.Request) -> None:
        """The page was closed: delete the session after GRACE seconds without work on a batch, unless it comes back."""
        timer = Timer(GRACE, self._forget_left, [request, time.monotonic()])
        timer.daemon = True
        timer.start()

    def _forget_left(self, request: gr.Request, closed: float) -> None:
        left = self._open.get(request.session_hash)
        if left and left.seen <= closed < left.worked:
            self.leave(request)
        else:
            self._forget(lambda session: session is left and session.seen <= closed)

    def close(self) -> None:
        """Delete all sessions: the server stops."""
        self._forget(lambda session: True)

    def _forget_old(self, keep: Session) -> None:
        with self._lock:
            latest = sorted((session.seen for session in self._open.values()), reverse=True)
        oldest = latest[:MOST][-1]
        oldest = max(oldest, time.monotonic() - IDLE)
        self._forget(lambda session: session is not keep and session.seen < oldest)

    def _forget(self, which: Callable[[Session], bool]) -> None:
        with self._lock:
            gone = [self._open.pop(name) for name, session in list(self._open.items()) if which(session)]
            still_used = {upload for session in self._open.values() for upload in session.uploads}
        for session in gone:
            shutil.rmtree(session.folder, ignore_errors=True)
            for upload in session.uploads - still_used:
                upload.unlink(missing_ok=True)
