"""What happens to one photo, step by step; no browser."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import gray_photo, hole, photo, read, save
from PIL import Image

from demo.editing import Search
from demo.photo_steps import Steps
from demo.session import Sessions
from demo.stages import Stages
from demo.texts import say
from restoration.files.imaging import PhotoError
from restoration.pipeline import MOST_SENSITIVE

REQUEST = SimpleNamespace(session_hash="a", headers={"accept-language": "en"})


@pytest.fixture
def steps(restorer, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))
    return Steps(Stages(restorer), Sessions())


def told(*_, **__) -> None:
    """Progress that nobody watches."""


def opened(steps: Steps, file: Path) -> dict:
    """What is shown of a photo that was dropped."""
    steps.want(str(file), REQUEST)
    return steps.open(REQUEST, told)


def print_opened(steps: Steps, number: int) -> dict:
    """What is shown of a print on the open scan; 0: the scan."""
    steps.want_print(SimpleNamespace(index=number), REQUEST)
    return steps.open(REQUEST, told)


def lying(picture: np.ndarray, shape: tuple[int, int], turn: float = 0) -> np.ndarray:
    """A scan of white paper with one print on it, in the middle, turned by some degrees."""
    white = Image.new("L", shape[::-1], 235)
    place = Image.fromarray(picture).convert("RGBA").rotate(turn, Image.Resampling.BICUBIC, expand=True)
    white.paste(
        place.convert("L"),
        [(out - side) // 2 for out, side in zip(white.size, place.size, strict=True)],
        place.split()[3],
    )
    return np.asarray(white)


def test_each_print_on_a_scan_is_worked_on_alone_and_straight_and_the_scan_too(steps, tmp_path):
    scan = np.full((500, 900), 235, np.uint8)
    scan[60:360, 60:360] = gray_photo("astronaut", 300, 300)
    scan[100:400, 480:840] = gray_photo("coffee", 360, 300)
    shown = opened(steps, save(tmp_path / "album.png", scan))
    first = steps.sessions.of(REQUEST).edit
    assert shown["prints"].visible and len(shown["prints"].value) == 3 and shown["prints"].selected_index == 1
    assert first.name == "album-1" and np.abs(np.subtract(first.photo.size, 300)).max() < 12, "the scan is what is seen"

    steps.restore_at_once(REQUEST, told)
    shown = print_opened(steps, 2)
    edit = steps.sessions.of(REQUEST).edit
    taken = np.asarray(edit.photo.resize((356, 296)), int)
    assert np.abs(taken - scan[102:398, 482:838])[10:-10, 10:-10].mean() < 8 and edit.name == "album-2"
    assert shown["prints"].selected_index == 2 and not shown["results"].visible
    assert print_opened(steps, 2) == {}, "what is open is opened anew"

    print_opened(steps, 0)
    assert np.array_equal(np.asarray(steps.sessions.of(REQUEST).edit.photo), scan)
    assert print_opened(steps, 1)["results"].visible, "its result is lost"
    assert steps.sessions.of(REQUEST).edit is first


@pytest.mark.parametrize("shape, turn, is_cut", [((340, 440), 0, False), ((340, 440), 3, True), ((800, 600), 0, True)])
def test_one_print_is_cut_out_of_a_scanners_lid_or_straightened_but_keeps_its_own_border(
    steps, tmp_path, shape, turn, is_cut
):
    scan = lying(gray_photo("coffee", 400, 300), shape, turn)
    shown = opened(steps, save(tmp_path / "print.png", scan))
    size = steps.sessions.of(REQUEST).edit.photo.size
    assert shown["prints"].visible == is_cut
    assert np.abs(np.subtract(size, (400, 300))).max() < 12 if is_cut else size == (440, 340)


def test_what_is_done_unasked_is_done_once_and_only_where_there_is_something_to_do(steps, tmp_path):
    opened(steps, save(tmp_path / "color.png", photo("chelsea", 120, 90)))
    edit = steps.sessions.of(REQUEST).edit
    edit.mask, edit.recolor = np.zeros((90, 120), bool), False
    steps.restore_at_once(REQUEST, told)
    assert edit.restored is None, "a whole photo in color was restored"
    edit.recolor = True
    assert steps.restore_at_once(REQUEST, told)["results"].visible
    first = edit.restored
    steps.restore_at_once(REQUEST, told)
    assert first is not None and edit.restored is first


def test_of_photos_that_come_in_a_row_the_last_is_opened_and_restored_and_none_that_was_taken_back(steps, tmp_path):
    first, second = (save(tmp_path / f"{name}.png", gray_photo(name, 120, 90)) for name in ("coffee", "chelsea"))
    damage = steps.stages.damage

    def meanwhile(upload: Path | None) -> None:
        """While the next photo is looked at another one comes, or none after all."""
        steps.stages.damage = lambda photo: [steps.want(upload and str(upload), REQUEST), damage(photo)][1]

    meanwhile(second)
    session = steps.sessions.of(REQUEST)
    assert opened(steps, first) == {} and session.album is None
    assert steps.restore_at_once(REQUEST, told) == {}
    steps.stages.damage = damage
    assert steps.open(REQUEST, told)["work"].visible and session.edit.name == "chelsea"
    assert steps.open(REQUEST, told) == {}, "what is open is opened anew"
    assert steps.restore_at_once(REQUEST, told)["results"].visible
    meanwhile(None)
    assert opened(steps, first) == {} and session.edit.name == "chelsea"


def test_what_waited_to_be_read_when_the_page_was_reloaded_is_read_and_restored(steps, tmp_path):
    key = steps.want(str(save(tmp_path / "photo.png", gray_photo("coffee", 120, 90))), REQUEST)
    again = SimpleNamespace(session_hash="b", headers=REQUEST.headers)
    assert steps.come_back(key, again)["due"] and steps.catch_up(again, told)["work"].visible
    assert steps.restore_at_once(again, told)["results"].visible and steps.sessions.of(again).edit.name == "photo"


def test_of_prints_that_are_chosen_in_a_row_the_last_is_opened_and_no_other_is_looked_at(steps, tmp_path):
    scan = np.full((500, 1300), 235, np.uint8)
    for left, name in ((60, "astronaut"), (480, "coffee"), (900, "chelsea")):
        scan[60:360, left : left + 300] = gray_photo(name, 300, 300)
    opened(steps, save(tmp_path / "album.png", scan))
    session, damage, looked = steps.sessions.of(REQUEST), steps.stages.damage, []

    def meanwhile(photo):
        looked.append(photo)
        for number in (0, 3):
            steps.want_print(SimpleNamespace(index=number), REQUEST)
        steps.stages.damage = lambda photo: looked.append(photo) or damage(photo)
        return damage(photo)

    steps.stages.damage = meanwhile
    assert print_opened(steps, 2) == steps.restore_at_once(REQUEST, told) == {} and session.edit.name == "album-1"
    assert steps.open(REQUEST, told)["prints"].selected_index == 3 and session.edit.name == "album-3"
    assert steps.open(REQUEST, told) == {} and len(looked) == 2, "the scan was looked at, which nobody wants any more"
    assert steps.restore_at_once(REQUEST, told)["results"].visible


def test_what_was_sent_goes_with_the_visit_though_it_was_never_opened(steps, tmp_path):
    session = steps.sessions.of(REQUEST)
    sent = save(session.folder.parent / "sent" / "photo.png", gray_photo("coffee", 120, 90))
    steps.want(str(sent), REQUEST)
    steps.want(None, REQUEST)
    steps.sessions.close()
    assert not sent.exists()


def test_a_tinted_print_in_which_nothing_is_found_names_the_ways_to_more(steps, tmp_path):
    sepia = np.uint8(255 * (gray_photo("coffee", 120, 90)[..., None] / 255) ** np.array([0.8, 1.0, 1.4]))
    shown = opened(steps, save(tmp_path / "sepia.png", sepia))
    assert shown["found"] == say("not_found", "en") and shown["kind"].value == say("tinted", "en")
    assert shown["recolor"].value
    gray = opened(steps, save(tmp_path / "gray.png", sepia[..., 0]))
    assert shown["recolor"].visible and not gray["recolor"].visible, "a gray photo has no colors to keep"


def test_freshened_tones_reach_the_picture_and_the_file(steps, tmp_path):
    faded = (100 + gray_photo("chelsea", 200, 150) * 0.3).astype(np.uint8)
    opened(steps, save(tmp_path / "faded.png", faded))
    steps.restore_at_once(REQUEST, told)
    steps.freshen(True, REQUEST)
    file = steps.save("gray", "png")(REQUEST, told)["saved"]
    assert np.ptp(np.asarray(Image.open(file))) > 1.5 * np.ptp(faded)
    steps.freshen(False, REQUEST)
    mask = steps.sessions.of(REQUEST).edit.mask
    file = steps.save("gray", "png")(REQUEST, told)["saved"]
    assert np.array_equal(np.asarray(Image.open(file))[~mask], faded[~mask])


def test_damage_erased_to_transparency_is_opaque_in_the_file_once_it_is_repaired(steps, tmp_path):
    clear = np.dstack([photo("coffee", 120, 90), 255 * ~hole(120, 90, (20, 15, 60, 45))]).astype(np.uint8)
    opened(steps, save(tmp_path / "erased.png", clear))
    steps.restore_at_once(REQUEST, told)
    for kind in ("color", "gray"):
        file = steps.save(kind, "png")(REQUEST, told)["saved"]
        assert (read(Path(file), "RGBA")[..., 3] == 255).all()


def test_another_photo_lends_its_colors_until_that_is_undone(steps, tmp_path):
    asked = []
    colorize = steps.stages.colorize
    steps.stages.colorize = lambda *given: asked.append(given[2]) or colorize(*given[:2])
    opened(steps, save(tmp_path / "photo.png", gray_photo("coffee", 120, 90)))
    steps.restore_at_once(REQUEST, told)
    steps.take_reference(str(save(tmp_path / "lender.png", photo("coffee", 60, 45))), REQUEST)
    steps.undo_dab(REQUEST)
    assert [lender and lender.size for lender in asked] == [None, (60, 45), None]


def test_a_gray_reference_is_refused_and_changes_nothing(steps, tmp_path):
    opened(steps, save(tmp_path / "photo.png", gray_photo("coffee", 120, 90)))
    steps.restore_at_once(REQUEST, told)
    with pytest.raises(PhotoError, match="gray photo"):
        steps.take_reference(str(save(tmp_path / "gray.png", gray_photo("coffee", 60, 45))), REQUEST)
    stroke = {"pen": "#ff0000", "width": 0.1, "points": [[0.5, 0.5]]}
    assert "color" in steps.dab(SimpleNamespace(strokes=[stroke]), REQUEST)
    assert steps.sessions.of(REQUEST).edit.dabs == [stroke]


def test_a_rough_stroke_takes_what_is_found_under_it_and_a_precise_one_all_of_it(steps, tmp_path):
    opened(steps, save(tmp_path / "photo.png", gray_photo("coffee", 200, 150)))
    edit, crack = steps.sessions.of(REQUEST).edit, hole(200, 150, (20, 70, 180, 72))
    edit.damage = SimpleNamespace(snap=lambda mask, gray: mask & crack, is_worn=False)
    stroke = SimpleNamespace(strokes=[{"pen": "paint", "width": 0.1, "points": [[0.2, 0.47], [0.8, 0.47]]}])
    before = edit.mask
    assert "paint there again" in steps.paint(True, stroke, REQUEST)["found"]
    rough = edit.mask & ~before
    assert rough.any() and not (rough & ~crack).any()
    steps.undo(REQUEST)
    assert np.array_equal(edit.mask, before)
    steps.paint(False, stroke, REQUEST)
    assert (edit.mask & ~before).sum() > 5 * rough.sum()
    edit.damage = SimpleNamespace(snap=lambda mask, gray: mask, is_worn=False)  # it found nothing
    assert "Your whole stroke" not in steps.paint(False, stroke, REQUEST)["found"]
    assert "Your whole stroke" in steps.paint(True, stroke, REQUEST)["found"]


def test_a_tap_marks_a_crack_to_its_ends_and_a_stroke_does_not(steps, tmp_path):
    opened(steps, save(tmp_path / "photo.png", gray_photo("coffee", 200, 150)))
    edit, crack = steps.sessions.of(REQUEST).edit, hole(200, 150, (20, 70, 180, 72))
    edit.mark(np.zeros_like(crack))
    edit.damage = SimpleNamespace(
        snap=lambda mask, gray: mask & crack, follow=lambda mask, gray: mask | crack, is_worn=False
    )
    for points, whole in (([[0.3, 0.47]], True), ([[0.3, 0.47], [0.5, 0.47]], False)):
        stroke = {"pen": "paint", "width": 0.1, "points": points}
        said = steps.paint(True, SimpleNamespace(strokes=[stroke]), REQUEST)["found"]
        assert ("to its ends" in said) == np.array_equal(edit.mask, crack) == whole
        steps.undo(REQUEST)


def test_all_of_a_rough_stroke_counts_the_second_time(steps, tmp_path):
    opened(steps, save(tmp_path / "photo.png", gray_photo("coffee", 200, 150)))
    edit, crack = steps.sessions.of(REQUEST).edit, hole(200, 150, (20, 70, 180, 72))
    edit.damage = SimpleNamespace(snap=lambda mask, gray: mask & crack, is_worn=False)
    stroke = SimpleNamespace(strokes=[{"pen": "paint", "width": 0.1, "points": [[0.2, 0.47], [0.8, 0.47]]}])
    torn = np.s_[62, 100]  # 8 px above the crack, within the stroke
    steps.paint(True, stroke, REQUEST)
    assert not edit.mask[torn] and edit.mask[71, 100]
    assert "Your whole stroke" in steps.paint(True, stroke, REQUEST)["found"]
    assert edit.mask[torn]


def test_a_chosen_coloring_is_what_is_shown_dabbed_on_made_vivid_and_downloaded(steps, tmp_path):
    opened(steps, save(tmp_path / "photo.png", gray_photo("coffee", 120, 90)))
    gallery = steps.restore_at_once(REQUEST, told)["variants"]
    assert gallery.visible and len(gallery.value) == 3
    edit = steps.sessions.of(REQUEST).edit

    def saved() -> np.ndarray:
        return read(Path(steps.save("color", "png")(REQUEST, told)["saved"]))

    first, second = saved(), np.asarray(edit.restored.variants()[1])
    shown = steps.take_variant(SimpleNamespace(index=1), REQUEST)
    assert shown["hints"]["photo"]["path"] == shown["color"][1]
    assert np.array_equal(saved(), second) and not np.array_equal(first, second)
    steps.make_vivid(0.0, REQUEST)
    assert not np.ptp(saved(), axis=2).any()
    steps.make_vivid(1.0, REQUEST)
    steps.undo_dab(REQUEST)
    steps.restore(False, True, REQUEST, told)
    assert np.array_equal(saved(), second), "a choice was lost"
    steps.take_variant(SimpleNamespace(index=0), REQUEST)
    assert np.array_equal(saved(), first)
    believed = edit.restored.chroma[0]
    stroke = SimpleNamespace(strokes=[{"pen": "paint", "width": 0.05, "points": [[0.2, 0.2], [0.3, 0.2]]}])
    steps.paint(False, stroke, REQUEST)
    steps.restore(False, True, REQUEST, told)
    assert edit.restored.chroma[0].before is believed, "colorings are chosen anew"


def test_where_there_is_no_more_to_be_found_it_is_not_offered(steps, tmp_path):
    opened(steps, save(tmp_path / "photo.png", gray_photo("coffee", 120, 90)))
    edit = steps.sessions.of(REQUEST).edit
    edit.mark(hole(120, 90, (10, 10, 30, 20)))
    edit.search = Search(edit.mask)
    assert steps.unmark(REQUEST)["found"] == say("not_found", "en")
    while edit.search.sensitivity < MOST_SENSITIVE:
        shown = steps.find_more(REQUEST)
    assert not shown["more"].interactive, "more is offered where there is none"


def test_what_a_search_adds_is_yellow_and_said_to_be_until_it_is_undone_or_restored(steps, tmp_path):
    opened(steps, save(tmp_path / "photo.png", gray_photo("coffee", 120, 90)))
    edit, sure, doubtful = (
        steps.sessions.of(REQUEST).edit,
        hole(120, 90, (10, 10, 20, 20)),
        hole(120, 90, (60, 10, 70, 20)),
    )
    edit.mask, edit.search = sure, Search(sure)
    edit.damage = SimpleNamespace(mask=lambda sensitivity: sure | doubtful, is_worn=False)

    def yellow(shown: dict) -> np.ndarray:
        return (read(shown["editor"]["layer"]["path"])[10:20, [15, 65], 1] > 150).all(axis=0)

    first = steps.find_more(REQUEST)
    assert list(yellow(first)) == [False, True] and "yellow" in first["found"]
    undone = steps.undo(REQUEST)
    assert np.array_equal(edit.mask, sure) and undone["more"].interactive and "yellow" not in undone["found"]
    assert steps.find_more(REQUEST)["found"] == first["found"], "undone is not erased: it is found again"
    tap = {"pen": "move", "width": 0.05, "points": [[0.53, 0.15]]}
    tapped = steps.paint(True, SimpleNamespace(strokes=[tap]), REQUEST)
    assert np.array_equal(edit.mask, sure) and "yellow" not in tapped["found"]
    steps.paint(True, SimpleNamespace(strokes=[tap | {"points": [[0.13, 0.15]]}]), REQUEST)
    assert np.array_equal(edit.mask, sure), "a tap took an old mark away"
    assert list(yellow(steps.undo(REQUEST))) == [False, True]
    stroke = {"pen": "paint", "width": 0.05, "points": [[0.3, 0.9], [0.5, 0.9]]}
    painted = steps.paint(False, SimpleNamespace(strokes=[stroke]), REQUEST)
    assert list(yellow(painted)) == [False, True], "who checks what is new loses sight of it"
    assert list(yellow(steps.restore(False, True, REQUEST, told))) == [False, False]


@pytest.mark.parametrize("width, said", [(3, True), (64, False)])
def test_a_photo_of_a_few_pixels_is_said_to_be_too_small(steps, tmp_path, width, said):
    shown = opened(steps, save(tmp_path / "icon.png", gray_photo("coffee", width, 64)))
    assert (say("small", "en", width=width, height=64) in shown["kind"].value) == said


@pytest.mark.parametrize("is_worn, box, said", [
    (True, (112, 50, 118, 55), True),  # in the face
    (True, (107, 105, 113, 110), True),  # on the collar
    (True, (5, 50, 10, 55), False),
    (False, (112, 50, 118, 55), False),
])  # fmt: skip
def test_on_a_print_with_many_marks_faces_are_to_be_checked_where_one_is_marked(steps, tmp_path, is_worn, box, said):
    opened(steps, save(tmp_path / "photo.png", gray_photo("astronaut", 256, 256)))
    edit = steps.sessions.of(REQUEST).edit
    edit.damage, edit.mask = SimpleNamespace(is_worn=is_worn), hole(256, 256, box)
    assert steps.restore(False, True, REQUEST, told)["found"].count("Check faces") == said
    stroke = SimpleNamespace(strokes=[{"pen": "paint", "width": 0.1, "points": [[0.2, 0.5]]}])
    assert "Check faces" not in steps.paint(False, stroke, REQUEST)["found"], "who corrects is told again"


def test_a_broken_file_beside_an_album_leaves_its_prints_to_be_chosen(steps, tmp_path):
    scan = np.full((500, 900), 235, np.uint8)
    scan[60:360, 60:360] = gray_photo("astronaut", 300, 300)
    scan[100:400, 480:840] = gray_photo("coffee", 360, 300)
    opened(steps, save(tmp_path / "album.png", scan))
    (tmp_path / "broken.png").write_bytes(b"no photo")
    with pytest.raises(PhotoError):
        opened(steps, tmp_path / "broken.png")
    assert print_opened(steps, 2)
    assert steps.sessions.of(REQUEST).edit.name == "album-2"
