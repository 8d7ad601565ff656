"""Where the pages of scripting are."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [path("scripts/", include("scripting.workbench.urls"))]
