"""One photo, from the drop to the download: what happens at each step."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from PIL import Image

from demo import marks
from demo.manners import RefusalError
from demo.reading import read_scan
from demo.session import EditState, Session, Sessions
from demo.stages import Stages
from demo.texts import language_of, say, translated
from restoration.files import imaging
from restoration.inference.prints import Print, extract, find_prints
from restoration.inference.tones import is_tinted
from restoration.pipeline import MOST_SENSITIVE, Restoration


class Steps:
    """Each takes what the page sends and the visitor's request, and returns what is shown."""

    def __init__(self, stages: Stages, sessions: Sessions):
        self.stages, self.sessions = stages, sessions

    def open(self, upload: str | None, request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        """A new photo: its damage is found, and shown to be corrected."""
        if not upload:
            raise RefusalError("no_photo")
        language, session = language_of(request), self.sessions.of(request)
        progress(0.1, desc=say("reading", language))
        original = session.keep(upload)
        scan = read_scan(original)
        progress(0.4, desc=say("finding", language))
        damage = self.stages.damage(scan.image)
        mask = damage.mask(0)
        small = marks.preview(scan.image)
        shown = _written(session, small, "photo.png")
        prints = find_prints(np.asarray(scan.image.convert("L")))
        is_one = prints == [Print.whole(mask.shape)]
        tinted = is_tinted(scan.image)
        session.edit = EditState(
            original, scan, damage, mask, small, shown, mask, prints=[] if is_one else prints, recolor=tinted
        )
        return _opened(session, language)

    def open_example(self, sample: list[str], request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        """The same with one of our photos."""
        return self.open(sample[0], request, progress)

    def open_print(self, event: gr.SelectData, request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        """One of the pictures on a scan, cut out and straight, as a photo of its own."""
        session, edit = self.sessions.of(request), self.sessions.edit(request)
        cut = extract(edit.photo, edit.prints[event.index])
        file = session.file(f"{edit.original.stem}-{event.index + 1}.png")
        imaging.write_photo(cut, file, edit.scan.part(cut.size))
        return self.open(str(file), request, progress)

    def open_from(self, file_of: Callable) -> Callable:
        """An event that opens the photo that `file_of` knows of what was selected."""

        def open_selected(event: gr.SelectData, request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
            return self.open(file_of(event, request), request, progress)

        return open_selected

    def come_back(self, key: str, request: gr.Request) -> tuple:
        """The page was loaded again: all that was there is there again, while it is kept."""
        if not key:
            return (gr.skip(),) * OPENED
        session = self.sessions.return_to(key, request)
        if session is None or session.edit is None:
            raise RefusalError("photo_gone")
        return _opened(session, language_of(request))

    def paint(self, snap: bool, event: gr.EventData, request: gr.Request) -> tuple:
        """Strokes of the brush and the eraser; with `snap` a brush takes only what is damaged under it and near it."""
        edit = self.sessions.edit(request)
        for stroke in event.strokes:
            drawn = marks.drawn([stroke], edit.photo.size)
            if stroke["pen"] == "erase":
                edit.mark(edit.mask & ~drawn)
            else:
                edit.mark(edit.mask | (edit.damage.snap(drawn) if snap else drawn))
        return self._marked(request)

    def find_more(self, request: gr.Request) -> tuple:
        """Beside what is marked, what the next more sensitive look that finds anything finds; nothing erased again."""
        edit = self.sessions.edit(request)
        while edit.sensitivity < MOST_SENSITIVE:
            edit.sensitivity += 1
            found = edit.damage.mask(edit.sensitivity)
            marked = marks.with_more(edit.mask, edit.found, found)
            edit.found = edit.found | found
            if not np.array_equal(marked, edit.mask):
                edit.mark(marked)
                return self._marked(request)
        picture, _, note = self._marked(request)
        return picture, say("no_more", language_of(request)), note

    def undo(self, request: gr.Request) -> tuple:
        """The marks as they were one step before."""
        self.sessions.edit(request).undo()
        return self._marked(request)

    def unmark(self, request: gr.Request) -> tuple:
        """No marks."""
        edit = self.sessions.edit(request)
        edit.mark(np.zeros_like(edit.mask))
        return self._marked(request)

    def take_mask(self, upload: str, request: gr.Request) -> tuple:
        """Marks from a file of the photo's own size, white = damaged."""
        edit = self.sessions.edit(request)
        edit.mark(imaging.read_mask(self.sessions.of(request).keep(upload), edit.photo.size))
        return self._marked(request)

    def _marked(self, request: gr.Request) -> tuple:
        session, language = self.sessions.of(request), language_of(request)
        return _painted(session), _found(session.edit, language), _done(session.edit, language)

    def restore(self, recolor: bool, texture: bool, request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        """Fill what is marked, with texture or without, and color."""
        session, language = self.sessions.of(request), language_of(request)
        edit = self.sessions.edit(request)
        edit.recolor, edit.texture = recolor, texture
        if edit.keeps_colors and not edit.mask.any():
            raise RefusalError("nothing_to_do")
        photo, mask = edit.photo if edit.keeps_colors else edit.photo.convert("L"), edit.mask
        progress(0.1, desc=say("filling", language))
        repair = self.stages.repair(photo, Image.fromarray(mask), "textured" if texture else "smooth")
        progress(0.6, desc=say("coloring", language))
        edit.restored = self.stages.colorize(repair, marks.colored(edit.dabs, edit.photo.size), edit.reference)
        edit.repair, edit.repaired, edit.vividness, edit.variant = repair, mask, 1.0, 0
        progress(0.9, desc=say("showing", language))
        return _results(session, language)

    def restore_at_once(
        self,
        recolor: bool,
        texture: bool,
        request: gr.Request,
        progress=gr.Progress(),  # noqa: B008
    ) -> tuple:
        """The same, unasked, once for each photo that was opened; where nothing is to be done, nothing is said."""
        edit = self.sessions.of(request).edit
        if edit is None or edit.restored or (edit.keeps_colors and not edit.mask.any()):
            return (gr.skip(),) * RESULTS
        return self.restore(recolor, texture, request, progress)

    def open_hints(self, request: gr.Request) -> tuple:
        """The gray photo, with the dabs that were made before."""
        self.sessions.edit(request)
        return gr.Column(visible=True), _dabbed(self.sessions.of(request))

    def dab(self, event: gr.EventData, request: gr.Request) -> tuple:
        """Strokes of color: the photo is colored again at once. Only the second stage runs, the fill stays."""
        edit = self.sessions.edit(request)
        edit.dabs = [*edit.dabs, *event.strokes]
        return self._color_again(request)

    def undo_dab(self, request: gr.Request) -> tuple:
        """The last dab away; where there is none, the other photo's colors."""
        edit = self.sessions.edit(request)
        edit.reference = edit.reference if edit.dabs else None
        edit.dabs = edit.dabs[:-1]
        return self._color_again(request)

    def take_reference(self, upload: str, request: gr.Request) -> tuple:
        """Another photo lends its colors where it shows the same."""
        self.sessions.edit(request).reference = read_scan(self.sessions.of(request).keep(upload)).image
        return self._color_again(request)

    def _color_again(self, request: gr.Request) -> tuple:
        session, edit = self.sessions.of(request), self.sessions.edit(request)
        edit.restored = self.stages.colorize(edit.repair, marks.colored(edit.dabs, edit.photo.size), edit.reference)
        edit.variant = 0
        return _dabbed(session), _compare(session, "color"), _vividness(edit)

    def variants(self, request: gr.Request) -> tuple:
        """Colorings to choose from, side by side."""
        session = self.sessions.of(request)
        if session.edit is None or session.edit.restored is None:
            return (gr.Gallery(visible=False),)
        small = [marks.preview(variant) for variant in session.edit.restored.variants()]
        for image in small:
            image.thumbnail((400, 400))
        shown = [str(_written(session, image, "variant.png")) for image in small]
        return (gr.Gallery(shown, visible=len(shown) > 1, selected_index=None),)

    def take_variant(self, event: gr.SelectData, request: gr.Request) -> tuple:
        """One of them instead of the one that is shown; no stage runs."""
        session, edit = self.sessions.of(request), self.sessions.edit(request)
        edit.variant, edit.vividness = event.index, 1.0
        return _compare(session, "color"), _vividness(edit)

    def make_vivid(self, vividness: float, request: gr.Request) -> tuple[str, str]:
        """No stage runs at all."""
        self.sessions.edit(request).vividness = vividness
        return (_compare(self.sessions.of(request), "color"),)

    def freshen(self, freshen: bool, request: gr.Request) -> tuple:
        """Faded tones stretched, or as they are; no stage runs."""
        session, edit = self.sessions.of(request), self.sessions.edit(request)
        edit.freshen = freshen
        return _compare(session, "color"), _compare(session, "gray")

    def save(self, kind: str, ending: str) -> Callable:
        """An event that writes the full-size result."""

        def write(request: gr.Request, progress=gr.Progress()) -> tuple[str]:  # noqa: B008
            edit, session = self.sessions.edit(request), self.sessions.of(request)
            progress(0.3, desc=say("writing", language_of(request)))
            image = _full_size(edit, kind)
            file = session.file(f"{edit.original.stem}-{kind}.{ending.replace('jpeg', 'jpg')}")
            imaging.write_photo(image, file, edit.scan.shown_at(edit.restored.mask))
            return (str(file),)

        return write


OPENED, RESULTS = 15, 7  # values that `_opened` and `_results` give


def _opened(session: Session, language: str) -> tuple:
    """The whole view of a photo: which part of the page, the marks, and the result where there is one."""
    edit = session.edit
    hidden = gr.Column(visible=False)
    results = (hidden, None, None, _vividness(edit), False, say("waiting", language), hidden)
    return (
        session.key,
        gr.Column(visible=False),
        gr.Row(visible=True),
        _prints(session, language),
        _painted(session),
        _found(edit, language),
        gr.Checkbox(value=edit.recolor, visible=edit.photo.mode == "RGB"),
        edit.texture,
        *(_results(session, language) if edit.restored else results),
    )


def _results(session: Session, language: str) -> tuple:
    edit = session.edit
    return (
        gr.Column(visible=True),
        _compare(session, "color"),
        _compare(session, "gray"),
        _vividness(edit),
        edit.freshen,
        _done(edit, language),
        gr.Column(visible=False),
    )


def _vividness(edit: EditState) -> gr.Slider:
    has_color = edit.restored is not None and edit.restored.chroma is not None
    return gr.Slider(value=edit.vividness, interactive=has_color and edit.variant == 0)


def _full_size(edit: EditState, kind: str) -> Image.Image:
    if edit.freshen:
        fresh = edit.restored.freshened()
        return fresh.gray if kind == "gray" else _colored(fresh, edit)
    if kind == "gray":
        return edit.scan.own_gray(edit.restored.gray, edit.restored.mask)
    return _colored(edit.restored, edit)


def _colored(restored: Restoration, edit: EditState) -> Image.Image:
    if edit.variant:
        return restored.variants()[edit.variant]
    return restored.image if edit.vividness == 1 else restored.vivid(edit.vividness)


def _prints(session: Session, language: str) -> gr.Gallery:
    """The pictures on the scan, each cut out and straight, to be taken alone."""
    shown = []
    for number, found in enumerate(session.edit.prints, 1):
        cut = extract(session.edit.photo, found)
        cut.thumbnail((300, 300))
        shown.append((str(_written(session, cut, "print.png")), say("print", language, number=number)))
    return gr.Gallery(shown, visible=bool(shown))


def _painted(session: Session) -> dict:
    """The photo with its marks, for the painter."""
    edit = session.edit
    layer = marks.marked_layer(marks.shrink_mask(edit.mask, edit.small.size)) if edit.mask.any() else None
    return _picture(session, edit.shown, layer, edit.small.size)


def _dabbed(session: Session) -> dict:
    """The gray photo with its dabs, for the painter."""
    edit = session.edit
    gray = marks.preview(edit.restored.gray)
    return _picture(session, _written(session, gray, "gray.png"), marks.colored(edit.dabs, gray.size), gray.size)


def _picture(session: Session, photo: Path, layer: Image.Image | None, size: tuple[int, int]) -> dict:
    files = {"photo": photo, "layer": layer and _written(session, layer, "layer.png")}
    return {name: file and FileData(path=str(file)).model_dump() for name, file in files.items()} | {"size": size}


def _written(session: Session, image: Image.Image, name: str) -> Path:
    file = session.file(name)
    image.save(file, compress_level=1)
    return file


def _compare(session: Session, kind: str) -> tuple[str, str]:
    """Damaged and restored as small files for the slider."""
    edit = session.edit
    after = marks.preview(_full_size(edit, kind))
    return _small_file(session, edit.small, "before"), _small_file(session, after, "after")


def _small_file(session: Session, image: Image.Image, name: str) -> str:
    file: Path = session.file(f"{name}.jpg")
    image.save(file, quality=95, subsampling=0)
    return str(file)


def _found(edit: EditState, language: str) -> str:
    """What is marked, what to do about it, and what kind of photo this is."""
    share = edit.mask.mean()
    words = [say("found", language, share=f"{share:.1%}") if share else say("not_found", language)]
    if edit.photo.mode == "RGB":
        words += [say("tinted" if is_tinted(edit.photo) else "in_color", language)]
    if edit.prints:
        words += [say("prints_found" if len(edit.prints) > 1 else "print_found", language, count=len(edit.prints))]
    return " ".join([*words, *(translated(note, language) for note in edit.scan.notes)])


def _done(edit: EditState, language: str) -> str:
    """What was done; that the marks have changed since."""
    if edit.restored is None:
        return say("waiting", language)
    if not np.array_equal(edit.mask, edit.repaired):
        return say("marks_changed", language)
    share = edit.mask.mean()
    return say("repaired", language, share=f"{share:.1%}") if share else say("only_colored", language)
