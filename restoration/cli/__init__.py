"""The command line: restore, detect, damage, evaluate, export, doctor."""
