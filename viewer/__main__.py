"""`python -m viewer`: see `viewer.main`."""

import sys

from viewer.main import main

if __name__ == "__main__":
    sys.exit(main())
