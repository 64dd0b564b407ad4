"""One photo: what the page shows of it at each step, by the names of the view."""

import gradio as gr
from gradio.data_classes import FileData
from PIL import Image

from demo import marks
from demo.session import EditState, Session
from demo.texts import percent, say, translated
from restoration.inference.prints import extract
from restoration.pipeline import MOST_SENSITIVE, Restoration

LEAST = 64  # px, the shorter side of a photo: with less, neither damage nor people can be told
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
    layer = marks.marked_layer(edit.mask, edit.search.new, edit.small.size) if edit.mask.any() else None
    look = "primary" if edit.needs_work and not edit.is_repaired else "secondary"
    return {
        "editor": _picture(session, edit.shown, layer),
        "found": _found(edit, language),
        "more": gr.Button(interactive=edit.search.sensitivity < MOST_SENSITIVE),
        "note": _done(edit, language),
        "restore": gr.Button(variant=look),
    }


def results(session: Session, language: str) -> Shown:
    """Before and after, and what was done; hints are closed."""
    edit = session.edit
    return {
        "results": gr.Column(visible=True),
        **compared(session, "color", "gray"),
        "vividness": vividness_slider(edit, language),
        "freshen": edit.freshen,
        "note": _done(edit, language),
        "restore": gr.Button(variant="secondary"),
        "variants": gr.Gallery(visible=False),  # until there are this photo's
        "hints_area": gr.Column(visible=False),
    }


def vividness_slider(edit: EditState, language: str) -> gr.Slider:
    """Of use for the first coloring only, and where there is any color."""
    has_color = edit.restored is not None and edit.restored.own is None
    why = say("vividness_first", language) if edit.variant else None
    return gr.Slider(value=edit.vividness, interactive=has_color and not edit.variant, info=why)


def full_size(edit: EditState, kind: str) -> Image.Image:
    """The result in "color" or "gray", as it is downloaded."""
    if kind == "gray" and not edit.freshen:
        return edit.scan.own_gray(edit.restored.gray, edit.restored.mask)
    return _painted(edit.toned, edit, kind)


def compared(session: Session, *kinds: str) -> dict[str, tuple[str, str]]:
    """Damaged and restored as small files for the slider of each kind, "color" or "gray"."""
    edit = session.edit
    small, before = edit.toned.smaller(edit.small.size), session.written(edit.small, "before.jpg")
    return {kind: (before, session.written(_painted(small, edit, kind), "after.jpg")) for kind in kinds}


def _painted(restored: Restoration, edit: EditState, kind: str) -> Image.Image:
    """A restoration, of whatever size, in the coloring that the visitor chose, or gray."""
    if kind == "gray":
        return restored.gray
    return restored.variant(edit.variant) if edit.variant else restored.vivid(edit.vividness)


def dabbed(session: Session, shown: str) -> dict:
    """The colored photo, a file, for the painter, with its dabs: what a dab does is seen where it is made."""
    return _picture(session, shown, marks.colored(session.edit.dabs, session.edit.small.size))


def _picture(session: Session, photo: str, layer: Image.Image | None) -> dict:
    files = {"photo": photo, "layer": layer and session.written(layer, "layer.png")}
    shown = {name: file and FileData(path=file).model_dump() for name, file in files.items()}
    return shown | {"size": session.edit.small.size, "of": session.edit.shown}


def _prints(session: Session, language: str) -> gr.Gallery:
    """The pictures on the scan, each cut out and straight, to be taken alone; from one of them, the way back."""
    edit, album = session.edit, session.edit.album
    shown = [(album.shown, say("whole_scan", language))] if album else []
    scan = album or edit
    for number, found in enumerate(scan.prints, 1):
        cut = extract(scan.photo, found)
        cut.thumbnail((300, 300))
        shown.append((session.written(cut, "print.png"), say("print", language, number=number)))
    return gr.Gallery(shown, visible=bool(shown))


def _found(edit: EditState, language: str) -> str:
    """What is marked, what to do about it, and what kind of photo this is."""
    if not edit.mask.any():
        words = [say("not_found", language)]
    else:
        kind = "found" if edit.search.new is None else "found_more"
        words = [say(kind, language, share=percent(edit.mask.mean()), count=edit.search.count)]
        words += [say("check", language)] if kind == "found" and edit.damage.is_worn else []
    if min(edit.photo.size) < LEAST:
        words += [say("small", language, width=edit.photo.width, height=edit.photo.height)]
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
    return say("repaired", language, share=percent(share)) if share else say("only_colored", language)
