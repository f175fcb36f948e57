"""What the environment of a whole run keeps secret."""

from __future__ import annotations

# What the environment of `finished` holds, and no file of it may (test_secrets_written.py).
PLANTED = {
    "HF_TOKEN": "hf_planted4711planted",
    "AWS_ACCESS_KEY_ID": "AKIAPLANTED4712",
    "AWS_SECRET_ACCESS_KEY": "planted4713planted",
    "UNISPACE_MIRROR": "https://ann:planted4714planted@mirror.invalid/sets",
}
