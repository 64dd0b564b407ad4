"""The command line: `python -m restoration restore | detect | damage | evaluate | export | doctor`."""

from restoration.cli.main import run_program

if __name__ == "__main__":
    run_program()
