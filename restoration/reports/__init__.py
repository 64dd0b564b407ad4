"""What a finished run leaves: best models, report, figures, card, a place on the hub."""
