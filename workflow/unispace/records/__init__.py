"""What is written to disk and read back, one module per kind of artefact."""
