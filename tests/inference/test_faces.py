"""Faces and their features: a doubtful mark in an eye is the eye."""

import numpy as np
import pytest
from conftest import gray_photo

from restoration.chroma_bins import BINS
from restoration.inference import faces
from restoration.inference.coloring import predict_prints
from restoration.inference.damage import WHOLE
from restoration.inference.detection import find_damage
from restoration.inference.faces import Face, features, find_faces, oval, skin
from restoration.inference.prints import Print

EYES, MOUTH, EARS = ((203, 102), (247, 105)), (224, 146), ((172, 111), (277, 116))  # of the astronaut, 512 x 512


@pytest.mark.parametrize("margin", [0, 300])  # px around the photo: the face is 102 px of 512, or of 1112
def test_a_face_is_found_where_it_is(margin):
    gray = np.pad(gray_photo("astronaut", 512, 512), margin, "edge")
    [face] = find_faces(gray)
    expected = np.array([*EYES, (224, 127), MOUTH]) + margin
    assert np.abs(face.points[:4] - expected).max() < 10  # a tenth of the face
    left, top, width, height = face.box
    assert all(left < x < left + width and top < y < top + height for x, y in face.points[:4])


def test_features_are_where_eyes_mouth_and_ears_are():
    points = np.array([*EYES, (224, 127), MOUTH, (177, 110), (272, 115)], float)
    face = Face(0.9, np.array([175.0, 70, 102, 102]), points)
    where = features(face, (300, 300))
    between = skin(face, where)
    for x, y in (*EYES, (224, 127), MOUTH, *EARS):
        assert where[y, x] > 0.95 and between[y, x] < 0.05
    assert where[110, 160] > 0.5, "an ear begins where it meets the cheek, and lies beyond"
    for x, y in ((224, 80), (224, 110), (198, 122), (250, 122)):  # forehead, bridge of the nose, cheeks
        assert where[y, x] < 0.05 and between[y, x] > 0.95
    for x, y in ((224, 200), (140, 60), (180, 150)):  # collar, wall
        assert where[y, x] < 0.05 and between[y, x] < 0.05
    half = oval(face.scaled(0.5), (150, 150))
    assert half[55, 112] > 0.95 and half[30, 70] < 0.05


def test_features_are_as_large_as_the_eyes_are_apart():
    """Across and down, at 100 px; an ear lies 15 px beyond the cheek. Where an edge is nearly straight it is soft."""
    points = np.array([[250, 200], [350, 200], [300, 260], [300, 320], [180, 220], [420, 220]], float)
    where = features(Face(0.9, np.array([170.0, 90, 260, 260]), points), (500, 600))
    ears = [(165, 222), (435, 222)]
    for (x, y), width, height in zip(
        [*points[:4].astype(int), *ears], (62, 62, 60, 110, 60, 60), (42, 42, 35, 60, 100, 100), strict=True
    ):
        for reach, is_in in ((-3, True), (3, False)):
            across, down = width // 2 + reach, height // 2 + reach
            at = where[[y, y, y - down, y + down], [x - across, x + across, x, x]]
            assert ((at > 0.5) == is_in).all(), (x, y)
    assert where[294, 300] == pytest.approx(0.84, abs=0.04), "four px within, one deviation"


def test_an_oval_is_as_wide_and_as_high_as_its_box_says():
    points = np.array([[250, 200], [350, 200], [300, 260], [300, 320], [180, 220], [420, 220]], float)
    where = oval(Face(0.9, np.array([200.0, 100, 200, 300]), points), (600, 600)) > 0.5
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    assert [rows[0], rows[-1]] == pytest.approx([235 - 165, 235 + 165], abs=2)
    assert [columns[0], columns[-1]] == pytest.approx([300 - 70, 300 + 70], abs=2)


@pytest.mark.parametrize("length, side, starts", [(300, 300, [0]), (480, 300, [0, 180]), (481, 300, [0, 90, 181]),
                                                  (200, 300, [0]), (1000, 300, [0, 175, 350, 525, 700])])  # fmt: skip
