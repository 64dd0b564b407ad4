"""Many photos at once: what a command reads and writes, shared among processes."""
