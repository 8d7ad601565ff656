"""Where the API is: `path("api/v1/", include("scripting.api.urls"))`."""

from scripting.api.site import urls

urlpatterns = urls()
