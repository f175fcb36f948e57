"""Metrics over embeddings and scores, with intervals."""
