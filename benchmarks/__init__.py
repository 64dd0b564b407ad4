"""What this project measures of itself; each file with a command line says how it is run."""
