"""`python -m harness.cli` is the command `harness`."""

from harness.cli.main import run

run()
