"""Drawn damage for training and tests: what time does to a print, and what a scanner adds."""
