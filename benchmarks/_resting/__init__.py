"""A module whose script waits and computes nothing: what workers do side by side shows on two cores too."""
