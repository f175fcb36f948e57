"""Which images are compared with which: pairs, galleries, folds and lists, from names alone; no image is read."""
