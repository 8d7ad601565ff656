"""Loads the templates of the queues' dashboard without what the pages' policy refuses: inline styles and scripts."""

from __future__ import annotations

import re

from django.template.base import Origin
from django.template.loaders import app_directories

REFUSED = re.compile(r"""<style>.*?</style>|<script type="text/javascript">.*?</script>|\sstyle="[^"]*\"""", re.DOTALL)
"""The scripts among them bind a jQuery plugin that Django's admin no longer has; its actions.js binds itself."""


class QueueTemplates(app_directories.Loader):
    """Django's loader of apps' templates; those of django_rq lose their inline parts."""

    def get_contents(self, origin: Origin) -> str:
        contents = super().get_contents(origin)
        return REFUSED.sub("", contents) if str(origin.template_name).startswith("django_rq/") else contents
