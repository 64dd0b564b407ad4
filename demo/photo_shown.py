"""One photo: what the page shows of it at each step, by the names of the view."""

import gradio as gr
from gradio.data_classes import FileData
from PIL import Image

from demo import marks
from demo.session import EditState, Session
from demo.texts import say, translated
from restoration.inference.prints import extract
from restoration.pipeline import Restoration

Shown = dict[str, object]  # new values of parts of the view


def opened(session: Session, language: str) -> Shown:
    """The whole view of a photo: the marks, and the result where there is one."""
    edit = session.edit
    hidden = gr.Column(visible=False)
    shown = {
        "key": session.key,
        "start": hidden,
        "work": gr.Row(visible=True),
        "prints": _prints(session, language),
        "recolor": gr.Checkbox(value=edit.recolor, visible=edit.photo.mode == "RGB"),
        "texture": edit.texture,
        **marked(session, language),
    }
    return shown | (results(session, language) if edit.restored else {"results": hidden})


def marked(session: Session, language: str) -> Shown:
    """What is marked as damaged, and whether that is repaired."""
    edit = session.edit
    layer = marks.marked_layer(marks.shrink_mask(edit.mask, edit.small.size)) if edit.mask.any() else None
    look = "secondary" if edit.is_repaired else "primary"
    return {
        "editor": _picture(session, edit.shown, layer, edit.small.size),
        "found": _found(edit, language),
        "note": _done(edit, language),
        "restore": gr.Button(variant=look),
    }


def results(session: Session, language: str) -> Shown:
    """Before and after, and what was done; hints are closed."""
    edit = session.edit
    return {
        "results": gr.Column(visible=True),
        "color": compared(session, "color"),
        "gray": compared(session, "gray"),
        "vividness": vividness_slider(edit),
        "freshen": edit.freshen,
        "note": _done(edit, language),
        "restore": gr.Button(variant="secondary"),
        "hints_area": gr.Column(visible=False),
    }


def vividness_slider(edit: EditState) -> gr.Slider:
    """Of use for the first coloring only, and where there is any color."""
    has_color = edit.restored is not None and edit.restored.own is None
    return gr.Slider(value=edit.vividness, interactive=has_color and edit.variant == 0)


def full_size(edit: EditState, kind: str) -> Image.Image:
    """The result in "color" or "gray", as it is downloaded."""
    if kind == "gray" and not edit.freshen:
        return edit.scan.own_gray(edit.restored.gray, edit.restored.mask)
    return _chosen(edit.restored, edit, kind)


def compared(session: Session, kind: str) -> tuple[str, str]:
    """Damaged and restored as small files for the slider."""
    after = _chosen(session.edit.restored, session.edit, kind, session.edit.small.size)
    return session.written(session.edit.small, "before.jpg"), session.written(after, "after.jpg")


def _chosen(restored: Restoration, edit: EditState, kind: str, size: tuple[int, int] | None = None) -> Image.Image:
    """The coloring, or the gray photo, that the visitor's choices lead to; painted at another size if one is given."""
    restored = restored.freshened() if edit.freshen else restored
    restored = restored.smaller(size) if size else restored
    if kind == "gray":
        return restored.gray
    return restored.variants()[edit.variant] if edit.variant else restored.vivid(edit.vividness)


def dabbed(session: Session) -> dict:
    """The gray photo with its dabs, for the painter."""
    gray = marks.preview(session.edit.restored.gray)
    layer = marks.colored(session.edit.dabs, gray.size)
    return _picture(session, session.written(gray, "gray.png"), layer, gray.size)


def _picture(session: Session, photo: str, layer: Image.Image | None, size: tuple[int, int]) -> dict:
    files = {"photo": photo, "layer": layer and session.written(layer, "layer.png")}
    return {name: file and FileData(path=file).model_dump() for name, file in files.items()} | {"size": size}


def _prints(session: Session, language: str) -> gr.Gallery:
    """The pictures on the scan, each cut out and straight, to be taken alone."""
    shown = []
    for number, found in enumerate(session.edit.prints, 1):
        cut = extract(session.edit.photo, found)
        cut.thumbnail((300, 300))
        shown.append((session.written(cut, "print.png"), say("print", language, number=number)))
    return gr.Gallery(shown, visible=bool(shown))


def _found(edit: EditState, language: str) -> str:
    """What is marked, what to do about it, and what kind of photo this is."""
    share = edit.mask.mean()
    words = [say("found", language, share=f"{share:.1%}") if share else say("not_found", language)]
    if edit.photo.mode == "RGB":
        words += [say("tinted" if edit.is_tinted else "in_color", language)]
    if edit.prints:
        words += [say("prints_found" if len(edit.prints) > 1 else "print_found", language, count=len(edit.prints))]
    return " ".join([*words, *(translated(note, language) for note in edit.scan.notes)])


def _done(edit: EditState, language: str) -> str:
    """What was done; that the marks have changed since."""
    if edit.restored is None:
        return say("waiting", language)
    if not edit.is_repaired:
        return say("marks_changed", language)
    share = edit.mask.mean()
    return say("repaired", language, share=f"{share:.1%}") if share else say("only_colored", language)
