"""The folder that training leaves behind, with small files in place of weights."""

from pathlib import Path

NAME = "someone/old-photos"  # where the run is pushed to
FOLDS = ("0", "1", "10")  # "10" comes before "2" as text, and after it as a number
REPORT = '# Training report\n\nRestorer.from_pretrained("{source}")\n\n    python train.py --name "{source}" ± 1\n'
PRIVATE = ("folds/0/color/state.pt", "run.lock", "inpaint/.model.safetensors.7.part", "notes.txt")


def finished_run(run: Path) -> Path:
    """Write a run, and files that are nobody else's business. A push does not look into weights."""
    for folder in ("", *(f"folds/{fold}/" for fold in FOLDS)):
        for stage in ("inpaint", "color"):
            (run / f"{folder}{stage}").mkdir(parents=True)
            for name in ("config.json", "model.safetensors", *(["metrics.jsonl"] if folder else [])):
                (run / f"{folder}{stage}/{name}").write_text(f"{folder}{stage}/{name}")
    for name in ("train.json", "summary.json", "curves-inpaint.png", "grid.png", *PRIVATE):
        (run / name).write_text(name)
    (run / "report.md").write_text(REPORT.format(source=f"runs/{run.name}"), encoding="utf-8")
    return run
