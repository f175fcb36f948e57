"""What tests of several rooms share."""

from hypothesis import settings

# The same examples in every run, and no limit that a busy machine could break.
settings.register_profile("unispace", deadline=None, derandomize=True, database=None)
settings.load_profile("unispace")
