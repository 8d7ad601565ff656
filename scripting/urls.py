"""Where the pages of scripting are."""

from django.urls import URLPattern, URLResolver, include, path

from scripting.insight import metrics_page, processes_page

urlpatterns: list[URLPattern | URLResolver] = [
    path("scripts/", include("scripting.workbench.urls")),
    *processes_page.urlpatterns,
    *metrics_page.urlpatterns,
]
