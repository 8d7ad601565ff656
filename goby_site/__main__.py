"""`python -m goby_site COMMAND`: the management commands, where the package is installed and no manage.py is at hand."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "goby_site.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
