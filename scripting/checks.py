"""System checks of the engine's settings and surroundings, with ids and hints."""
