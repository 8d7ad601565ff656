"""Where everything is on the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django_rq.urls import get_admin_urlpatterns

from goby_site import health
from goby_site.access import role_admin_required

queues = [*get_admin_urlpatterns(view_wrapper=role_admin_required)]

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("admin/", admin.site.urls),
    path("django-rq/", include((queues, "django_rq"))),
    path("", include("scripting.urls")),
    path("", include("wargame.urls")),
]
