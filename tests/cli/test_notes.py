"""What is said of a photo, by hand: how many marks, how much of it, and the ways to more."""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from restoration.cli.notes import notes_on_found


def said(damaged: np.ndarray, sensitivity: int = 3, place: Path = Path("photo.png"), **given) -> list[str]:
    return notes_on_found(Namespace(sensitivity=sensitivity, input=place), damaged, **given)


@pytest.mark.parametrize(
    "whole, share",
    [(1, "0.00025%"), (48, "0.012%"), (4000, "1%"), (4938, "1.23%"), (398_400, "99.6%"), (399_999, "100%")],
)
def test_a_share_of_the_photo_has_three_digits_however_small(whole, share):
    damaged = np.zeros(400_000, bool)
    damaged[:whole] = True
    assert said(damaged.reshape(400, 1000)) == [f"found 1 mark, {share} of the photo."]


def test_the_ways_to_more_follow_what_was_found():
    damaged = np.zeros((20, 20), bool)
    assert said(damaged, 3, done=", it was copied") == ["no damage was found, it was copied."]
    assert said(damaged, 1, ways=["paint"]) == ["no damage was found; --sensitivity 2 may find more, paint."]
    damaged[::10, 3] = True
    assert said(damaged, 0) == ["found 2 marks, 0.5% of the photo; --sensitivity 1 may find more."]


def test_of_a_folder_only_photos_without_damage_are_named(tmp_path):
    assert said(np.ones((20, 20), bool), place=tmp_path) == []
    assert said(np.zeros((20, 20), bool), place=tmp_path) == ["no damage was found."]
