"""One photo: what stands on the page, and where."""

import json
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from demo.limits import MEGABYTES, MEGAPIXELS
from demo.reading import as_file
from demo.style import PAINTER
from demo.texts import LANGUAGES, TEXTS, label

EXAMPLES = Path(__file__).parents[1] / "examples"
PRINTS = sorted((EXAMPLES / "prints").glob("*.jpg"))
PALETTE = (
    "#b3261e", "#e07b39", "#e8c24a", "#4c8c4a", "#3b82c4", "#274b8f", "#7a4a9e", "#c98b9b", "#c9996b", "#6b4a2f",
    "#8a8a8a",
)  # fmt: skip


@dataclass
class Start:
    """Before there is a photo."""

    area: gr.Column
    drop: gr.Image
    examples: gr.Dataset | None
    refusal: gr.Markdown


@dataclass
class Marking:
    """The photo, and its damage as an overlay."""

    note: gr.Markdown
    prints: gr.Gallery
    painter: gr.HTML
    snap: gr.Checkbox
    recolor: gr.Checkbox
    texture: gr.Checkbox
    undo: gr.Button
    more: gr.Button
    unmark: gr.Button
    mask_file: gr.UploadButton
    restore: gr.Button
    another: gr.Button
    refusal: gr.Markdown


@dataclass
class Results:
    """Before and after, and what can be done with it."""

    area: gr.Column
    sliders: tuple[gr.ImageSlider, gr.ImageSlider]  # color, gray
    note: gr.Markdown
    variants: gr.Gallery
    vividness: gr.Slider
    freshen: gr.Checkbox
    saves: dict[tuple[str, str], gr.Button]  # by (color or gray, png or jpeg)
    saved: gr.DownloadButton
    hints_open: gr.Button
    hints_area: gr.Column
    hints: gr.HTML
    hints_undo: gr.Button
    reference: gr.UploadButton
    refusal: gr.Markdown


def start_view() -> Start:
    """What comes out, the drop zone, what it takes, and photos to try."""
    with gr.Column(elem_id="start") as area:
        refusal = refusal_view()
        with gr.Row(equal_height=True):
            drop = gr.Image(
                label=label("drop"), show_label=False, sources=("upload",), placeholder=label("drop"),
                height="min(400px, 70vw)", min_width=300, elem_id="drop", buttons=[],
            )  # fmt: skip
            as_file(drop)
            if (restored := EXAMPLES / "restored.jpg").exists():
                before_after("sample", (EXAMPLES / "prints" / "dust_bowl_home.jpg", restored))
        gr.Markdown(label("limits", megapixels=MEGAPIXELS, megabytes=MEGABYTES), elem_classes="quiet")
        examples = example_row([*PRINTS, *sorted(EXAMPLES.glob("*.png"))], "examples")
        if examples:
            gr.Markdown(label("credits"), elem_classes="quiet")
    return Start(area, drop, examples, refusal)


def refusal_view() -> gr.Markdown:
    """Where a refusal is read, beside what was asked for, until something else is."""
    return gr.Markdown(visible=False, elem_classes="refusal")


def example_row(files: list[Path], name: str) -> gr.Dataset | None:
    """Thumbnails to choose from."""
    if files:
        samples = [[str(file)] for file in files]
        return gr.Dataset(components=["image"], samples=samples, label=label(name), elem_id=name)


