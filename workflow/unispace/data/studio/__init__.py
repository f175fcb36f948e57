"""The synthetic world: faces, bodies and objects with known factors."""
