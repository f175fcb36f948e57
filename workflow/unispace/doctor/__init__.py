"""What stands in the way of a run, told before its first job: one finding a line, each with its remedy."""
