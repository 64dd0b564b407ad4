"""One photo: the layout."""

import json
from pathlib import Path

import gradio as gr

from demo.limits import GRACE, MEGABYTES, MEGAPIXELS
from demo.reading import as_file
from demo.style import PAINTER
from demo.texts import LANGUAGES, TEXTS, label

EXAMPLES = Path(__file__).parents[1] / "examples"
PRINTS = sorted((EXAMPLES / "prints").glob("*.jpg"))
PALETTE = {
    "#b3261e": ("red", "빨강"), "#e07b39": ("orange", "주황"), "#e8c24a": ("yellow", "노랑"),
    "#4c8c4a": ("green", "초록"), "#3b82c4": ("blue", "파랑"), "#274b8f": ("navy", "남색"),
    "#7a4a9e": ("purple", "보라"), "#c98b9b": ("pink", "분홍"), "#c9996b": ("tan", "황갈색"),
    "#6b4a2f": ("brown", "갈색"), "#8a8a8a": ("gray", "회색"),
}  # fmt: skip
PAINTER_WORDS = ("move", "offer", "paint", "erase", "pen", "other", "width", "zoom", "keys", "enter")
View = dict[str, gr.blocks.Block]  # parts of the page by the names that the steps use for them


def start_view() -> View:
    """Before there is a photo: a sample result, the drop zone, its limits, and examples."""
    with gr.Column(elem_id="start") as start:
        refusal = refusal_view()
        back = gr.Button(label("back"), visible=False, elem_id="back")
        with gr.Row(equal_height=True):
            drop = gr.Image(
                label=label("drop"), placeholder=label("drop"), show_label=False, sources=("upload",), buttons=[],
                elem_id="drop", height="min(400px, 70vw)", min_width=300,
            )  # fmt: skip
            before_after("sample", (EXAMPLES / "prints" / "dust_bowl_home.jpg", EXAMPLES / "restored.jpg"))
        limits = label("limits", megapixels=MEGAPIXELS, megabytes=MEGABYTES, minutes=GRACE // 60)
        gr.Markdown(limits, elem_classes="quiet")
        samples = [[str(file)] for file in (*PRINTS, *sorted(EXAMPLES.glob("*.png")))]
        examples = gr.Dataset(components=["image"], samples=samples, label=label("examples"), elem_id="examples")
        gr.Markdown(label("credits"), elem_classes="quiet")
    return {"start": start, "drop": as_file(drop), "examples": examples, "start_refusal": refusal, "back": back}


def refusal_view() -> gr.Markdown:
    """Where a refusal is shown, next to what was asked for, until the next try."""
    return gr.Markdown(visible=False, elem_classes="refusal")


def choices(name: str, **shape: object) -> gr.Gallery:
    """Pictures to choose one from; hidden until there are any."""
    return gr.Gallery(
        label=label(name), visible=False, allow_preview=False, object_fit="contain", buttons=[],
        elem_id=name.replace("_", "-"), elem_classes="pictures", **shape,
    )  # fmt: skip


def switch(name: str, is_on: bool = False, **settings: object) -> gr.Checkbox:
    """A checkbox on its own line."""
    return gr.Checkbox(is_on, label=label(name), container=False, elem_id=name.replace("_", "-"), **settings)


def marking_view() -> View:
    """The photo with its marks to paint on, the tools, and the Restore button.

    Text above the tools tells what they change, the photo below shows it. Rarely used settings come last.
    """
    with gr.Column(elem_id="marking", min_width=340):
        view = {"found": gr.Markdown(elem_id="found", elem_classes=["quiet", "said"])}
        with gr.Row(elem_classes="tools"):
            view |= {name: gr.Button(label(name), size="sm", elem_id=name) for name in ("undo", "more", "unmark")}
        view["prints"] = choices("prints", columns=4)
        view["editor"] = painter_view("editor", ("paint", "erase"))
        view["marking_refusal"] = refusal_view()
        with gr.Row():
            view["restore"] = gr.Button(label("restore"), size="lg", elem_id="restore", scale=2, min_width=150)
            view["another"] = gr.Button(label("another"), size="lg", elem_id="another", scale=1, min_width=156)
        view["kind"] = gr.Markdown(visible=False, elem_id="kind", elem_classes=["quiet", "said"])
        view["recolor"] = switch("recolor", visible=False)
        view["snap"] = switch("snap", True)
        view["texture"] = switch("texture", True)
        view["mask_file"] = gr.UploadButton(label("mask_file"), size="sm", file_types=["image"], elem_id="mask-file")
    return view


def painter_view(name: str, pens: tuple[str, ...]) -> gr.HTML:
    """A picture from the server to paint on: see `browser/painter.js`."""
    words = {"label": TEXTS[name], **{word: TEXTS[word] for word in PAINTER_WORDS}, **PALETTE}
    texts = {language: {word: text[i] for word, text in words.items()} for i, language in enumerate(LANGUAGES)}
    given = f"const TEXTS = {json.dumps(texts)}, PENS = {json.dumps(pens)};\n"
    return gr.HTML(elem_id=name, html_template="<div></div>", js_on_load=given + PAINTER, apply_default_css=False)


def results_view() -> View:
    """Before and after in color and gray, and in the same place the photo to dab colors on; color settings below."""
    with gr.Column(elem_id="results", min_width=340):
        view = {"note": gr.Markdown(label("waiting"), elem_id="note", elem_classes=["quiet", "said"])}
        view["results_refusal"] = refusal_view()
        with gr.Column(visible=False) as view["results"]:
            with gr.Tabs() as view["tabs"]:
                with gr.Tab(label("color"), id="color", elem_id="tab-color"):
                    view["color"] = before_after("compare-color")
                with gr.Tab(label("hints_open"), elem_id="tab-hints"):
                    view |= hints_view()
                with gr.Tab(label("gray"), elem_id="tab-gray"):
                    view["gray"] = before_after("compare-gray")
                    view |= save_row("gray")
            with gr.Column(elem_id="coloring"):
                with gr.Row():
                    with gr.Column(min_width=140):
                        view |= save_row("color")
                    view["variants"] = choices("variants", columns=3, scale=2, min_width=300)
                view["vividness"] = gr.Slider(0, 2, value=1, step=0.05, label=label("vividness"), elem_id="vividness")
            view["freshen"] = switch("freshen")
        view["saved"] = gr.DownloadButton(visible="hidden", elem_id="saved")
    return view


def before_after(name: str, pair: tuple[Path, Path] | None = None) -> gr.ImageSlider:
    """A slider between two pictures of equal size; it starts with a result nearly fully visible."""
    return gr.ImageSlider(
        pair, label=label("slider"), show_label=False, elem_id=name, elem_classes="compare", buttons=["fullscreen"],
        min_width=300, slider_position=50 if pair else 10,
    )  # fmt: skip


def save_row(kind: str) -> View:
    """Two buttons, one per format: `save_color_png` and so on."""
    looks = {"png": "primary", "jpeg": "secondary"}
    with gr.Row():
        return {
            f"save_{kind}_{ending}": gr.Button(
                label(f"save_{ending}"), variant=look, elem_id=f"save-{kind}-{ending}", min_width=140
            )
            for ending, look in looks.items()
        }


def hints_view() -> View:
    """The colored photo to dab colors on, in the size and place of the result."""
    view = {"hints": painter_view("hints", tuple(PALETTE))}
    with gr.Row(elem_classes="tools"):
        view["hints_undo"] = gr.Button(label("hints_undo"), size="sm", elem_id="hints-undo")
        view["reference"] = gr.UploadButton(label("reference"), size="sm", file_types=["image"], elem_id="reference")
    view["hints_how_to"] = gr.Markdown(elem_classes="quiet")
    return view
