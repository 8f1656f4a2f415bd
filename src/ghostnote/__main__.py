"""``python -m ghostnote`` is ``ghostnote``."""

import sys

from ghostnote.cli import main

sys.exit(main())
