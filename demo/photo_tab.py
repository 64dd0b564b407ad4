"""One photo, from the drop to the download: what happens at each click."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image

from demo import overlay
from demo.manners import RefusalError, politely
from demo.photo_view import Marking, Results, Start, marking_view, results_view, start_view
from demo.reading import read_scan
from demo.stages import Stages
from demo.style import SAVE, SHOW_RESULT, TO_TOP
from demo.texts import language_of, say, translated
from demo.visit import Desk, Visit, Visits
from restoration.files import imaging
from restoration.pipeline import MOST_SENSITIVE

QUEUE = {"concurrency_id": "work", "concurrency_limit": 1, "api_visibility": "private"}
AT_ONCE = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


def photo_tab(stages: Stages, visits: Visits) -> None:
    """Lay the tab out and tie its buttons to what they do."""
    start = start_view()
    with gr.Row(visible=False, elem_id="work") as work:
        marking, results = marking_view(), results_view()
    steps = Steps(stages, visits)
    _tie_photo(steps, start, work, marking, results)
    _tie_marks(steps, marking)
    _tie_results(steps, marking, results)


def _tie_photo(steps: "Steps", start: Start, work: gr.Row, marking: Marking, results: Results) -> None:
    view = [start.area, work, marking.editor, marking.note, marking.recolor, results.waiting, results.area]
    start.drop.upload(politely(steps.open), start.drop, view, show_progress_on=start.drop, **QUEUE)
    if start.examples:
        start.examples.click(politely(steps.open_example), start.examples, view, show_progress_on=start.drop, **QUEUE)
    marking.another.click(
        lambda: (gr.Column(visible=True), gr.Row(visible=False), None), None, [start.area, work, start.drop], **AT_ONCE
    ).then(js=TO_TOP, **AT_ONCE)


def _tie_marks(steps: "Steps", marking: Marking) -> None:
    view = [marking.editor, marking.note]
    marking.more.click(politely(steps.find_more), marking.editor, view, show_progress_on=marking.editor, **QUEUE)
    marking.again.click(politely(steps.find_again), None, view, show_progress_on=marking.editor, **QUEUE)
    marking.unmark.click(politely(steps.unmark), None, view, **AT_ONCE)
    marking.mask_file.upload(politely(steps.take_mask), marking.mask_file, view, **QUEUE)


def _tie_results(steps: "Steps", marking: Marking, results: Results) -> None:
    view = [results.waiting, results.area, *results.sliders, results.vividness, results.note, results.hints_area]
    progress_on = [results.waiting, results.sliders[0]]  # before the first result, and above one that is replaced
    marking.restore.click(
        politely(steps.restore), [marking.editor, marking.recolor], view, show_progress_on=progress_on, **QUEUE
    ).success(js=SHOW_RESULT, **AT_ONCE)
    results.hints_open.click(politely(steps.open_hints), None, [results.hints_area, results.hints], **AT_ONCE)
    colors = [results.sliders[0], results.vividness]
    results.hints_apply.click(
        politely(steps.color_again), results.hints, colors, show_progress_on=results.sliders[0], **QUEUE
    )
    results.vividness.release(
        politely(steps.make_vivid), results.vividness, results.sliders[0], show_progress="hidden", **QUEUE
    )
    for (kind, ending), button in results.saves.items():
        button.click(politely(steps.save(kind, ending)), None, results.saved, show_progress_on=button, **QUEUE).success(
            None, results.saved, js=SAVE, **AT_ONCE
        )


class Steps:
    """The events of the tab. Each takes what the page sends and the visitor's request, and returns what is shown."""

    def __init__(self, stages: Stages, visits: Visits):
        self.stages, self.visits = stages, visits

    def open(self, upload: str | None, request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        """A new photo: its damage is found, and shown to be corrected."""
        if not upload:
            raise RefusalError("no_photo")
        language, visit = language_of(request), self.visits.of(request)
        progress(0.1, desc=say("reading", language))
        original = visit.keep(upload)
        scan = read_scan(original)
        progress(0.4, desc=say("finding", language))
        mask = np.asarray(self.stages.detect(scan.image, 0)) > 0
        small = overlay.preview(scan.image)
        visit.desk = Desk(original, scan, mask, small, overlay.shrink_mask(mask, small.size), mask)
        is_color, recolor = scan.image.mode == "RGB", overlay.is_tinted(scan.image)
        return (
            gr.Column(visible=False),
            gr.Row(visible=True),
            _marked(visit),
            _found(visit.desk, language),
            gr.Checkbox(value=recolor, visible=is_color),
            gr.Markdown(visible=True),
            gr.Column(visible=False),
        )

    def open_example(self, sample: list[str], request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        """The same with one of our photos."""
        return self.open(sample[0], request, progress)

    def find_again(self, request: gr.Request) -> tuple:
        """The marks as they were found at first."""
        return self._mark(request, np.asarray(self.stages.detect(self.visits.desk(request).photo, 0)) > 0)

    def find_more(self, painted: dict, request: gr.Request) -> tuple:
        """Beside what is marked, what the next more sensitive look that finds anything finds; nothing erased again."""
        desk = self.visits.desk(request)
        _take_strokes(desk, painted)
        while desk.sensitivity < MOST_SENSITIVE:
            desk.sensitivity += 1
            found = np.asarray(self.stages.detect(desk.photo, desk.sensitivity)) > 0
            marked = overlay.with_more(desk.mask, desk.found, found)
            desk.found = desk.found | found
            if not np.array_equal(marked, desk.mask):
                desk.mask = marked
                return self._show_marks(request)
        return self._show_marks(request)[0], say("no_more", language_of(request))

    def unmark(self, request: gr.Request) -> tuple:
        """No marks."""
        return self._mark(request, np.zeros_like(self.visits.desk(request).mask))

    def take_mask(self, upload: str, request: gr.Request) -> tuple:
        """Marks from a file of the photo's own size, white = damaged."""
        size = self.visits.desk(request).photo.size
        return self._mark(request, imaging.read_mask(self.visits.of(request).keep(upload), size))

    def _mark(self, request: gr.Request, mask: np.ndarray) -> tuple:
        desk = self.visits.desk(request)
        desk.mask, desk.found, desk.sensitivity = mask, mask, 0
        return self._show_marks(request)

    def _show_marks(self, request: gr.Request) -> tuple:
        visit = self.visits.of(request)
        return _marked(visit), _found(visit.desk, language_of(request))

    def restore(self, painted: dict, recolor: bool, request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        """Fill what is marked, and color."""
        desk, language = self.visits.desk(request), language_of(request)
        _take_strokes(desk, painted)
        keeps_colors = desk.photo.mode == "RGB" and not recolor
        if keeps_colors and not desk.mask.any():
            raise RefusalError("nothing_to_do")
        photo = desk.photo if keeps_colors else desk.photo.convert("L")
        progress(0.1, desc=say("filling", language))
        desk.repair = self.stages.repair(photo, Image.fromarray(desk.mask))
        progress(0.6, desc=say("coloring", language))
        desk.restored, desk.vividness = self.stages.colorize(desk.repair, desk.hints), 1.0
        progress(0.9, desc=say("showing", language))
        visit = self.visits.of(request)
        return (
            gr.Markdown(visible=False),
            gr.Column(visible=True),
            _compare(visit, "color"),
            _compare(visit, "gray"),
            gr.Slider(value=1, interactive=desk.restored.chroma is not None),
            _done(desk, language),
            gr.Column(visible=False),
        )

    def open_hints(self, request: gr.Request) -> tuple:
        """The gray photo, with the dabs that were made before."""
        visit = self.visits.of(request)
        gray = overlay.preview(self.visits.desk(request).restored.gray)
        dabs = visit.desk.hints and visit.desk.hints.resize(gray.size, Image.Resampling.NEAREST)
        return gr.Column(visible=True), _canvas(visit, gray, dabs)

    def color_again(self, painted: dict, request: gr.Request) -> tuple:
        """Only the second stage runs: the fill stays."""
        desk = self.visits.desk(request)
        desk.hints = overlay.full_hints(painted["layers"], desk.photo.size)
        desk.restored = self.stages.colorize(desk.repair, desk.hints)
        return _compare(self.visits.of(request), "color"), gr.Slider(interactive=desk.restored.chroma is not None)

    def make_vivid(self, vividness: float, request: gr.Request) -> tuple[str, str]:
        """No stage runs at all."""
        self.visits.desk(request).vividness = vividness
        return _compare(self.visits.of(request), "color")

    def save(self, kind: str, ending: str) -> Callable:
        """An event that writes the full-size result."""

        def write(request: gr.Request, progress=gr.Progress()) -> str:  # noqa: B008
            desk, visit = self.visits.desk(request), self.visits.of(request)
            progress(0.3, desc=say("writing", language_of(request)))
            image = _full_size(desk, kind)
            file = visit.file(f"{desk.original.stem}-{kind}.{ending.replace('jpeg', 'jpg')}")
            imaging.write_photo(image, file, desk.scan.shown_at(desk.restored.mask))
            return str(file)

        return write


def _full_size(desk: Desk, kind: str) -> Image.Image:
    if kind == "gray":
        return desk.scan.own_gray(desk.restored.gray, desk.restored.mask)
    return desk.restored.image if desk.vividness == 1 else desk.restored.vivid(desk.vividness)


def _take_strokes(desk: Desk, painted: dict) -> None:
    now = overlay.painted(painted["layers"], desk.shown.shape[::-1])
    desk.mask = overlay.changed_mask(desk.mask, desk.shown, now)
    desk.shown = now


def _marked(visit: Visit) -> gr.ImageEditor:
    """The photo with its marks; remembers what was shown, so that strokes can be told from it."""
    desk = visit.desk
    desk.shown = overlay.shrink_mask(desk.mask, desk.small.size)
    return _canvas(visit, desk.small, overlay.marked_layer(desk.shown) if desk.mask.any() else None)


def _canvas(visit: Visit, picture: Image.Image, layer: Image.Image | None) -> gr.ImageEditor:
    """An editor's new picture. The canvas takes its size, else the layer would be drawn beside it."""
    layers = [] if layer is None else [_shown(visit, layer, "layer.png")]
    value = {"background": _shown(visit, picture, "photo.png"), "layers": layers, "composite": None}
    return gr.ImageEditor(value=value, canvas_size=picture.size)


def _shown(visit: Visit, image: Image.Image, name: str) -> str:
    file = visit.file(name)
    image.save(file, compress_level=1)
    return str(file)


def _compare(visit: Visit, kind: str) -> tuple[str, str]:
    """Damaged and restored as small files for the slider."""
    desk = visit.desk
    gray = overlay.preview(desk.restored.gray)
    if kind == "gray":
        after = gray
    elif desk.restored.chroma is None:
        after = overlay.preview(desk.restored.image)
    else:  # at the preview's size: full size waits for the download
        after = replace(desk.restored, gray=gray).vivid(desk.vividness)
    return _small_file(visit, desk.small, "before"), _small_file(visit, after, "after")


def _small_file(visit: Visit, image: Image.Image, name: str) -> str:
    file: Path = visit.file(f"{name}.jpg")
    image.save(file, quality=95, subsampling=0)
    return str(file)


def _found(desk: Desk, language: str) -> str:
    """What was found, and what kind of photo this is."""
    share = desk.mask.mean()
    words = [say("found", language, share=f"{share:.1%}") if share else say("not_found", language)]
    if desk.photo.mode == "RGB":
        kind = "tinted" if overlay.is_tinted(desk.photo) else "in_color"
        words = [*words[: bool(share)], say(kind, language)]
    return " ".join([*words, *(translated(note, language) for note in desk.scan.notes)])


def _done(desk: Desk, language: str) -> str:
    share = desk.mask.mean()
    return say("repaired", language, share=f"{share:.1%}") if share else say("only_colored", language)
