"""Networks of the compatibility paper that neither timm nor open_clip builds as they were published.

Used by workflow/studies/paper-compatibility.yaml through provider `python`. Each file stands for itself: its checksum
is what a model's card records of its code.
"""
