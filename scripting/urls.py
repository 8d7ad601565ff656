"""Where the pages of scripting are, below whatever prefix a site includes them: `path("rules/", include("scripting.urls"))`."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from scripting.insight import processes_page
from scripting.insight.receipts import shared_page
from scripting.workbench.pages import upgrade_required

urlpatterns: list[URLPattern | URLResolver] = [
    path("scripts/", include("scripting.workbench.urls")),
    path("ws/scripts/", upgrade_required, name="scripting-sockets"),
    path("ws/scripts/<path:rest>", upgrade_required),
    *processes_page.urlpatterns,
    *shared_page.urlpatterns,
]

if find_spec("ninja"):  # the extra `api`
    urlpatterns.append(path("api/v1/", include("scripting.api.urls")))

if find_spec("prometheus_client"):  # else the system check E014 tells
    from scripting.insight import metrics_page

    urlpatterns += metrics_page.urlpatterns
