"""The audit of the data: counts, duplicates, and what leaks from training into test."""
