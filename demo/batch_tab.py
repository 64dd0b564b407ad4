"""Many photos: the tab and its events."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr

from demo.batch import gather, restore_all
from demo.limits import BATCH_MEGAPIXELS, BATCH_PHOTOS
from demo.manners import RefusalError, in_place
from demo.photo_view import choices, refusal_view, switch
from demo.reading import as_file
from demo.session import Sessions
from demo.stages import Stages
from demo.texts import label, language_of, say


def batch_tab(stages: Stages, sessions: Sessions, loaded: Callable) -> gr.Gallery:
    """Build the tab and its events. Returns the gallery of results."""
    lead = label("batch_lead", count=BATCH_PHOTOS, megapixels=BATCH_MEGAPIXELS)
    gr.Markdown(lead, elem_classes="quiet")
    files = gr.File(label=label("batch_files"), file_count="multiple", elem_id="batch-files", height=220)
    as_file(files)
    keep_gray = switch("batch_gray")
    start = gr.Button(label("batch_start"), variant="primary", size="lg", elem_id="batch-start")
    view = {
        "key": gr.Textbox(visible="hidden"),
        "refusal": refusal_view(),
        "note": gr.Markdown(elem_id="batch-note", elem_classes="said", min_height=90),
        "save": gr.DownloadButton(label("batch_save"), visible=False, variant="primary", elem_id="batch-save"),
        "pairs": choices("batch_pairs", show_label=False, columns=3),
    }

    def run(sent: list[str], keep_gray: bool, request: gr.Request, progress=gr.Progress()) -> dict:
        if not sent:
            raise RefusalError("no_photo")
        session, language = sessions.of(request), language_of(request)
        archive = session.file("restored.zip")
        photos = gather([session.keep(file) for file in sent], archive.parent / "sent")

        def tell(done: int, name: str) -> None:
            progress((done, len(photos)), desc=Path(name).name, unit=say("batch_unit", language))

        outcome = restore_all(photos, archive, stages, keep_gray, language, tell)
        session.batch = [file for _, _, file in outcome.pairs]
        shown = [(session.written(pair, "pair.jpg"), said) for pair, said, _ in outcome.pairs]
        session.batch_shown = {
            "key": session.key,
            "note": _summary(outcome, len(photos), language),
            "save": gr.DownloadButton(value=str(archive), visible=True),
            "pairs": gr.Gallery(shown, visible=bool(shown)),
        }
        return session.batch_shown

    def come_back(key: str, request: gr.Request) -> dict:
        """The page was reloaded: show the last batch again, if it is still kept."""
        return sessions.return_to(key, request).batch_shown if key else {}

    settings = {"outputs": list(view.values()), "api_visibility": "private"}
    finished = start.click(
        in_place(run, view), [files, keep_gray], show_progress_on=view["note"], concurrency_id="work",
        concurrency_limit=1, **settings,
    )  # fmt: skip
    remembered = {"js": "() => [sessionStorage.batch ?? '']", "queue": False}
    returned = loaded(in_place(come_back, view), view["key"], **remembered, **settings)
    for shown in (finished, returned):
        shown.then(None, view["key"], js="(key) => { sessionStorage.batch = key; }", api_visibility="private")
    return view["pairs"]


def _summary(outcome, count: int, language: str) -> str:
    lines = [say("batch_done", language, done=outcome.done, count=count)]
    if outcome.pairs:
        lines.append(say("batch_choose", language))
    if outcome.problems:
        lines += ["", say("batch_failed", language), *(f"- {problem}" for problem in outcome.problems)]
    return "\n".join(lines)
