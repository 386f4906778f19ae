"""`python -m ops` is the understudy command: how `run` starts its children, whatever stands on the PATH."""

import sys

from ops.cli.main import main

sys.exit(main())
