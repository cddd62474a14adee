"""`python -m kerasnets` runs the command `kerasnets`."""

import sys

from kerasnets.cli import main

sys.exit(main())
