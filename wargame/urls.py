"""Where the pages of wargame are."""

from django.urls import URLPattern, URLResolver, include, path

from scripting.endpoints import endpoint_urls
from wargame import log_pages, views

pages = (
    [
        path("", views.battle, name="battle"),
        path("state/", views.state, name="state"),
        path("log/", log_pages.log, name="log"),
        path("<int:game>/log/", log_pages.log, name="log"),
        path("<int:game>/log/<int:sequence>/", log_pages.story, name="story"),
        path("<int:game>/", views.battle, name="battle"),
        path("<int:game>/at/<int:sequence>/", views.moment, name="moment"),
        path("<int:game>/state/", views.state, name="state"),
    ],
    "wargame",
)

endpoints = endpoint_urls("wargame", template="wargame/hit.html", permission="wargame.play_game")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("", include(endpoints)),  # /debug/hit, where the original had it
    path("wargame/", include(pages)),
    path("wargame/", include(endpoints)),
]
