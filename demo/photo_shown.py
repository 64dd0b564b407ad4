"""One photo: what the page shows at each step, by the names of the view."""

import gradio as gr
from gradio.data_classes import FileData
from PIL import Image

from demo import marks
from demo.editing import EditState
from demo.session import Album, Session
from demo.texts import percent, say, translated
from restoration.inference.prints import Print, extract
from restoration.pipeline import MOST_SENSITIVE, Restoration

LEAST = 64  # px, the shorter side of a photo: below, neither damage nor people are recognizable
Shown = dict[str, object]  # new values of parts of the view


def opened(session: Session, language: str) -> Shown:
    """The whole view of a photo: the marks, and the result where there is one."""
    edit = session.edit
    hidden = gr.Column(visible=False)
    return {
        "key": session.key,
        "start": hidden,
        "work": gr.Row(visible=True),
        "prints": _prints(session.album, language),
        "tabs": gr.Tabs(selected="color"),
        "recolor": gr.Checkbox(value=edit.recolor, visible=edit.photo.mode == "RGB"),
        "texture": edit.texture,
        "kind": _kind(edit, language),
        **(results(session, language) if edit.restored else {"results": hidden, **marked(session, language)}),
    }


def marked(session: Session, language: str) -> Shown:
    """The marks, and whether they are repaired."""
    edit = session.edit
    layer = marks.marked_layer(edit.mask, edit.new, edit.small.size) if edit.mask.any() else None
    look = "primary" if edit.needs_work and not edit.is_repaired else "secondary"
    return {
        "editor": {**_picture(session, edit.shown, layer), "taps": bool(edit.new.any())},
        "found": _found(edit, language),
        "undo": gr.Button(interactive=bool(edit.history)),
        "unmark": gr.Button(interactive=bool(edit.mask.any())),
        "more": gr.Button(interactive=edit.search.sensitivity < MOST_SENSITIVE),
        "note": _done(edit, language),
        "restore": gr.Button(variant=look),
    }


def results(session: Session, language: str) -> Shown:
    """The marks, before and after, and what can be changed of it."""
    edit, own = session.edit, session.edit.restored.own is not None
    return {
        **marked(session, language),
        "results": gr.Column(visible=True),
        **pictures(session, "gray"),
        "vividness": gr.Slider(value=edit.vividness, interactive=not own),
        "hints_how_to": say("hints_in_color" if own else "hints_how_to", language),
        "freshen": edit.freshen,
        "variants": variants(session),
    }


def variants(session: Session) -> gr.Gallery:
    """Colorings to choose from, side by side."""
    edit = session.edit
    small = edit.restored.smaller(marks.fitted(edit.photo.size, 400))
    files = [session.written(image, "variant.png") for image in small.variants()]
    return gr.Gallery(files, visible=len(files) > 1, selected_index=edit.variant)


def full_size(edit: EditState, kind: str) -> Image.Image:
    """The result in "color" or "gray", as it is downloaded."""
    if kind == "gray" and not edit.freshen:
        return edit.scan.own_gray(edit.restored.gray, edit.restored.mask)
    return _painted(edit.toned, edit, kind)


def preview(edit: EditState, *kinds: str) -> list[Image.Image]:
    """The result in each kind, in the preview's size."""
    small = edit.toned.smaller(edit.small.size)
    return [_painted(small, edit, kind) for kind in kinds]


def pictures(session: Session, *others: str) -> Shown:
    """Before and after as small files, in "color" and in other kinds; the colored one also to be dabbed on."""
    edit, kinds = session.edit, ("color", *others)
    after, before = preview(edit, *kinds), session.written(edit.small, "before.jpg")
    shown = {kind: (before, session.written(image, "after.jpg")) for kind, image in zip(kinds, after, strict=True)}
    layer, undo = marks.colored(edit.dabs, edit.small.size), gr.Button(interactive=bool(edit.dabs or edit.reference))
    return shown | {"hints": _picture(session, shown["color"][1], layer), "hints_undo": undo}


def _painted(restored: Restoration, edit: EditState, kind: str) -> Image.Image:
    """A restoration, of whatever size, in the coloring that the visitor chose, or gray."""
    if kind == "gray":
        return restored.gray
    return restored.vivid(edit.vividness, edit.variant)


def _picture(session: Session, photo: str, layer: Image.Image | None) -> dict:
    files = {"photo": photo, "layer": layer and session.written(layer, "layer.png")}
    shown = {name: file and FileData(path=file).model_dump() for name, file in files.items()}
    return shown | {"size": session.edit.small.size, "of": session.edit.shown}


def _prints(album: Album, language: str) -> gr.Gallery:
    """The scan and the prints on it, to choose from."""
    shown = [
        (file, say("print", language, number=number) if number else say("whole_scan", language))
        for number, file in enumerate(album.shown)
    ]
    return gr.Gallery(shown, visible=bool(shown), selected_index=album.open)


def choices_of(session: Session, scan: Image.Image, prints: list[Print]) -> list[str]:
    """Files of small pictures of a scan and of each print on it, cut out and straightened."""
    cuts = [scan.copy(), *(extract(scan, found) for found in prints)]
    for cut in cuts:
        cut.thumbnail((120, 120))
    return [session.written(cut, "print.png") for cut in cuts]


def _found(edit: EditState, language: str) -> str:
    """What is marked, and what to do about it; two lines on a phone, so that the photo below stays where it is."""
    key = "found_more" if edit.new.any() else "found" if edit.mask.any() else "not_found"
    if key == "found" and edit.damage.is_worn and not edit.history and marks.is_on_people(edit.mask, edit.small):
        key = "check"
    return say(key, language, share=percent(edit.mask.mean()))


def _kind(edit: EditState, language: str) -> gr.Markdown:
    """What kind of photo this is."""
    words = [translated(note, language) for note in edit.scan.notes]
    if min(edit.photo.size) < LEAST:
        words += [say("small", language, width=edit.photo.width, height=edit.photo.height)]
    if edit.photo.mode == "RGB":
        words += [say("tinted" if edit.is_tinted else "in_color", language)]
    return gr.Markdown(" ".join(words), visible=bool(words))


def _done(edit: EditState, language: str) -> str:
    """What was done, or that the marks have changed since."""
    if edit.restored is None:
        return say("waiting" if edit.needs_work else "nothing_to_do", language)
    if not edit.is_repaired:
        return say("marks_changed", language)
    share = edit.mask.mean()
    return say("repaired", language, share=percent(share)) if share else say("only_colored", language)
