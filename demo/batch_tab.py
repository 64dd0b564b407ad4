"""Many photos: the tab and its events."""

import time
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from demo.batch import corrected, gather, keep_corrected, pack, restore_all
from demo.limits import BATCH_MEGAPIXELS, BATCH_PHOTOS
from demo.manners import RefusalError, in_place
from demo.photo_view import choices, refusal_view, switch
from demo.reading import as_file
from demo.session import Batch, Session, Sessions
from demo.stages import Stages
from demo.texts import label, language_of, say


def batch_tab(stages: Stages, sessions: Sessions, loaded: Callable, opened: Callable) -> dict[str, gr.blocks.Block]:
    """Build the tab and its events; `opened` listens to the tab. Returns the view."""
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

    def run(sent: list[str], keep_gray: bool, request: gr.Request, progress=gr.Progress()) -> dict:
        if not sent:
            raise RefusalError("no_photo")
        session, language = sessions.of(request), language_of(request)
        photos = gather([session.keep(file) for file in sent], session.file("sent"))

        def tell(done: int, name: str) -> None:
            progress((done, len(photos)), desc=Path(name).name, unit=say("batch_unit", language))

        session.batch = Batch(photos, keep_gray)
        restore_all(session, stages, language, tell)
        return bring_up_to_date(request)

    def bring_up_to_date(request: gr.Request) -> dict:
        """What was corrected by hand goes into the zip."""
        session, language = sessions.of(request), language_of(request)
        keep_corrected(session, language)
        pack(session, language)
        return _shown(session, language)

    def look(request: gr.Request) -> dict:
        """Show the last batch, if there is one, and have done what is still to do for it."""
        session = sessions.of(request)
        if not session.batch:
            return {}
        is_due = corrected(session) or not session.batch.archive
        return {"due": str(time.monotonic())} if is_due else _shown(session, language_of(request))

    def come_back(key: str, request: gr.Request) -> dict:
        """The page was reloaded: show the last batch again, if it is still kept."""
        return look(request) if key and sessions.return_to(key, request) else {}

    settings = {"outputs": list(view.values()), "api_visibility": "private"}
    at_work = {"show_progress_on": view["note"], "concurrency_id": "work", "concurrency_limit": 1}
    finished = start.click(in_place(run, view), [files, keep_gray], **at_work, **settings)
    view["due"].change(in_place(bring_up_to_date, view), None, **at_work, **settings)
    opened(in_place(look, view), None, queue=False, **settings)
    remembered = {"js": "() => [sessionStorage.batch ?? '']", "queue": False}
    returned = loaded(in_place(come_back, view), view["key"], **remembered, **settings)
    for shown in (finished, returned):
        shown.then(None, view["key"], js="(key) => { sessionStorage.batch = key; }", api_visibility="private")
    return view


def _shown(session: Session, language: str) -> dict:
    """What the page shows of a batch."""
    batch = session.batch
    pairs = [(result.pair, result.said) for result in batch.results.values()]
    return {
        "key": session.key,
        "note": _summary(batch, language),
        "save": gr.DownloadButton(value=str(batch.archive), visible=True),
        "pairs": gr.Gallery(pairs, visible=bool(pairs)),
    }


def _summary(batch: Batch, language: str) -> str:
    done = len(batch.photos) - len(batch.problems)
    lines = [say("batch_done", language, done=done, count=len(batch.photos))]
    if batch.results:
        lines.append(say("batch_choose", language))
    if batch.problems:
        lines += ["", say("batch_failed", language), *(f"- {problem}" for problem in batch.problems)]
    return "\n".join(lines)
