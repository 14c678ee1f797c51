"""`python -m wsanalyze` is the command `wsanalyze`."""

from __future__ import annotations

import sys

from wsanalyze.cli.main import main

sys.exit(main())
