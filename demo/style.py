"""How the page looks, and what runs in the browser: the files of `browser/`."""

import json
from pathlib import Path

import gradio as gr

from demo.korean import ENGLISH_ONLY
from demo.limits import MEGABYTES
from demo.texts import PAGE_TEXTS

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans KR", "Arial", "sans-serif")
COPPER = gr.themes.Color(  # orange, dark enough from 500 on to be read on white (4.5 : 1, WCAG AA)
    c50="#fdf6f0", c100="#fae8da", c200="#f3cdb0", c300="#eaac80", c400="#e08a50", c500="#b4531a",
    c600="#a44a15", c700="#8c3f12", c800="#70330f", c900="#56280d", c950="#331707", name="copper",
)  # fmt: skip
QUIET = ("block_label_text_color", "block_info_text_color", "body_text_color_subdued")
THEME = gr.themes.Soft(
    primary_hue=COPPER, secondary_hue=COPPER, neutral_hue="stone", font=FONT, font_mono=("ui-monospace", "monospace")
).set(
    background_fill_primary="*neutral_50",
    button_primary_background_fill="*primary_500",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_dark="*primary_600",
    button_secondary_background_fill_hover_dark="*neutral_700",  # a disabled button takes it too
    block_title_text_color="*neutral_700",
    block_title_text_color_dark="*neutral_200",
    **{f"block_{part}_background_fill{dark}": "transparent" for part in ("label", "title") for dark in ("", "_dark")},
    **{part: "*neutral_600" for part in QUIET},
    **{f"{part}_dark": "*neutral_300" for part in QUIET},
    checkbox_border_color="*neutral_500",
    slider_color="*primary_500",
)
BROWSER = Path(__file__).parent / "browser"
PAGE = f"() => ({(BROWSER / 'page.js').read_text('utf-8')})({json.dumps(ENGLISH_ONLY)})"
PAINTER = (BROWSER / "painter.js").read_text("utf-8")
# Rendered in the browser only (no ssr_mode): what the tests see is what Spaces serves.
LAUNCH = {
    "theme": THEME,
    "css": (BROWSER / "page.css").read_text("utf-8"),
    "i18n": PAGE_TEXTS,
    "footer_links": [],
    "max_file_size": f"{MEGABYTES}mb",
    "ssr_mode": False,
    "_frontend": False,  # Gradio ends the program where its own look at the page takes 3 s, as on a busy machine
}
