"""Many photos: the tab and its events."""

import time
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from demo.batch import gather, is_due, keep_corrected, pack, restore_all
from demo.limits import BATCH_MEGAPIXELS, BATCH_PHOTOS, GRACE
from demo.manners import RefusalError, in_place
from demo.photo_view import choices, refusal_view, switch
from demo.reading import as_file
from demo.session import Batch, Session, Sessions
from demo.stages import Stages
from demo.texts import label, language_of, say


def batch_tab(stages: Stages, sessions: Sessions, loaded: Callable, opened: Callable) -> dict[str, gr.blocks.Block]:
    """Build the tab and its events; `opened` listens to the tab. Returns the view."""
    view, start, inputs = _layout()

    def take(sent: list[str], keep_gray: bool, request: gr.Request) -> dict:
        """A new batch, unless one is in work: the page may have been reloaded meanwhile. A list sent again is none."""
        if not sent:
            raise RefusalError("no_photo")
        session = sessions.of(request)
        last = session.batch
        if last and (last.sent, last.keep_gray) == (sent, keep_gray):
            last.try_again()
        elif not last or not last.is_open:
            photos = gather([session.keep(file) for file in sent], session.file("sent"))
            session.batch = Batch(photos, keep_gray, sent)
        return look(request)

    def work(request: gr.Request, progress=gr.Progress()) -> dict:
        """Restore what is not restored yet; what was corrected by hand goes into the zip."""
        session, language = sessions.of(request), language_of(request)
        if not session.batch:
            raise RefusalError("photo_gone")

        def tell(done: int, name: str) -> None:
            count = len(session.batch.photos)
            progress((done, count), desc=Path(name).name, unit=say("batch_unit", language))

        while is_due(session):
            restore_all(session, stages, language, tell)
            keep_corrected(session, stages, language)
            pack(session, language)
        return _shown(session, language)

    def look(request: gr.Request) -> dict:
        """Show the last batch, if there is one, and have done what is still to do for it."""
        session = sessions.of(request)
        if not session.batch:
            return {}
        due = {"due": str(time.monotonic()), "save": gr.DownloadButton(visible=False)} if is_due(session) else {}
        return _shown(session, language_of(request)) | due

    def come_back(key: str, request: gr.Request) -> dict:
        """The page was reloaded, or its connection was lost: show the last batch again, if it is still kept."""
        return look(request) if key and sessions.return_to(key, request) else {}

    settings = {"outputs": list(view.values()), "api_visibility": "private"}
    on_note = {"show_progress_on": view["note"], **settings}
    taken = start.click(in_place(take, view), inputs, **on_note)
    # What waits in the queue goes with a lost connection, what is in work does not: the next one waits for its end.
    view["due"].change(in_place(work, view), None, concurrency_id="work", concurrency_limit=1, **on_note)
    opened(in_place(look, view), None, queue=False, **settings)
    remembered = {"js": "() => [sessionStorage.batch ?? '']", "queue": False}
    returned = loaded(in_place(come_back, view), view["key"], **remembered, **settings)
    for shown in (taken, returned):
        shown.then(None, view["key"], js="(key) => { sessionStorage.batch = key; }", api_visibility="private")
    return view


def _layout() -> tuple[dict[str, gr.blocks.Block], gr.Button, list[gr.blocks.Block]]:
    """The view, the button that starts a batch, and what that takes."""
    lead = label("batch_lead", count=BATCH_PHOTOS, megapixels=BATCH_MEGAPIXELS)
    gr.Markdown(lead, elem_classes="quiet")
    files = gr.File(label=label("batch_files"), file_count="multiple", elem_id="batch-files", height=220)
    as_file(files)
    keep_gray = switch("batch_gray")
    start = gr.Button(label("batch_start"), variant="primary", size="lg", elem_id="batch-start")
    view = {
        "key": gr.Textbox(visible="hidden"),
        "due": gr.Textbox(visible="hidden"),  # another text when there is something to do
        "refusal": refusal_view(),
        "note": gr.Markdown(elem_id="batch-note", elem_classes="said", min_height=90),
        "save": gr.DownloadButton(label("batch_save"), visible=False, variant="primary", elem_id="batch-save"),
        "pairs": choices("batch_pairs", show_label=False, columns=3),
    }
    return view, start, [files, keep_gray]


def _shown(session: Session, language: str) -> dict:
    """What the page shows of a batch."""
    batch = session.batch
    pairs = [(result.pair, result.said) for result in batch.results.values()]
    return {
        "key": session.key,
        "note": _summary(batch, language),
        "save": gr.DownloadButton(value=batch.archive and str(batch.archive), visible=bool(batch.archive)),
        "pairs": gr.Gallery(pairs, visible=bool(pairs)),
    }


def _summary(batch: Batch, language: str) -> str:
    if batch.is_open:
        return say("batch_running", language, minutes=GRACE // 60)
    done, count = len(batch.photos) - len(batch.problems), len(batch.photos)
    lines = [say("batch_done", language, done=done, count=count)]
    if batch.results:
        lines.append(say("batch_choose", language))
    if batch.problems:
        lines += ["", say("batch_failed", language), *(f"- {problem}" for problem in batch.problems)]
    return "\n".join(lines)
