"""The card says what the run's own summary says, to readers and to the hub's index."""

import json

import pytest
from finished_run import NAME, finished_run, summary
from huggingface_hub import ModelCard

from restoration.reports.card import model_card
from restoration.reports.report import summarize


@pytest.fixture
def run(tmp_path):
    return finished_run(tmp_path / "run")


def test_the_model_index_holds_the_mean_and_every_fold_of_both_stages(run):
    card = ModelCard(model_card(run, NAME))
    results = {(r.dataset_config, r.dataset_split, r.metric_type): r.metric_value for r in card.data.eval_results}
    expected = {}
    for stage, result in summary()["stages"].items():
        parts = {"mean over folds": result["mean"], **{f"fold {k}": fold for k, fold in result["folds"].items()}}
        expected |= {(stage, part, name): v for part, metrics in parts.items() for name, v in metrics.items()}
    assert results == expected and len(expected) == 2 * 4 * 2
    assert {r.dataset_revision for r in card.data.eval_results} == {"9f86d081884c7d65"}
    assert (card.data.license, card.data.pipeline_tag, card.data.model_name) == ("mit", "image-to-image", "old-photos")


def test_the_card_tells_use_numbers_pictures_and_origin(run):
    card = model_card(run, NAME)
    assert f'Restorer.from_pretrained("{NAME}")' in card
    assert "| metric | mean ± std | fold 0 | fold 1 | fold 10 |" in card
    assert "| hole_psnr | 28.38 ± 0.12 | 28.25 | 28.38 | 28.5 |" in card and "| hole_ssim | 0.9375 |" in card
    assert "(curves-inpaint.png)" in card and "(grid.png)" in card
    assert "(curves-color.png)" not in card  # the run has none
    for origin in ("python train.py --folds 3 --data photos", "4321 photos", "`9f86d081884c7d65`", "torch 2.9.0"):
        assert origin in card


def test_what_was_not_measured_and_what_is_no_metric_is_left_out(run):
    broken = summary()
    broken["stages"]["color"]["mean"] |= {"hole_psnr": float("nan"), "lpips": None, "epoch": 7, "train_loss": 0.5}
    (run / "summary.json").write_text(json.dumps(broken))
    results = ModelCard(model_card(run, NAME)).data.eval_results
    means = [r for r in results if (r.dataset_config, r.dataset_split) == ("color", "mean over folds")]
    assert [(r.metric_type, r.metric_value) for r in means] == [("hole_ssim", 0.9375)]


def test_what_the_report_writes_is_understood(run):
    pieces = {"inpaint": {k: [{"epoch": 1, "train_loss": 0.5, "hole_psnr": 20.0 + k}] for k in (0, 1)}, "color": {}}
    data = {"photos": 12, "fingerprint": "ab12", "problems": []}
    (run / "summary.json").write_text(json.dumps(summarize(pieces, data, "python train.py --folds 2")))
    assert "| hole_psnr | 20.5 ± 0.71 | 20 | 21 |" in model_card(run, NAME)
    del pieces["inpaint"][0]
    (run / "summary.json").write_text(json.dumps(summarize(pieces, data, "python train.py --fold 1")))
    assert "| hole_psnr | 21 | 21 |" in model_card(run, NAME)  # one fold has no deviation
