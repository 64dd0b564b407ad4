"""The command line as its users type it: damage and evaluate."""

import json
import shutil

import numpy as np
import pytest
from conftest import files, is_one_sentence, photo, read, save

KEYS = (
    "ssim", "masked_ssim", "hsv_similarity", "contest_s", "contest_m", "contest_c", "contest_score", "hole_psnr",
    "hole_ssim", "ab_mae", "colorfulness", "photos",
)  # fmt: skip


@pytest.fixture
def truths(tmp_path):
    save(tmp_path / "truth" / "a.png", photo("astronaut", 96, 80))
    save(tmp_path / "truth" / "b.png", photo("coffee", 80, 64))
    return tmp_path / "truth"


def test_damage_makes_what_it_says(run, truths, tmp_path):
    save(truths / "sub" / "c.png", photo("chelsea", 90, 90))
    assert run("damage", truths, tmp_path / "set")[0] == 0
    for name in ("a.png", "b.png", "sub/c.png"):
        damaged, truth = read(tmp_path / "set" / "input" / name), tmp_path / "set" / "gt" / name
        mask = read(tmp_path / "set" / "mask" / name)
        assert np.array_equal(read(truth), read(truths / name))
        assert set(np.unique(mask)) == {0, 255} and 0.005 < np.mean(mask > 0) < 0.2
        assert np.array_equal(damaged[mask == 0], read(truth, "L")[mask == 0])
        assert np.ptp(damaged[mask == 255]) == 0
    assert len(files(tmp_path / "set")) == 9


def test_the_seed_decides_every_byte(run, truths, tmp_path):
    for folder, seed in [("one", 3), ("same", 3), ("other", 4)]:
        assert run("damage", truths, tmp_path / folder, "--seed", seed)[0] == 0
    one, same, other = [
        {name: (tmp_path / folder / name).read_bytes() for name in files(tmp_path / folder)}
        for folder in ("one", "same", "other")
    ]
    assert one == same
    for name in ("a.png", "b.png"):
        assert one[f"mask/{name}"] != other[f"mask/{name}"] and one[f"input/{name}"] != other[f"input/{name}"]
        assert one[f"gt/{name}"] == other[f"gt/{name}"]


def test_a_photos_holes_are_its_own(run, tmp_path):
    """They come from its name: alone or in company, and two equal photos get two masks."""
    for name in ("a/x.png", "b/w.png", "b/x.png", "b/y.png"):
        save(tmp_path / name, photo("coffee", 96, 72))
    for source, out in [("a", "alone"), ("a/x.png", "file"), ("b", "company")]:
        assert run("damage", tmp_path / source, tmp_path / out)[0] == 0
    alone, file, company = (tmp_path / out / "mask" / "x.png" for out in ("alone", "file", "company"))
    assert alone.read_bytes() == file.read_bytes() == company.read_bytes()
    assert company.read_bytes() != company.with_stem("y").read_bytes()


def test_holes_is_the_most_that_a_photo_gets(run, tmp_path):
    for number in range(12):
        save(tmp_path / "in" / f"{number}.png", photo("coffee", 160, 120))
    run("damage", tmp_path / "in", tmp_path / "one")
    run("damage", tmp_path / "in", tmp_path / "three", "--holes", 3)
    for folder, most in [("one", 1), ("three", 3)]:
        masks = [tmp_path / folder / "mask" / f"{number}.png" for number in range(12)]
        inputs = [tmp_path / folder / "input" / f"{number}.png" for number in range(12)]
        tones = [len(np.unique(read(photo)[read(mask) > 0])) for photo, mask in zip(inputs, masks, strict=True)]
        assert max(tones) == most


@pytest.mark.parametrize("option", [("--seed", -1), ("--holes", 0)])
def test_a_number_out_of_range_is_refused_before_any_work(run, truths, tmp_path, option):
    status, _, err = run("damage", truths, tmp_path / "set", *option)
    assert status == 1 and len(err) == 1 and " ".join(map(str, option)) in err[0] and is_one_sentence(err[0])
    assert not (tmp_path / "set").exists()


def test_a_second_run_into_a_folder_of_the_photos_damages_no_results(run, truths):
    for _ in range(2):
        assert run("damage", truths, truths / "set", "--overwrite")[0] == 0
    assert len(files(truths)) == 2 + 6


@pytest.mark.parametrize("kind", ["input", "mask", "gt"])
def test_a_file_that_is_there_is_not_replaced_by_damage(run, truths, tmp_path, kind):
    mine = save(tmp_path / "set" / kind / "a.png", np.uint8([[7]]))
    status, _, err = run("damage", truths, tmp_path / "set")
    assert status == 1 and "--overwrite" in err[0] and is_one_sentence(err[0]) and read(mine).shape == (1, 1)


def test_a_perfect_prediction(run, truths, tmp_path):
    run("damage", truths, tmp_path / "set")
    truth, mask = tmp_path / "set" / "gt", tmp_path / "set" / "mask"
    status, out, err = run("evaluate", "--pred", truths, "--truth", truth, "--mask", mask, "--json")
    assert status == 0 and err == [] and len(out) == 1
    scores = json.loads(out[0])
    assert sorted(scores) == sorted(KEYS) and scores["photos"] == 2
    for key in ("ssim", "masked_ssim", "hole_ssim", "hsv_similarity", "contest_score"):
        assert scores[key] == pytest.approx(1, abs=1e-9)
    assert scores["ab_mae"] == 0 and scores["hole_psnr"] is None


def test_damage_restore_evaluate(run, truths, tmp_path):
    save(truths / "sub" / "a.png", photo("chelsea", 70, 90))
    made, results = tmp_path / "set", tmp_path / "results"
    assert run("damage", truths, made)[0] == 0
    assert run("restore", made / "input", results, "--mask", made / "mask")[0] == 0
    shutil.rmtree(tmp_path / "truth")
    judge = ["--truth", made / "gt", "--mask", made / "mask", "--json"]
    scores = json.loads(run("evaluate", "--pred", results, *judge)[1][0])
    assert sorted(scores) == sorted(KEYS) and scores["photos"] == 3
    assert all(isinstance(value, int | float) for value in scores.values())
    assert scores["hole_psnr"] < 40 and 0 < scores["ssim"] < 1 and scores["ab_mae"] > 1
    table = run("evaluate", "--pred", results, *judge[:-1])[1]
    assert f"{scores['hole_psnr']:.4f}" in "\n".join(table)
    (results / "b.png").unlink()
    status, out, err = run("evaluate", "--pred", results, *judge)
    assert status == 1 and json.loads(out[0])["photos"] == 2 and err == ["restoration: b: no prediction."]
