"""How the page looks, and the little that runs in the browser."""

import gradio as gr

from demo.limits import MEGABYTES
from demo.texts import PAGE_TEXTS

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans KR", "Arial", "sans-serif")
THEME = gr.themes.Soft(
    primary_hue="orange", neutral_hue="stone", font=FONT, font_mono=("ui-monospace", "monospace")
).set(
    background_fill_primary="*neutral_50",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    checkbox_border_color="*neutral_500",
)
CSS = """
.gradio-container { width: 100% !important; max-width: 1240px !important; margin: 0 auto !important; }
#title h1 { margin: 0.4em 0 0; font-weight: 650; letter-spacing: -0.02em; }
#lead p { font-size: 1.05em; }
#lead p, .quiet p { color: var(--body-text-color); opacity: 0.78; }
.quiet p { font-size: 0.9em; }
#waiting { min-height: min(420px, 60vw); display: grid; place-items: center; border-radius: var(--radius-lg);
    border: 1px dashed var(--border-color-primary); }
#results .slider-wrap img, #results img { image-rendering: auto; }
.tools { gap: 0.5em; }
.tools button { flex: 1 1 auto; }
footer .divider { display: none; }
"""
# On a phone the result lies below the screen; on a desktop nothing moves. The pause lets the slider take its height.
SHOW_RESULT = """() => {
    const results = document.querySelector("#results");
    if (results.getBoundingClientRect().top > innerHeight / 2)
        setTimeout(() => results.scrollIntoView({behavior: "smooth"}), 200);
}"""
TO_TOP = "() => { scrollTo({top: 0, behavior: 'smooth'}) }"
# A full-size file is written when it is asked for: the click that asks for it then also saves it.
SAVE = """(file) => {
    const link = document.createElement("a");
    link.href = file.url;
    link.download = file.orig_name;
    link.click();
}"""
# Rendered in the browser only (no ssr_mode): what the tests see is what Spaces serves.
LAUNCH = {
    "theme": THEME,
    "css": CSS,
    "i18n": PAGE_TEXTS,
    "footer_links": ["api"],
    "max_file_size": f"{MEGABYTES}mb",
    "ssr_mode": False,
}
