"""What Restorer takes: arrays, images and files, and one sentence for everything else."""

import numpy as np
import pytest
from conftest import assert_same, dab, gray_photo, hole, is_one_sentence, photo, pixels
from PIL import Image

from restoration.files.imaging import PhotoError
from restoration.pipeline import Restorer


def test_arrays_and_images_are_the_same_photo(restorer):
    color, mask = photo("coffee", 90, 60), hole(90, 60, (10, 10, 40, 30))
    for array in (color, gray_photo("coffee", 90, 60)):
        expected = restorer.restore(array, mask)
        for same in (mask.astype(np.uint8) * 255, Image.fromarray(mask), Image.fromarray(mask).convert("RGB")):
            assert_same(expected, restorer.restore(Image.fromarray(array), same))
    for zeros_and_ones in (mask.astype(np.uint8), Image.fromarray(mask.astype(np.uint8))):
        assert_same(expected, restorer.restore(array, zeros_and_ones))
    hints = dab(90, 60, (50, 30, 60, 40))
    assert_same(restorer.restore(array, mask, hints), restorer.restore(array, mask, Image.fromarray(hints)))


def test_files_are_the_same_photo_too(restorer, tmp_path):
    arrays = photo("coffee", 90, 60), hole(90, 60, (10, 10, 40, 30)), dab(90, 60, (20, 15, 30, 25))
    files = [tmp_path / f"{name}.png" for name in ("photo", "mask", "hints")]
    for array, file in zip(arrays, files, strict=True):
        Image.fromarray(array).save(file)
    expected = restorer.restore(*arrays)
    assert_same(expected, restorer.restore(*files))
    assert_same(expected, restorer.restore(*map(str, files)))
    assert np.array_equal(pixels(restorer.detect(files[0])), pixels(restorer.detect(arrays[0])))


def test_what_comes_back_is_printed_in_a_line(restorer):
    gray = gray_photo("coffee", 90, 60)
    for result in (restorer.restore(gray, hints=dab(90, 60, (20, 15, 30, 25))), restorer.damage(gray)):
        assert "\n" not in repr(result) and len(repr(result)) < 400


BAD_CALLS = {  # and what the answer must name
    "all masked": ({"mask": np.ones((40, 60), bool)}, "mask covers the whole"),
    "mask of another size": ({"mask": np.ones((60, 40), bool)}, "^The mask is 40 x 60 px, but the photo is 60 x 40"),
    "mask of floats": ({"mask": np.zeros((40, 60))}, "^The mask is float64 .*; pass uint8 or bool"),
    "mask of a list": ({"mask": []}, "^The mask is a list"),
    "no photo": ({"photo": None}, "^The photo is a NoneType"),
    "photo of floats": ({"photo": np.zeros((40, 60, 3), np.float32)}, "^The photo is float32 .*; pass uint8"),
    "photo of 16 bit": ({"photo": np.zeros((40, 60), np.uint16)}, "uint16"),
    "photo that is nowhere": ({"photo": "no/such.png"}, "no/such.png does not exist"),
    "batch of photos": ({"photo": np.zeros((2, 40, 60, 3), np.uint8)}, "2, 40, 60, 3"),
    "channels first": ({"photo": np.zeros((3, 40, 60), np.uint8)}, "3, 40, 60"),
    "one channel": ({"photo": np.zeros((40, 60, 1), np.uint8)}, "40, 60, 1"),
    "one row": ({"photo": np.zeros(60, np.uint8)}, "60,"),
    "no pixels": ({"photo": np.zeros((0, 60), np.uint8)}, "0, 60"),
    "hints of another size": ({"hints": np.zeros((60, 40, 4), np.uint8)}, "^The hint image is 40 x 60 px"),
    "hints of floats": ({"hints": np.zeros((40, 60, 4))}, "^The hint image is float64"),
    "hints that are everywhere": ({"hints": np.zeros((40, 60, 3), np.uint8)}, "no alpha channel"),
}


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("call, named", BAD_CALLS.values(), ids=BAD_CALLS)
def test_a_bad_call_is_answered_with_one_sentence(restorer, call, named, color):
    good = photo("coffee", 60, 40) if color else gray_photo("coffee", 60, 40)
    with pytest.raises(PhotoError, match=named) as error:
        restorer.restore(**{"photo": good} | call)
    assert is_one_sentence(error.value)


def test_hints_and_references_are_refused_before_the_work(restorer, monkeypatch):
    monkeypatch.setattr(Restorer, "repair", None)
    gray = gray_photo("coffee", 60, 40)
    for wrong in ({"hints": np.zeros((60, 40, 4), np.uint8)}, {"reference": gray}, {"reference": "no/such.png"}):
        with pytest.raises(PhotoError):
            restorer.restore(gray, **wrong)


def test_a_strip_thousands_of_times_longer_than_wide_is_colored(restorer):
    assert restorer.restore(np.full((2, 5000), 90, np.uint8)).image.size == (5000, 2)
