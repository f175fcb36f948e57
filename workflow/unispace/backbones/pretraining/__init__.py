"""What networks learn before tuning, each family by an objective of its own kind: from tensors to a loss."""
