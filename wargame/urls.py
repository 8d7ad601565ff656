"""Where the pages of wargame are."""

from django.urls import URLPattern, URLResolver, include, path

from wargame import views

pages = (
    [
        path("", views.battle, name="battle"),
        path("state/", views.state, name="state"),
        path("<int:game>/", views.battle, name="battle"),
        path("<int:game>/state/", views.state, name="state"),
    ],
    "wargame",
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("wargame/", include(pages)),
]
