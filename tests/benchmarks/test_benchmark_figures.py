"""The benchmark's intervals and tables: against SciPy, and for what a bootstrap must do."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from benchmarks import tables
from benchmarks.bootstrap import interval
from restoration.evaluation import METRICS, Evaluation

VALUES = np.random.default_rng(3).gamma(2.0, 1.5, 60)


def evaluation(psnr: list[float], score: list[float]) -> Evaluation:
    rows = {
        f"photo{i}": dict.fromkeys(METRICS) | {"hole_psnr": p, "contest_score": s}
        for i, (p, s) in enumerate(zip(psnr, score, strict=True))
    }
    return Evaluation(rows)


def own_scenes(table: tables.Table) -> tables.Scenes:
    return {name: name for evaluation in table.values() for name in evaluation.rows}


def test_the_interval_is_scipys():
    theirs = stats.bootstrap((VALUES,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    ours = interval(VALUES)
    width = theirs.high - theirs.low
    assert ours.mean == pytest.approx(VALUES.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * width)


def test_the_interval_moves_and_scales_with_the_values_and_is_the_same_at_each_call():
    once, moved = interval(VALUES), interval(3 * VALUES - 7)
    assert interval(VALUES) == once
    assert moved == pytest.approx([3 * end - 7 for end in once])


def test_crops_of_one_photo_tell_no_more_than_the_photo():
    scenes = [f"scene{i}" for i in range(len(VALUES))]
    fourfold = interval(np.repeat(VALUES, 4), np.repeat(scenes, 4))
    assert fourfold == pytest.approx(interval(VALUES, sorted(scenes)), rel=0.03)
    pretended = interval(np.repeat(VALUES, 4))
    assert pretended.high - pretended.low == pytest.approx((fourfold.high - fourfold.low) / 2, rel=0.05)


def test_one_photo_has_no_width():
    assert interval([2.5]) == (2.5, 2.5, 2.5)


def test_differences_are_of_the_same_photos():
    table = {"a": evaluation([20, math.inf, 24], [0.5, 0.6, None]), "b": evaluation([19, 30, 21], [0.25, 0.5, 0.1])}
    compared = tables.differences(table, [("a", "b")], own_scenes(table))["a - b"]
    assert compared["hole_psnr"].mean == pytest.approx(2.0)  # of 1 and 3: the infinite one has no difference
    assert compared["contest_score"].mean == pytest.approx(0.175)
    assert set(compared) == {"hole_psnr", "contest_score"}
    assert 1.0 <= compared["hole_psnr"].low < 2.0 < compared["hole_psnr"].high <= 3.0


def test_means_are_those_of_the_evaluation():
    table = {"a": evaluation([20, math.inf, 24], [0.5, 0.6, None])}
    found = tables.intervals(table, own_scenes(table))["a"]
    assert {metric: value.mean for metric, value in found.items()} == pytest.approx(
        {metric: mean for metric, mean in table["a"].means.items() if mean is not None}
    )


def test_tables_show_all_rows_and_json_has_no_infinity():
    table = {"a": evaluation([20, 24], [0.5, 0.75]), "perfect": evaluation([math.inf] * 2, [1.0, 1.0])}
    found = tables.intervals(table, own_scenes(table))
    compared = tables.differences(table, [("perfect", "a")], own_scenes(table))
    lines = tables.as_markdown(table, found, compared).splitlines()
    assert lines[:4] == [
        "|  | hole PSNR | contest score |",
        "|---|---:|---:|",
        "| a | 22.00 | 0.6250 |",
        "| perfect | inf | 1.0000 |",
    ]
    assert lines[-1].startswith("| perfect - a | +0.3750 (+0.2500 to +0.5000) |")
    assert len({line.count("|") for line in lines if line.startswith("|") and "PSNR" not in line}) == 2
    written = json.loads(json.dumps(tables.as_json(table, found, compared), allow_nan=False))
    assert written["rows"]["a"] == {"hole_psnr": 22.0, "contest_score": 0.625, "photos": 2}
    assert written["rows"]["perfect"]["hole_psnr"] is None
    assert written["intervals"]["a"]["contest_score"] == [0.5, 0.75]
    assert written["differences"]["perfect - a"]["contest_score"]["mean"] == 0.375
