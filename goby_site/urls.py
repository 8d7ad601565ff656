"""Where everything is on the site."""

from __future__ import annotations

from django.contrib import admin
from django.http import Http404
from django.urls import include, path, re_path
from django.views.defaults import page_not_found
from django_rq.urls import urlpatterns as queues

from goby_site.web import health
from goby_site.web.queues import for_role_admin

admin.autodiscover()

# Every view of the dashboard, those with tokens of their own too: what a later version adds is guarded with the rest.
for view in queues:
    view.callback = for_role_admin(view.callback)

handler400 = "scripting.endpoints.bad_request"
handler500 = "goby_site.web.unavailable.server_error"

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    # The admin's way to an object's own page: no object here has one, and for a table that is gone it answers 500.
    re_path("^admin/r/", page_not_found, {"exception": Http404()}),
    path("admin/", admin.site.urls),
    path("django-rq/", include((queues, "django_rq"))),
    path("", include("scripting.urls")),
    path("", include("wargame.urls")),
]
