"""Loads the templates of the queues' dashboard fit for this site: without what its policy refuses, with a title, a zone and our look."""

from __future__ import annotations

import re

from django.template.base import Origin
from django.template.loaders import app_directories

REFUSED = re.compile(
    r"""<style>.*?</style>|<script type="text/javascript">.*?</script>|\s(?:style|on\w+)="[^"]*\"""", re.DOTALL
)
"""The scripts among them bind a jQuery plugin that Django's admin no longer has; its actions.js binds itself. The
handlers make whole rows links, which have a link inside."""
TITLE = re.compile(r"{% block title %}(.*?)(?: {{ block.super }})?{% endblock %}", re.DOTALL)
HEADING = re.compile(r"{% block content_title %}(?:<h\d>(.*?)</h\d>)?{% endblock %}", re.DOTALL)
CONTENT = "{% block content %}"
MARK = "{% block bodyclass %}{{ block.super }} goby-queues{% endblock %}"
"""By which goby_site/theme.css knows the pages."""


class QueueTemplates(app_directories.Loader):
    """Django's loader of apps' templates; those of django_rq are adapted."""

    def get_contents(self, origin: Origin) -> str:
        contents = super().get_contents(origin)
        return adapted(contents) if str(origin.template_name).startswith("django_rq/") else contents


def adapted(contents: str) -> str:
    """The text of a page of the dashboard as this site shows it."""
    # The theme's list writes an inline style of its own.
    contents = REFUSED.sub("", contents).replace('extends "admin/change_list.html"', 'extends "admin/base_site.html"')
    title, heading = TITLE.search(contents), HEADING.search(contents)
    if heading is not None:
        words = heading[1] or (title[1] if title else "Queues")
        contents = contents.replace(heading[0], f"{{% block content_title %}}{words}{{% endblock %}}", 1)
    contents = contents.replace("<h1>", "<h2>").replace("</h1>", "</h2>")  # the title is the page's heading
    # A worker's page reads its job with pickle, whatever the queue's serializer: the description is plain text.
    contents = contents.replace("{{ job.func_name }}", "{{ job.description }}")
    contents = contents.replace('id="action-toggle"', 'id="action-toggle" aria-label="Select all jobs"')
    contents = contents.replace('class="action-select"', 'class="action-select" aria-label="Select this job"')
    if CONTENT in contents:
        zone = '{% include "scripting/_zone.html" %}'
        contents = contents.replace(CONTENT, f"{MARK}{CONTENT}{zone}", 1)
    return contents
