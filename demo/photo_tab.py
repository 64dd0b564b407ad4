"""One photo, from the drop to the download: connects the layout with the steps."""

from collections.abc import Callable, Iterable
from itertools import product

import gradio as gr

from demo.manners import in_place
from demo.photo_steps import Steps
from demo.photo_view import marking_view, results_view, start_view

QUEUE = {"concurrency_id": "work", "concurrency_limit": 1, "api_visibility": "private"}
EACH = {"trigger_mode": "multiple", **QUEUE}  # asked again before it is answered, it waits its turn
HIDDEN = {"show_progress": "hidden", "api_visibility": "private"}
AT_ONCE = {"queue": False, **HIDDEN}
# Wait until the last strokes are on the server.
SENT = "async (...values) => {{ await page.sent('editor'); return values.slice(0, {count}); }}"
REMEMBERED = "() => [sessionStorage.visit ?? '']"
SEEN = {"js": "(key) => page.opened(key)", **AT_ONCE}
ANSWERED = "() => page.answered('{name}')"
# Parts of the view that steps change together.
MARKS = ("editor", "found", "undo", "unmark", "more", "note", "restore")
COLORS = ("color", "hints", "hints_undo")
RESULTS = ("results", "gray", "variants", "vividness", "freshen", "hints_how_to", *COLORS, *MARKS)
OPENED = ("key", "start", "work", "prints", "tabs", "recolor", "texture", "kind", *RESULTS)


class PhotoTab:
    """The tab; `view` holds its parts by the names that the steps use."""

    def __init__(self, loaded: Callable, steps: Steps):
        self.steps = steps
        hidden = {name: gr.Textbox(visible="hidden") for name in ("key", "due")}  # the second: a result is to be made
        self.view = {**hidden, **start_view()}
        with gr.Row(visible=False, elem_id="work") as self.view["work"]:
            self.view |= {**marking_view(), **results_view()}
        self._tie_start(loaded)
        self._tie_marks()
        self._tie_results()

    def open_on(self, listener: Callable, step: Callable, progress_on: object) -> None:
        """Connect a listener to a step that opens a photo, which is then restored."""
        opened = self._tie(listener, step, None, OPENED, "start", show_progress_on=progress_on, **EACH)
        opened.then(None, self.view["key"], self.view["drop"], **SEEN)
        self._restore_on(opened.then, self.steps.restore_at_once, None)

    def _tie(
        self, listener: Callable, step: Callable, inputs: object, changed: Iterable[str], where: str, **settings
    ) -> gr.events.Dependency:
        """Connect a listener to a step that changes parts of the view; refusals are shown at `where`."""
        refusal = f"{where}_refusal"
        answer = in_place(step, self.view, refusal)
        return listener(answer, inputs, [self.view[name] for name in (*changed, refusal)], **settings)

    def _tie_start(self, loaded: Callable) -> None:
        view, steps = self.view, self.steps
        for name, wanting in (("drop", view["drop"].upload), ("examples", view["examples"].click)):
            wanted = wanting(steps.want, view[name], view["key"], trigger_mode="multiple", **AT_ONCE)
            wanted.then(None, view["key"], js="(key) => { sessionStorage.visit = key; }", **AT_ONCE)
            self.open_on(wanted.then, steps.open, view["drop"])
        view["drop"].clear(steps.want, view["drop"], view["key"], **AT_ONCE)
        picked = view["prints"].select(steps.want_print, None, None, trigger_mode="multiple", **AT_ONCE)
        self.open_on(picked.then, steps.open, view["found"])
        shown, settings = (*OPENED, "due"), {"show_progress_on": view["drop"], **AT_ONCE}
        for listener, js in ((loaded, REMEMBERED), (view["back"].click, None)):
            back = self._tie(listener, steps.come_back, view["key"], shown, "start", js=js, **settings)
        back.then(None, view["key"], view["drop"], **SEEN)
        self.open_on(view["due"].change, steps.catch_up, [view["drop"], view["note"]])
        again = self._tie(view["another"].click, steps.start_again, None, ("start", "work", "back"), "start", **AT_ONCE)
        again.then(js="() => page.startAgain()", **AT_ONCE)

    def _restore_on(self, listener: Callable, step: Callable, inputs: object, **settings) -> None:
        settings = {"show_progress_on": self.view["note"], **settings, **QUEUE}
        restored = self._tie(listener, step, inputs, RESULTS, "marking", **settings)
        restored.then(js="() => page.showResult()", **AT_ONCE)

    def _tie_marks(self) -> None:
        view, steps = self.view, self.steps
        # Not on the note, which may be telling of a restoration's progress.
        at_work, at_once = ({"show_progress_on": view["found"], **how} for how in (QUEUE, AT_ONCE))
        for listener, step, inputs, settings in (
            (view["more"].click, steps.find_more, None, {"js": SENT.format(count=0), **at_work}),
            (view["mask_file"].upload, steps.take_mask, view["mask_file"], at_work),
            (view["undo"].click, steps.undo, None, at_once),
            (view["editor"].undo, steps.undo, None, at_once),
            (view["unmark"].click, steps.unmark, None, at_once),
        ):
            self._tie(listener, step, inputs, MARKS, "marking", **settings)
        settings = {"trigger_mode": "multiple", **at_once}
        painted = self._tie(view["editor"].input, steps.paint, view["snap"], MARKS, "marking", **settings)
        painted.then(js=ANSWERED.format(name="editor"), **AT_ONCE)
        wishes = [view["recolor"], view["texture"]]
        for wish in wishes:  # what it changes is seen once the photo is restored again
            wish.input(lambda: gr.Button(variant="primary"), None, view["restore"], **AT_ONCE)
        self._restore_on(view["restore"].click, steps.restore, wishes, js=SENT.format(count=2))

    def _tie_results(self) -> None:
        view, steps = self.view, self.steps
        on_note = {"show_progress_on": view["note"]}
        for listener, step, inputs in (
            (view["hints"].input, steps.dab, None),
            (view["hints"].undo, steps.undo_dab, None),
            (view["hints_undo"].click, steps.undo_dab, None),
            (view["reference"].upload, steps.take_reference, view["reference"]),
        ):
            colored = self._tie(listener, step, inputs, (*COLORS, "variants"), "results", **EACH, **on_note)
            colored.then(js=ANSWERED.format(name="hints"), **AT_ONCE)
        for listener, step, inputs, changed in (
            (view["variants"].select, steps.take_variant, None, COLORS),
            (view["vividness"].release, steps.make_vivid, view["vividness"], COLORS),
            (view["freshen"].input, steps.freshen, view["freshen"], (*COLORS, "gray")),
        ):
            self._tie(listener, step, inputs, changed, "results", **QUEUE, **on_note)
        for kind, ending in product(("color", "gray"), ("png", "jpeg")):
            button = view[f"save_{kind}_{ending}"]
            saved = self._tie(button.click, steps.save(kind, ending), None, ["saved"], "results", **QUEUE, **on_note)
            saved.then(None, view["saved"], js="(file) => page.save(file)", **AT_ONCE)
