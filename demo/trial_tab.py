"""Damage a photo whose truth is known, restore it, and measure: the method's report, live."""

import secrets
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image

from demo.manners import RefusalError, in_place
from demo.photo_view import EXAMPLES, before_after, example_row, refusal_view
from demo.reading import as_file, read_scan
from demo.session import Session, Sessions, Trial
from demo.stages import Stages
from demo.texts import label, language_of, say
from restoration.color import luma
from restoration.evaluation import evaluate_pair
from restoration.masking import damage

SIDE = 1024  # px, the longest side: metrics of a larger photo would take long
SEEDS = 1_000_000
SHOWN = {
    "ssim": "SSIM",
    "masked_ssim": "masked SSIM",
    "hsv_similarity": "HSV similarity",
    "contest_score": "contest score",
}


def trial_tab(stages: Stages, sessions: Sessions) -> None:
    """Lay the tab out and tie its buttons to what they do."""
    gr.Markdown(label("trial_lead"), elem_classes="quiet")
    with gr.Row():
        with gr.Column(min_width=300):
            photo = gr.Image(
                label=label("trial_photo"), placeholder=label("trial_photo"), sources=("upload",), show_label=False,
                height=260, elem_id="trial-photo", buttons=[],
            )  # fmt: skip
            as_file(photo)
            examples = example_row(sorted((EXAMPLES / "color").glob("*.jpg")), "trial_examples")
            seed = gr.Number(0, label=label("seed"), info=label("seed_info"), precision=0, minimum=0, elem_id="seed")
            with gr.Row():
                again = gr.Button(label("trial_start"), variant="primary", elem_id="trial-start", min_width=140)
                roll = gr.Button(label("roll"), elem_id="roll", min_width=140)
        with gr.Column(min_width=340):
            refusal = refusal_view()
            with gr.Tabs():
                with gr.Tab(label("trial_damage")):
                    repaired = before_after("trial-damage")
                with gr.Tab(label("trial_truth")):
                    compared = before_after("trial-truth")
            table = gr.Markdown(elem_id="trial-table")
            gr.Markdown(label("trial_how_to_read"), elem_classes="quiet")
    shown = [repaired, compared, table]
    view = {
        "outputs": [*shown, refusal], "show_progress_on": repaired, "concurrency_id": "work",
        "concurrency_limit": 1, "api_visibility": "private",
    }  # fmt: skip
    trials = Trials(stages, sessions)
    photo.upload(in_place(trials.open, shown), [photo, seed], **view)
    if examples:
        examples.click(in_place(trials.open_example, shown), [examples, seed], **view)
    gr.on([again.click, seed.submit], in_place(trials.run, shown), seed, **view)
    roll.click(lambda: secrets.randbelow(SEEDS), None, seed, queue=False, api_visibility="private").then(
        in_place(trials.run, shown), seed, **view
    )


class Trials:
    """The events of the tab."""

    def __init__(self, stages: Stages, sessions: Sessions):
        self.stages, self.sessions = stages, sessions

    def open(self, upload: str, seed: int, request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        """A new photo, damaged at once."""
        session = self.sessions.of(request)
        truth = read_scan(session.keep(upload)).image
        if truth.mode != "RGB":
            raise RefusalError("no_truth")
        truth.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        session.trial = Trial(truth)
        return self.run(seed, request, progress)

    def open_example(self, sample: list, seed: int, request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        """The same with one of our photos."""
        return self.open(sample[0], seed, request, progress)

    def run(self, seed: int, request: gr.Request, progress=gr.Progress()) -> tuple:  # noqa: B008
        """Damage, restore without being told where, measure."""
        session, language = self.sessions.of(request), language_of(request)
        if session.trial is None:
            raise RefusalError("no_photo")
        truth = np.asarray(session.trial.truth)
        damaged, hole = damage(luma(truth), np.random.default_rng(int(seed or 0)))
        progress(0.2, desc=say("filling", language))
        repaired = self.stages.repair(Image.fromarray(damaged), None)
        progress(0.6, desc=say("coloring", language))
        restored = np.asarray(self.stages.colorize(repaired, None).image)
        progress(0.9, desc=say("measuring", language))
        files = [_file(session, name, image) for name, image in
                 (("damaged", damaged), ("restored", restored), ("truth", truth))]  # fmt: skip
        table = _table(evaluate_pair(truth, damaged, hole), evaluate_pair(truth, restored, hole), language)
        return (files[0], files[1]), (files[1], files[2]), table


def _file(session: Session, name: str, pixels: np.ndarray) -> str:
    file: Path = session.file(f"{name}.png")
    Image.fromarray(pixels).save(file, compress_level=1)
    return str(file)


def _table(before: dict, after: dict, language: str) -> str:
    head = " | ".join(say(word, language) for word in ("metric", "input", "result"))
    rows = [f"| {name} | {_figure(before[key])} | {_figure(after[key])} |" for key, name in SHOWN.items()]
    return "\n".join([f"| {head} |", "|---|---:|---:|", *rows])


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"  # a hole under 7 px has no SSIM of its own
