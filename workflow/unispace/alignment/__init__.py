"""Maps between embedding spaces."""