def test_parts_begin_at_most_three_fifths_of_a_side_after_each_other(length, side, starts):
    assert faces._offsets(length, side) == pytest.approx(starts, abs=1)


@pytest.mark.parametrize("shape", [(300, 480), (480, 300)])
def test_a_photo_is_seen_whole_and_in_parts_that_are_seen_larger(monkeypatch, shape):
    seen = []
    monkeypatch.setattr(faces, "_faces_in", lambda gray, *square: seen.append(square) or [])
    assert find_faces(np.zeros(shape, np.uint8)) == []
    assert sorted(seen) == sorted([(0, 0, 480), (0, 0, 300), (0, 180, 300) if shape[1] == 480 else (180, 0, 300)])


def test_what_the_network_says_of_a_cell_is_laid_on_the_photo(monkeypatch):
    """Of two cells the one that is more likely a face than not; a tenth of the square's side from its middle."""
    logits, places = np.full((1, 2304, 1), -0.01, np.float32), np.zeros((1, 2304, 16), np.float32)
    cell = 24 * 48 + 11  # row 24, column 11
    logits[0, cell] = np.log(3)
    places[0, cell, 2:4] = 96, 48
    places[0, cell, 4::2] = 19.2
    monkeypatch.setattr(faces, "_network", lambda: lambda _: [places, logits])
    [face] = faces._faces_in(np.zeros((500, 700), np.uint8), 30, 200, 480)
    x, y = 200 + 480 * 11.5 / 48, 30 + 480 * 24.5 / 48
    assert face.score == pytest.approx(0.75) and face.box == pytest.approx([x - 120, y - 60, 240, 120])
    assert face.points == pytest.approx(np.array([[x + 48, y]] * 6))


def test_features_turn_with_the_face():
    points = np.array([*EYES, (224, 127), MOUTH, (177, 110), (272, 115)], float)
    upright = Face(0.9, np.array([175.0, 70, 102, 102]), points)
    turned = upright._replace(points=np.stack([points[:, 1], 300 - points[:, 0]], axis=1))  # by a quarter
    assert np.abs(np.rot90(features(upright, (301, 301))) - features(turned, (301, 301))).mean() < 0.0005


def test_no_mark_gets_likelier_by_a_face_in_a_photo_that_is_not_worn():
    doubtful = lambda image: np.full((2, *image.shape[1:]), np.float32(-3))  # noqa: E731
    logits = find_damage(gray_photo("astronaut", 512, 512), doubtful).logits
    assert logits.max() == -3 and logits[EYES[0][::-1]] < -3.5


@pytest.mark.parametrize(("above", "in_eye"), [(0.5, False), (2.5, True)])  # logits above what a mark needs
def test_a_mark_in_an_eye_has_to_be_surer(above, in_eye):
    eye, wall = EYES[0], (60, 20)
    gray = np.minimum(gray_photo("astronaut", 512, 512), 200)
    for x, y in (eye, wall):
        gray[y - 6 : y + 6, x - 6 : x + 6] = 255

    def marks(image: np.ndarray, box=None) -> np.ndarray:
        return np.where(image[:1] > 225 / 255, WHOLE[0].seed + above, -6).astype(np.float32).repeat(2, axis=0)

    found = find_damage(gray, marks).mask()
    assert found[wall[::-1]] and found[eye[::-1]] == in_eye


def test_a_face_is_not_violet():
    violet, skin_color = (np.linalg.norm(BINS - color, axis=1).argmin() for color in ([0.08, 0.04], [-0.08, 0.09]))

    def colorizer(image: np.ndarray) -> np.ndarray:
        logits = np.full((len(BINS), *(-(-side // 4) for side in image.shape[1:])), -9, np.float32)
        logits[violet], logits[skin_color] = 4, 3.5
        return logits

    colorizer.prior = np.full(len(BINS), 1 / len(BINS), np.float32)
    gray = gray_photo("astronaut", 512, 512)
    [belief] = predict_prints(gray, [Print.whole(gray.shape)], colorizer, [])
    likelier = belief.logits[skin_color] > belief.logits[violet]
    assert likelier[10:13, 21].all() and not likelier[:, :14].any() and not likelier[24:].any()  # nose, wall, collar
