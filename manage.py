#!/usr/bin/env python
"""Runs Goby's management commands."""

from goby_site.command_line import main

if __name__ == "__main__":
    main()
