"""Sentences about classes, for classification by texts."""
