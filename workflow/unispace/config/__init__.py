"""The model of a study: the one source of defaults, schema and reference page."""
