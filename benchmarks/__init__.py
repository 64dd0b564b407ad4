"""What this project measures of itself; each file with a command line says how it is run."""

import os

os.environ.setdefault("RESTORATION_PRECISION", "float32")  # figures that any machine prints alike
