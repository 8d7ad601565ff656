"""Where the pages of scripting are."""

from django.urls import URLPattern, URLResolver, include, path

from scripting.views import metrics, processes

urlpatterns: list[URLPattern | URLResolver] = [
    path("scripts/", include("scripting.workbench.urls")),
    *processes.urlpatterns,
    *metrics.urlpatterns,
]
