"""`python -m ops` is the understudy command: how `run` starts its children, whatever stands on the PATH."""

from ops.cli.main import main

main()
