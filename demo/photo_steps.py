"""One photo, from the drop to the download: what happens at each step."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image

from demo import marks, photo_shown
from demo.batch import keep_corrected
from demo.editing import EditState, Search
from demo.manners import RefusalError
from demo.photo_shown import Shown
from demo.reading import prints_on, read_scan
from demo.session import Album, Session, Sessions
from demo.stages import Stages
from demo.texts import language_of, say
from restoration.files import imaging
from restoration.inference.prints import extract
from restoration.inference.regions import touching
from restoration.inference.tones import is_tinted
from restoration.pipeline import MOST_SENSITIVE

STEP = 0.5  # of sensitivity, from one search to the next


class Steps:
    """Each step takes the page's input and the request, and returns new values for parts of the view by name."""

    def __init__(self, stages: Stages, sessions: Sessions):
        self.stages, self.sessions = stages, sessions

    def want(self, upload: str | list[str] | None, request: gr.Request) -> str:
        """A new photo, one of a row of examples, or None; one in work is given up for it. Returns the visit's key."""
        session = self.sessions.of(request)
        session.wanted = upload[0] if isinstance(upload, list) else upload
        session.own(session.wanted)
        return session.key

    def want_print(self, event: gr.SelectData, request: gr.Request) -> None:
        """One of the prints on a scan, or the scan, which comes first; one in work is given up for it."""
        session, _ = self._visit(request)
        session.wanted = None if event.index == session.album.open else event.index

    def open(self, request: gr.Request, progress=gr.Progress()) -> Shown:
        """What was wanted last, with its damage found; of a scan with prints the first, cut out and straight."""
        return self._open(1, request, progress)

    def _open(self, number: int, request: gr.Request, progress: gr.Progress) -> Shown:
        session = self.sessions.of(request)
        wanted = session.wanted
        if wanted is None:  # it was opened for an earlier request, or taken back
            return {}
        if isinstance(wanted, int):
            return self._show(session, session.album, wanted, wanted, request, progress)
        progress(0.1, desc=say("reading", language_of(request)))
        try:
            keep_corrected(session, self.stages, language_of(request))
            original = session.keep(wanted)
            scan = read_scan(original)
        except Exception:
            session.wanted = None if session.wanted == wanted else session.wanted  # what was open can be worked on
            raise
        prints = prints_on(scan.image)
        small = photo_shown.choices_of(session, scan.image, prints) if prints else []
        album = Album(Path(wanted), scan, prints, small)
        return self._show(session, album, min(number, len(prints)), wanted, request, progress)

    def _show(self, session: Session, album: Album, number: int, wanted: str | int, request, progress) -> Shown:
        if number not in album.edits:
            progress(0.4, desc=say("finding", language_of(request)))
            scan, name = album.scan, album.file.stem
            if number:
                scan, name = scan.part(partial(extract, found=album.prints[number - 1])), f"{name}-{number}"
            damage, small, tinted = self.stages.damage(scan.image), marks.preview(scan.image), is_tinted(scan.image)
            mask, shown = damage.mask(0), session.written(small, "photo.png")
            edit = EditState(name, scan, damage, mask, small, shown, Search(mask), is_tinted=tinted, recolor=tinted)
            if session.batch and (album.file, number) in session.batch.by_hand:
                edit.take_up(**session.batch.by_hand[album.file, number])
            album.edits[number] = edit
        if session.wanted != wanted:  # meanwhile another
            return {}
        session.wanted, session.album, album.open = None, album, number
        return photo_shown.opened(session, language_of(request))

    def open_from_batch(self, event: gr.SelectData, request: gr.Request, progress=gr.Progress()) -> Shown:
        """One of many photos or prints, with what was corrected in it; the one in work as it is."""
        session = self.sessions.of(request)
        places = list(session.batch.results) if session.batch else []
        if event.index >= len(places):
            raise RefusalError("photo_gone")
        file, number = places[event.index]
        if session.album and session.album.file == file:
            session.wanted = number
            return self._show(session, session.album, number, number, request, progress)
        self.want(str(file), request)
        return self._open(number, request, progress)

    def come_back(self, key: str, request: gr.Request) -> Shown:
        """The page was reloaded, or another photo was not wanted after all: show everything, if it is still kept."""
        if not key:
            return {}
        session = self.sessions.return_to(key, request)
        due = {} if session.album and session.edit.restored else {"due": str(session.seen)}  # another text each time
        if session.album is None:
            return due if session.wanted else {}
        return photo_shown.opened(session, language_of(request)) | due

    def catch_up(self, request: gr.Request, progress=gr.Progress()) -> Shown:
        """What was still to be read or restored when the page came back: that may be done meanwhile."""
        session, shown = self.sessions.of(request), self.open(request, progress)
        show = photo_shown.results if session.edit.restored else photo_shown.opened
        return shown or show(session, language_of(request))

    def start_again(self) -> Shown:
        """Make room for another photo."""
        return {"start": gr.Column(visible=True), "work": gr.Row(visible=False), "back": gr.Button(visible=True)}

    def paint(self, snap: bool, event: gr.EventData, request: gr.Request) -> Shown:
        """Apply strokes of brush and eraser; with `snap` the brush marks only the damage under and near it.

        A tap then marks what it touches to its ends. If that marks nothing new, the whole stroke counts: whoever
        paints the same place again wants more. A tap with any pen on something that a search has just found removes
        all of it.
        """
        edit, fit = self.sessions.of(request).edit, ""
        for stroke in event.strokes:
            drawn = marks.drawn([stroke], edit.photo.size)
            tapped = touching(edit.new, drawn) if marks.is_tap(stroke) else np.False_
            if tapped.any() or stroke["pen"] == "erase":
                edit.mark(edit.mask & ~(tapped if tapped.any() else drawn))
            elif stroke["pen"] == "paint":
                taken, fit = edit.fitted(stroke, drawn) if snap else (drawn, "")
                edit.mark(edit.mask | taken)
        shown = self._marked(request)
        if fit:
            shown["found"] = say(fit, language_of(request))  # alone: a third line would move the photo under the hand
        return shown

    def find_more(self, request: gr.Request) -> Shown:
        """Add what the next more sensitive search with any result finds, but nothing that was erased."""
        edit = self.sessions.of(request).edit
        found = edit.search.found
        for sensitivity in np.arange(edit.search.sensitivity + STEP, MOST_SENSITIVE + STEP, STEP):
            now = edit.damage.mask(sensitivity)
            more = marks.with_more(edit.mask, found, now)
            found = found | now
            if not np.array_equal(more, edit.mask):
                edit.mark(more, Search(found, sensitivity, more & ~edit.mask))
                return self._marked(request)
        edit.search = Search(found, MOST_SENSITIVE)
        return {"found": say("no_more", language_of(request)), "more": gr.Button(interactive=False)}

    def undo(self, request: gr.Request) -> Shown:
        """Undo the last change of the marks."""
        self.sessions.of(request).edit.undo()
        return self._marked(request)

    def unmark(self, request: gr.Request) -> Shown:
        """Remove all marks."""
        edit = self.sessions.of(request).edit
        edit.mark(np.zeros_like(edit.mask))
        return self._marked(request)

    def take_mask(self, upload: str, request: gr.Request) -> Shown:
        """Load marks from a file of the photo's size, white = damaged."""
        session, edit = self._visit(request)
        edit.mark(imaging.read_mask(session.keep(upload), edit.photo.size))
        return self._marked(request)

    def restore(self, recolor: bool, texture: bool, request: gr.Request, progress=gr.Progress()) -> Shown:
        """Fill what is marked, with texture or without, and color."""
        language, (session, edit) = language_of(request), self._visit(request)
        edit.recolor, edit.texture = recolor, texture
        if not edit.needs_work:
            raise RefusalError("nothing_to_do")
        edit.restore(self.stages, lambda share, key: progress(share, desc=say(key, language)))
        progress(0.9, desc=say("showing", language))
        edit.search = replace(edit.search, new=None)
        return photo_shown.results(session, language)

    def restore_at_once(self, request: gr.Request, progress=gr.Progress()) -> Shown:
        """The same, automatically, once per opened photo; does nothing if there is nothing to do."""
        session = self.sessions.of(request)
        if session.wanted is not None or session.album is None or session.edit.restored or not session.edit.needs_work:
            return {}
        shown = self.restore(session.edit.recolor, session.edit.texture, request, progress)
        session.edit.is_corrected = False
        return shown

    def dab(self, event: gr.EventData, request: gr.Request) -> Shown:
        """Add strokes of color and recolor the photo at once. Only the second stage runs; the fill is kept."""
        edit = self.sessions.of(request).edit
        return self._color_again(request, [*edit.dabs, *event.strokes], edit.reference)

    def undo_dab(self, request: gr.Request) -> Shown:
        """Remove the last dab; if there is none, the other photo's colors."""
        edit = self.sessions.of(request).edit
        return self._color_again(request, edit.dabs[:-1], edit.reference if edit.dabs else None)

    def take_reference(self, upload: str, request: gr.Request) -> Shown:
        """Use the colors of another photo where it shows the same."""
        session, edit = self._visit(request)
        return self._color_again(request, edit.dabs, marks.preview(read_scan(session.keep(upload)).image))

    def take_variant(self, event: gr.SelectData, request: gr.Request) -> Shown:
        """Show another of the colorings; no stage runs."""
        return self._change(request, variant=event.index)

    def make_vivid(self, vividness: float, request: gr.Request) -> Shown:
        """Change the vividness; no stage runs."""
        return self._change(request, vividness=vividness)

    def freshen(self, freshen: bool, request: gr.Request) -> Shown:
        """Stretch faded tones, or not; no stage runs."""
        return self._change(request, "gray", freshen=freshen)

    def save(self, kind: str, ending: str) -> Callable:
        """An event that writes the full-size result."""

        def write(request: gr.Request, progress=gr.Progress()) -> Shown:
            session, edit = self._visit(request)
            progress(0.3, desc=say("writing", language_of(request)))
            file = session.file(f"{edit.name}-{kind}.{ending.replace('jpeg', 'jpg')}")
            imaging.write_photo(photo_shown.full_size(edit, kind), file, edit.scan.shown_at(edit.restored.mask))
            return {"saved": str(file)}

        return write

    def _visit(self, request: gr.Request) -> tuple[Session, EditState]:
        session = self.sessions.of(request)
        return session, session.edit

    def _marked(self, request: gr.Request) -> Shown:
        return photo_shown.marked(self.sessions.of(request), language_of(request))

    def _color_again(self, request: gr.Request, dabs: list[dict], reference: Image.Image | None) -> Shown:
        """Other dabs, another reference: what is refused, a gray one say, changes nothing."""
        session, edit = self._visit(request)
        hints = marks.colored(dabs, edit.photo.size)
        restored = self.stages.colorize(edit.repair, hints, reference, edit.restored)
        shown = self._change(request, dabs=dabs, reference=reference, restored=restored)
        return {**shown, "variants": photo_shown.variants(session)}

    def _change(self, request: gr.Request, *kinds: str, **settings: object) -> Shown:
        """Change the result, and show it in color and in other kinds."""
        session, edit = self._visit(request)
        vars(edit).update(settings, is_corrected=True)
        return photo_shown.pictures(session, *kinds)
