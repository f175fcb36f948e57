"""Networks that turn images into embeddings, behind one small interface."""
