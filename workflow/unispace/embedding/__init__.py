"""Extraction of embeddings into the store."""
