"""What an embedding space looks like."""
