"""One photo, from the drop to the download: what stands where is tied to what happens."""

from collections.abc import Callable

import gradio as gr

from demo.manners import in_place
from demo.photo_steps import Steps
from demo.photo_view import Marking, Results, marking_view, results_view, start_view

QUEUE = {"concurrency_id": "work", "concurrency_limit": 1, "api_visibility": "private"}
HIDDEN = {"show_progress": "hidden", "api_visibility": "private"}
AT_ONCE = {"queue": False, **HIDDEN}
# What was painted last is on the server before anything is done with it.
SENT = "async (...values) => {{ await page.sent('editor'); return values.slice(0, {count}); }}"
REMEMBERED = "() => [sessionStorage.getItem('visit') ?? '']"
ANSWERED = "() => page.answered('{name}')"


def photo_tab(demo: gr.Blocks, steps: Steps) -> Callable:
    """Lay the tab out and tie its buttons to what they do.

    Returns: `open_on(listener, step, inputs, progress_on)`, which ties a listener to a step that opens a photo.
    """
    key, start = gr.Textbox(visible="hidden"), start_view()
    with gr.Row(visible=False, elem_id="work") as work:
        marking, results = marking_view(), results_view()
    marks_shown = [marking.prints, marking.painter, marking.note, marking.recolor, marking.texture]
    opened = [key, start.area, work, *marks_shown, *_shown(results)]

    def open_on(listener: Callable, step: Callable, inputs: object, progress_on: object) -> gr.events.Dependency:
        tied = listener(in_place(step, opened), inputs, [*opened, start.refusal], show_progress_on=progress_on, **QUEUE)
        tied.then(None, key, start.drop, js="(key) => page.opened(key)", **AT_ONCE)
        return _restore_on(tied.then, steps, steps.restore_at_once, marking, results)

    open_on(start.drop.upload, steps.open, start.drop, start.drop)
    if start.examples:
        open_on(start.examples.click, steps.open_example, start.examples, start.drop)
    open_on(marking.prints.select, steps.open_print, None, marking.note)
    demo.load(
        in_place(steps.come_back, opened),
        key,
        [*opened, start.refusal],
        js=REMEMBERED,
        **AT_ONCE,
    )
    marking.another.click(
        lambda: (gr.Column(visible=True), gr.Row(visible=False)), None, [start.area, work], **AT_ONCE
    ).then(js="() => page.startAgain()", **AT_ONCE)
    _tie_marks(steps, marking, results)
    _restore_on(marking.restore.click, steps, steps.restore, marking, results, js=SENT.format(count=2))
    _tie_results(steps, results)
    return open_on


def _shown(results: Results) -> list:
    return [results.area, *results.sliders, results.vividness, results.freshen, results.note, results.hints_area]


def _restore_on(listener: Callable, steps: Steps, step: Callable, marking: Marking, results: Results, **extra) -> None:
    shown = _shown(results)
    listener(
        in_place(step, shown), [marking.recolor, marking.texture], [*shown, marking.refusal],
        show_progress_on=results.note, **extra, **QUEUE,
    ).then(js="() => page.showResult()", **AT_ONCE).then(
        in_place(steps.variants, [0]), None, [results.variants, results.refusal], **QUEUE | HIDDEN
    )  # fmt: skip


def _tie_marks(steps: Steps, marking: Marking, results: Results) -> None:
    view, note = [marking.painter, marking.note, results.note], marking.note

    def tie(listener: Callable, step: Callable, inputs: object = None, **settings) -> gr.events.Dependency:
        return listener(in_place(step, view), inputs, [*view, marking.refusal], **settings)

    tie(marking.painter.input, steps.paint, marking.snap, trigger_mode="multiple", **AT_ONCE).then(
        js=ANSWERED.format(name="editor"), **AT_ONCE
    )
    tie(marking.more.click, steps.find_more, js=SENT.format(count=0), show_progress_on=note, **QUEUE)
    tie(marking.mask_file.upload, steps.take_mask, marking.mask_file, show_progress_on=note, **QUEUE)
    for listener in (marking.undo.click, marking.painter.undo):
        tie(listener, steps.undo, **AT_ONCE)
    tie(marking.unmark.click, steps.unmark, **AT_ONCE)


def _tie_results(steps: Steps, results: Results) -> None:
    color = results.sliders[0]
    results.hints_open.click(
        in_place(steps.open_hints, [0, 0]), None, [results.hints_area, results.hints, results.refusal], **AT_ONCE
    )
    colors = [results.hints, color, results.vividness]
    for listener, step, given in (
        (results.hints.input, steps.dab, None),
        (results.hints_undo.click, steps.undo_dab, None),
        (results.reference.upload, steps.take_reference, results.reference),
    ):
        listener(
            in_place(step, colors), given, [*colors, results.refusal], show_progress_on=results.note,
            trigger_mode="multiple", **QUEUE,
        ).then(js=ANSWERED.format(name="hints"), **AT_ONCE).then(
            in_place(steps.variants, [0]), None, [results.variants, results.refusal], **QUEUE | HIDDEN
        )  # fmt: skip
    results.variants.select(
        in_place(steps.take_variant, [0, 0]), None, [color, results.vividness, results.refusal], **QUEUE | HIDDEN
    )
    results.vividness.release(
        in_place(steps.make_vivid, [color]),
        results.vividness,
        [color, results.refusal],
        show_progress="hidden",
        **QUEUE,
    )
    results.freshen.input(
        in_place(steps.freshen, results.sliders), results.freshen, [*results.sliders, results.refusal], **QUEUE
    )
    for (kind, ending), button in results.saves.items():
        button.click(
            in_place(steps.save(kind, ending), [results.saved], failed=None), None, [results.saved, results.refusal],
            show_progress_on=button, **QUEUE,
        ).then(None, results.saved, js="(file) => page.save(file)", **AT_ONCE)  # fmt: skip
