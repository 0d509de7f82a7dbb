"""``python -m horus_runner.cli``."""

from horus_runner.cli import main

main()