def marking_view() -> Marking:
    """The picture to paint on with its tools, and the button that all is about."""
    with gr.Column(elem_id="marking", min_width=340):
        note = gr.Markdown(elem_id="found", elem_classes=["quiet", "said"])
        prints = gr.Gallery(
            label=label("prints"), show_label=False, visible=False, allow_preview=False, columns=4, height=170,
            object_fit="contain", buttons=[], elem_id="prints",
        )  # fmt: skip
        painter = painter_view("editor", ("paint", "erase"))
        snap = gr.Checkbox(True, label=label("snap"), container=False, elem_id="snap")
        with gr.Row(elem_classes="tools", equal_height=True):
            undo = gr.Button(label("undo"), size="sm", elem_id="undo")
            more = gr.Button(label("more"), size="sm", elem_id="more")
            unmark = gr.Button(label("unmark"), size="sm", elem_id="unmark")
            mask_file = gr.UploadButton(label("mask_file"), size="sm", file_types=["image"], elem_id="mask-file")
        recolor = gr.Checkbox(label=label("recolor"), container=False, visible=False, elem_id="recolor")
        texture = gr.Checkbox(True, label=label("texture"), container=False, elem_id="texture")
        refusal = refusal_view()
        with gr.Row():
            another = gr.Button(label("another"), size="lg", elem_id="another", scale=1, min_width=120)
            restore = gr.Button(
                label("restore"), variant="primary", size="lg", elem_id="restore", scale=2, min_width=180
            )
    return Marking(
        note, prints, painter, snap, recolor, texture, undo, more, unmark, mask_file, restore, another, refusal
    )


def painter_view(name: str, pens: tuple[str, ...]) -> gr.HTML:
    """A picture that the server sends, to be painted on: see `browser/painter.js`."""
    keys = {"label": name} | {key: key for key in ("paint", "erase", "pen", "other", "width", "zoom", "keys")}
    texts = {language: {word: TEXTS[key][i] for word, key in keys.items()} for i, language in enumerate(LANGUAGES)}
    given = f"const TEXTS = {json.dumps(texts)}, PENS = {json.dumps(pens)};\n"
    return gr.HTML(elem_id=name, html_template="<div></div>", js_on_load=given + PAINTER, apply_default_css=False)


def results_view() -> Results:
    """Sliders in two tabs with their downloads; vividness; hints, opened when wanted."""
    with gr.Column(elem_id="results", min_width=340):
        note = gr.Markdown(label("waiting"), elem_id="note", elem_classes=["quiet", "said"])
        refusal = refusal_view()
        with gr.Column(visible=False) as area:
            sliders, saves = [], {}
            with gr.Tabs():
                for kind in ("color", "gray"):
                    with gr.Tab(label(kind), elem_id=f"tab-{kind}"):
                        sliders.append(before_after(f"compare-{kind}"))
                        saves |= save_row(kind)
                        if kind == "color":
                            variants = gr.Gallery(
                                label=label("variants"), allow_preview=False, columns=3, height=200, visible=False,
                                object_fit="contain", buttons=[], elem_id="variants",
                            )  # fmt: skip
                            vividness, *hints = color_controls()
            freshen = gr.Checkbox(label=label("freshen"), container=False, elem_id="freshen")
        saved = gr.DownloadButton(visible="hidden", elem_id="saved")
    return Results(area, tuple(sliders), note, variants, vividness, freshen, saves, saved, *hints, refusal)


def before_after(name: str, pair: tuple[Path, Path] | None = None) -> gr.ImageSlider:
    """A slider between two pictures of one size."""
    return gr.ImageSlider(
        pair, label=label("slider"), show_label=False, elem_id=name, buttons=["fullscreen"], max_height=520,
        min_width=300,
    )  # fmt: skip


def save_row(kind: str) -> dict[tuple[str, str], gr.Button]:
    """Two buttons, one a format."""
    with gr.Row():
        return {
            (kind, ending): gr.Button(
                label(f"save_{ending}"),
                variant="primary" if ending == "png" else "secondary",
                elem_id=f"save-{kind}-{ending}",
                min_width=140,
            )
            for ending in ("png", "jpeg")
        }


def color_controls() -> tuple:
    """How much color, and which."""
    vividness = gr.Slider(0, 2, value=1, step=0.05, label=label("vividness"), elem_id="vividness")
    hints_open = gr.Button(label("hints_open"), size="sm", elem_id="hints-open")
    with gr.Column(visible=False, elem_id="hints-area") as area:
        gr.Markdown(label("hints_how_to"), elem_classes="quiet")
        hints = painter_view("hints", PALETTE)
        with gr.Row(elem_classes="tools"):
            undo = gr.Button(label("hints_undo"), size="sm", elem_id="hints-undo")
            reference = gr.UploadButton(label("reference"), size="sm", file_types=["image"], elem_id="reference")
    return vividness, hints_open, area, hints, undo, reference
