"""From photos on disk to batches: sources, folds, crops with damage."""
