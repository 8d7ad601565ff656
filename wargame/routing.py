"""The WebSockets of wargame, below the prefix at which a site includes `wargame.urls`. Call it once Django's apps are ready."""

from django.urls import URLPattern, get_script_prefix, path, reverse

from wargame.consumers import GameFeedSocket, GameHtmlSocket


def websocket_urlpatterns() -> list[URLPattern]:
    root = reverse("wargame:battle").removeprefix(get_script_prefix()).removesuffix("wargame/")
    return [
        path(f"{root}ws/wargame/<int:game>/html/", GameHtmlSocket()),  # type: ignore[arg-type] # URLRouter takes ASGI applications
        path(f"{root}ws/wargame/<int:game>/feed/", GameFeedSocket()),  # type: ignore[arg-type]
    ]
