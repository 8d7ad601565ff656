"""The studio's users in its admin."""

from django.contrib import admin
from people.models import Person

admin.site.register(Person)
