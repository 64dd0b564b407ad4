"""Many photos: the tab, and what its button does."""

from pathlib import Path

import gradio as gr

from demo.batch import gather, restore_all
from demo.limits import BATCH_MEGAPIXELS, BATCH_PHOTOS
from demo.manners import RefusalError, politely
from demo.reading import as_files
from demo.stages import Stages
from demo.texts import label, language_of, say
from demo.visit import Visits


def batch_tab(stages: Stages, visits: Visits) -> None:
    """Lay the tab out and tie its button to what it does."""
    lead = label("batch_lead", count=BATCH_PHOTOS, megapixels=BATCH_MEGAPIXELS)
    gr.Markdown(lead, elem_classes="quiet")
    files = gr.File(label=label("batch_files"), file_count="multiple", elem_id="batch-files", height=220)
    as_files(files)
    keep_gray = gr.Checkbox(label=label("batch_gray"), container=False, elem_id="batch-gray")
    start = gr.Button(label("batch_start"), variant="primary", size="lg", elem_id="batch-start")
    note = gr.Markdown(elem_id="batch-note", min_height=60)
    save = gr.DownloadButton(label("batch_save"), visible=False, variant="primary", elem_id="batch-save")

    def run(sent: list[str], keep_gray: bool, request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        if not sent:
            raise RefusalError("no_photo")
        visit, language = visits.of(request), language_of(request)
        archive = visit.file("restored.zip")
        photos = gather([visit.keep(file) for file in sent], archive.parent / "sent")

        def tell(done: int, name: str) -> None:
            progress((done, len(photos)), desc=Path(name).name)

        outcome = restore_all(photos, archive, stages, keep_gray, language, tell)
        return _summary(outcome, len(photos), language), gr.DownloadButton(value=str(archive), visible=True)

    view = [note, save]
    start.click(
        politely(run), [files, keep_gray], view, show_progress_on=note, concurrency_id="work",
        concurrency_limit=1, api_visibility="private",
    )  # fmt: skip
    files.change(lambda: ("", gr.DownloadButton(visible=False)), None, view, queue=False, api_visibility="private")


def _summary(outcome, count: int, language: str) -> str:
    lines = [say("batch_done", language, done=outcome.done, count=count)]
    if outcome.problems:
        lines += ["", say("batch_failed", language), *(f"- {problem}" for problem in outcome.problems)]
    return "\n".join(lines)
