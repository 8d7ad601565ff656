"""The rules of the battle as functions over plain state: the live game and the simulation play by them. They know no database."""
