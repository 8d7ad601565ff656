"""`python -m goby_site COMMAND`: the management commands, where the package is installed and no manage.py is at hand."""

from goby_site.command_line import main

if __name__ == "__main__":
    main()
