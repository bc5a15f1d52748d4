"""``python -m clipbench`` is the command line."""

import sys

from clipbench.cli import main

sys.exit(main())
