"""Ends with an error that names a module of the arguments that this Python does not have. Importing them takes seconds."""

import sys
from importlib.util import find_spec

for name in sys.argv[1:]:
    if find_spec(name) is None:
        sys.exit(f"No module named {name}")
