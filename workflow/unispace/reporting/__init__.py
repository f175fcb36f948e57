"""Figures, tables and the page; computes no number."""
