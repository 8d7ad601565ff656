"""Drills: a whole site of real processes under faults and load, and what it promised of that. `make drill` lists them."""
