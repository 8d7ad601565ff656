"""Where everything is on the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django_rq.urls import urlpatterns as queues

from goby_site.accounts.roles import role_admin_required
from goby_site.web import health

# Every view of the dashboard, those with tokens of their own too: what a later version adds is guarded with the rest.
for view in queues:
    view.callback = role_admin_required(view.callback)

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("admin/", admin.site.urls),
    path("django-rq/", include((queues, "django_rq"))),
    path("", include("scripting.urls")),
    path("", include("wargame.urls")),
]
