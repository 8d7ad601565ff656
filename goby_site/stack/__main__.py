"""Start with `python -m goby_site.stack`."""

import sys

from goby_site.stack.runner import main

sys.exit(main())
