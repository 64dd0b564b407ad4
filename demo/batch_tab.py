"""Many photos: the tab, and what its button does."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr
from PIL import Image

from demo.batch import gather, restore_all
from demo.limits import BATCH_MEGAPIXELS, BATCH_PHOTOS
from demo.manners import RefusalError, in_place
from demo.photo_view import refusal_view
from demo.reading import as_files
from demo.session import Session, Sessions
from demo.stages import Stages
from demo.texts import label, language_of, say


def batch_tab(stages: Stages, sessions: Sessions) -> tuple[gr.Gallery, Callable]:
    """Lay the tab out and tie its button to what it does.

    Returns: the gallery of what was done, and of what is selected in it the photo's file.
    """
    lead = label("batch_lead", count=BATCH_PHOTOS, megapixels=BATCH_MEGAPIXELS)
    gr.Markdown(lead, elem_classes="quiet")
    files = gr.File(label=label("batch_files"), file_count="multiple", elem_id="batch-files", height=220)
    as_files(files)
    keep_gray = gr.Checkbox(label=label("batch_gray"), container=False, elem_id="batch-gray")
    start = gr.Button(label("batch_start"), variant="primary", size="lg", elem_id="batch-start")
    refusal = refusal_view()
    note = gr.Markdown(elem_id="batch-note", elem_classes="said", min_height=60)
    save = gr.DownloadButton(label("batch_save"), visible=False, variant="primary", elem_id="batch-save")
    pairs = gr.Gallery(
        label=label("batch_pairs"), show_label=False, visible=False, allow_preview=False, columns=3, height="auto",
        object_fit="contain", buttons=[], elem_id="batch-pairs",
    )  # fmt: skip
    view = [note, save, pairs]

    def run(sent: list[str], keep_gray: bool, request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        if not sent:
            raise RefusalError("no_photo")
        session, language = sessions.of(request), language_of(request)
        archive = session.file("restored.zip")
        photos = gather([session.keep(file) for file in sent], archive.parent / "sent")

        def tell(done: int, name: str) -> None:
            progress((done, len(photos)), desc=Path(name).name)

        outcome = restore_all(photos, archive, stages, keep_gray, language, tell)
        session.batch = [file for _, _, file in outcome.pairs]
        shown = [(str(_written(session, pair)), said) for pair, said, _ in outcome.pairs]
        return (
            _summary(outcome, len(photos), language),
            gr.DownloadButton(value=str(archive), visible=True),
            gr.Gallery(shown, visible=bool(shown)),
        )

    start.click(
        in_place(run, view), [files, keep_gray], [*view, refusal], show_progress_on=note, concurrency_id="work",
        concurrency_limit=1, api_visibility="private",
    )  # fmt: skip
    files.change(
        lambda: ("", gr.DownloadButton(visible=False), gr.Gallery(visible=False)), None, view, queue=False,
        api_visibility="private",
    )  # fmt: skip
    return pairs, lambda event, request: sessions.of(request).batch[event.index]


def _written(session: Session, pair: Image.Image) -> Path:
    file = session.file("pair.jpg")
    pair.save(file, quality=90)
    return file


def _summary(outcome, count: int, language: str) -> str:
    lines = [say("batch_done", language, done=outcome.done, count=count)]
    if outcome.pairs:
        lines.append(say("batch_choose", language))
    if outcome.problems:
        lines += ["", say("batch_failed", language), *(f"- {problem}" for problem in outcome.problems)]
    return "\n".join(lines)
