"""The figures: one module a family, and the list of all of them."""
