"""Damage a photo whose truth is known, restore it, and measure: the method's report, live."""

import secrets

import gradio as gr
import numpy as np
from PIL import Image

from demo.manners import RefusalError, in_place
from demo.photo_view import EXAMPLES, before_after, example_row, photo_drop, refusal_view
from demo.reading import read_scan
from demo.session import Sessions
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
            photo = photo_drop("trial_photo", height=260)
            examples = example_row(sorted((EXAMPLES / "color").glob("*.jpg")), "trial_examples")
            seed = gr.Number(0, label=label("seed"), info=label("seed_info"), precision=0, minimum=0, elem_id="seed")
            with gr.Row():
                again = gr.Button(label("trial_start"), variant="primary", elem_id="trial-start", min_width=140)
                roll = gr.Button(label("roll"), elem_id="roll", min_width=140)
        with gr.Column(min_width=340):
            view = {"refusal": refusal_view()}
            with gr.Tabs():
                for name in ("trial_damage", "trial_truth"):
                    with gr.Tab(label(name)):
                        view[name] = before_after(name.replace("_", "-"))
            view["table"] = gr.Markdown(elem_id="trial-table")
            gr.Markdown(label("trial_how_to_read"), elem_classes="quiet")
    settings = {
        "outputs": list(view.values()), "show_progress_on": view["trial_damage"], "concurrency_id": "work",
        "concurrency_limit": 1, "api_visibility": "private",
    }  # fmt: skip
    trials = Trials(stages, sessions)
    run = in_place(trials.run, view)
    photo.upload(in_place(trials.open, view), [photo, seed], **settings)
    examples.click(in_place(trials.open, view), [examples, seed], **settings)
    gr.on([again.click, seed.submit], run, seed, **settings)
    rolled = roll.click(lambda: secrets.randbelow(SEEDS), None, seed, queue=False, api_visibility="private")
    rolled.then(run, seed, **settings)


class Trials:
    """The events of the tab."""

    def __init__(self, stages: Stages, sessions: Sessions):
        self.stages, self.sessions = stages, sessions

    def open(self, upload: str | list[str], seed: int, request: gr.Request, progress=gr.Progress()) -> dict:
        """A new photo, or the one of a row of examples, damaged at once."""
        session = self.sessions.of(request)
        truth = read_scan(session.keep(upload[0] if isinstance(upload, list) else upload)).image
        if truth.mode != "RGB":
            raise RefusalError("no_truth")
        truth.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        session.truth = truth
        return self.run(seed, request, progress)

    def run(self, seed: int, request: gr.Request, progress=gr.Progress()) -> dict:
        """Damage, restore without being told where, measure."""
        session, language = self.sessions.of(request), language_of(request)
        if session.truth is None:
            raise RefusalError("no_photo")
        truth = np.asarray(session.truth)
        damaged, hole = damage(luma(truth), np.random.default_rng(int(seed or 0)))
        progress(0.2, desc=say("filling", language))
        repaired = self.stages.repair(Image.fromarray(damaged), None)
        progress(0.6, desc=say("coloring", language))
        restored = np.asarray(self.stages.colorize(repaired, None).image)
        progress(0.9, desc=say("measuring", language))
        files = [
            session.written(Image.fromarray(pixels), f"{name}.png")
            for name, pixels in (("damaged", damaged), ("restored", restored), ("truth", truth))
        ]
        table = _table(evaluate_pair(truth, damaged, hole), evaluate_pair(truth, restored, hole), language)
        return {"trial_damage": (files[0], files[1]), "trial_truth": (files[1], files[2]), "table": table}


def _table(before: dict, after: dict, language: str) -> str:
    head = " | ".join(say(word, language) for word in ("metric", "input", "result"))
    rows = [f"| {name} | {_figure(before[key])} | {_figure(after[key])} |" for key, name in SHOWN.items()]
    return "\n".join([f"| {head} |", "|---|---:|---:|", *rows])


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"  # a hole under 7 px has no SSIM of its own
