"""Images with labels: the studio world, archives and folders, splits, degradations."""
