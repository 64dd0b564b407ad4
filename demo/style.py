"""How the page looks, and the little that runs in the browser."""

import gradio as gr

from demo.limits import MEGABYTES
from demo.texts import PAGE_TEXTS

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans KR", "Arial", "sans-serif")
COPPER = gr.themes.Color(  # orange, dark enough from 500 on to be read on white (4.5 : 1, WCAG AA)
    c50="#fdf6f0", c100="#fae8da", c200="#f3cdb0", c300="#eaac80", c400="#e08a50", c500="#b4531a",
    c600="#a44a15", c700="#8c3f12", c800="#70330f", c900="#56280d", c950="#331707", name="copper",
)  # fmt: skip
THEME = gr.themes.Soft(
    primary_hue=COPPER, secondary_hue=COPPER, neutral_hue="stone", font=FONT, font_mono=("ui-monospace", "monospace")
).set(
    background_fill_primary="*neutral_50",
    button_primary_background_fill="*primary_500",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_dark="*primary_600",
    block_label_background_fill="transparent",
    block_label_background_fill_dark="transparent",
    block_label_text_color="*neutral_600",
    block_label_text_color_dark="*neutral_300",
    block_title_background_fill="transparent",
    block_title_background_fill_dark="transparent",
    block_title_text_color="*neutral_700",
    block_title_text_color_dark="*neutral_200",
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_300",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    checkbox_border_color="*neutral_500",
    slider_color="*primary_500",
)
CSS = """
.gradio-container { width: 100% !important; max-width: 1240px !important; margin: 0 auto !important; }
#title h1 { margin: 0.4em 0 0; font-weight: 650; letter-spacing: -0.02em; }
#lead p { font-size: 1.05em; }
#lead p, .quiet p { color: var(--body-text-color); opacity: 0.8; }
.quiet p { font-size: 0.92em; line-height: 1.5; }
.dark [role=tab][aria-selected=true] { color: #f3cdb0 !important; }
#waiting { min-height: min(520px, 60vw); display: grid; place-items: center; border-radius: var(--radius-lg);
    border: 1px dashed var(--border-color-accent-subdued); }
.tools { gap: 8px !important; flex-wrap: nowrap !important; }
.tools button { min-width: 0 !important; flex: 1 1 0; }
/* Clears the photo too, and "Unmark all" does what is meant; the one color of a mask is no choice. */
.painter button[aria-label="Clear canvas"], #editor button[aria-label="Color"] { display: none; }
.painter .toolbar-wrap button { padding: 4px; }
#trial-table table { border: 0; width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
#trial-table :is(th, td) { border: 0; border-bottom: 1px solid var(--border-color-primary); }
#trial-table :is(th, td):not(:first-child) { text-align: right; }
[data-testid=slider].outer:focus-visible { outline: 3px solid var(--color-accent); outline-offset: 2px; }
footer .divider { display: none; }
@media (max-width: 600px) {
    /* Beside the picture there is no room for tools, below it there is. */
    .painter .toolbar-wrap { inset: auto auto 8px 50%; transform: translateX(-50%); flex-direction: row; width: auto; }
    .painter .half-container { flex-direction: row; padding: 4px 6px; }
    .painter .half-container:last-child { border-top: 0; border-left: 1px solid var(--block-border-color); }
}
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
# Gradio's slider between two pictures answers to a pointer only: this lends it the keys of a slider. And it gives names
# to what screen readers would find without one: sliders, thumbnails, the place to drop a photo.
NAMES_AND_KEYS = """() => {
    const drag = (handle, x) => {
        const y = handle.getBoundingClientRect().top + 5;
        const send = (type, target, clientX) => target.dispatchEvent(
            new MouseEvent(type, {bubbles: true, cancelable: true, view: window, clientX, clientY: y}));
        const box = handle.getBoundingClientRect();
        send("mousedown", handle, box.left + box.width / 2);
        send("mousemove", window, box.left + box.width / 2 + x);
        send("mouseup", window, box.left + box.width / 2 + x);
    };
    const share = (handle) => {
        const frame = handle.parentElement.getBoundingClientRect(), box = handle.getBoundingClientRect();
        return Math.round(100 * (box.left + box.width / 2 - frame.left) / frame.width);
    };
    const tell = (handle) => handle.setAttribute("aria-valuenow", share(handle));
    const lend = (handle) => {
        const block = handle.closest(".block");
        const named = {tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": 100,
            "aria-label": block.querySelector("[data-testid=block-label]").innerText.trim()};
        Object.entries(named).forEach(([name, value]) => handle.setAttribute(name, value));
        tell(handle);
        handle.addEventListener("keydown", (event) => {
            const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
            if (!step) return;
            event.preventDefault();
            drag(handle, step * handle.parentElement.clientWidth / 20);
            setTimeout(() => tell(handle), 50);
        });
    };
    const name = (button, number) => {
        const label = button.closest(".block").querySelector(".label").innerText.trim();
        button.setAttribute("aria-label", `${label}: ${number + 1}`);
    };
    const look = () => {
        document.querySelectorAll("[data-testid=slider].outer:not([tabindex])").forEach(lend);
        for (const row of document.querySelectorAll("#examples, #trial_examples"))
            row.querySelectorAll("button.gallery-item").forEach((button, i) => button.ariaLabel || name(button, i));
        for (const drop of document.querySelectorAll("#drop button, #trial-photo button, #batch-files button"))
            if (drop.querySelector("input[type=file]") || drop.matches("[aria-dropeffect]"))
                if (drop.ariaLabel != drop.innerText.trim()) drop.ariaLabel = drop.innerText.trim();
    };
    new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
    look();
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
