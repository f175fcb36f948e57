"""How a backbone is tuned: heads, coupling of domains, the training loop."""
