"""The card says what the run's own summary says, to readers and to the hub's index."""

import json

import pytest
from finished_run import NAME, finished_run, summary
from huggingface_hub import ModelCard
from test_report import make_records, make_run

from restoration.reports.card import model_card
from restoration.reports.report import write_report


@pytest.fixture
def run(tmp_path):
    return finished_run(tmp_path / "run")


def test_the_model_index_holds_the_mean_and_every_fold_of_both_stages(run):
    card = ModelCard(model_card(run, NAME))
    results = {(r.dataset_config, r.dataset_split, r.metric_type): r.metric_value for r in card.data.eval_results}
    expected = {}
    for stage, result in summary()["stages"].items():
        parts = {"mean over folds": result["mean"], **{f"fold {k}": fold for k, fold in result["folds"].items()}}
        expected |= {(stage, part, k): v for part, row in parts.items() for k, v in row.items() if k != "epoch"}
    assert results == expected and len(expected) == 2 * 4 * 2
    assert {r.dataset_revision for r in card.data.eval_results} == {"9f86d081884c7d65"}
    assert (card.data.license, card.data.pipeline_tag, card.data.model_name) == ("mit", "image-to-image", "old-photos")


def test_the_card_tells_use_numbers_pictures_and_origin(run):
    card = model_card(run, NAME)
    assert f'Restorer.from_pretrained("{NAME}")' in card
    assert "|  | fold 0 | fold 1 | fold 10 |" in card and "| PSNR in the hole (dB) ↑ | 28.25 | 28.38 | 28.50 |" in card
    assert "| PSNR in the hole (dB) ↑ | 28.38 ± 0.12 | 28.38 ± 0.12 |" in card
    assert "(curves-inpaint.png)" in card and "(grid.png)" in card
    assert "(curves-color.png)" not in card  # the run has none
    for origin in ("python train.py --folds 3 --data photos", "photos `4321`", "`9f86d081884c7d65`", "torch 2.9.0"):
        assert origin in card


def test_what_was_not_measured_and_what_is_no_metric_is_left_out(run):
    broken = summary()
    broken["stages"]["color"]["mean"] |= {"hole_psnr": float("nan"), "lpips": None, "epoch": 7, "train_loss": 0.5}
    (run / "summary.json").write_text(json.dumps(broken))
    results = ModelCard(model_card(run, NAME)).data.eval_results
    means = [r for r in results if (r.dataset_config, r.dataset_split) == ("color", "mean over folds")]
    assert [(r.metric_type, r.metric_value) for r in means] == [("hole_ssim", 0.9375)]


def test_the_card_is_the_report_under_the_repositorys_name(tmp_path):
    run = make_run(tmp_path / "run", {("color", 0): make_records("color", 0)})
    write_report(run, None, "python train.py")
    report, card = (run / "report.md").read_text(encoding="utf-8"), model_card(run, NAME)
    assert card.startswith("---\n") and card.split("---\n\n", 1)[1] == report.replace(
        "Training report: run", "old-photos"
    ).replace("runs/run", NAME)
