#!/usr/bin/env python
"""Cancel jobs: Snakemake's plugin takes one program for that, without options.

It stops waiting after two seconds, which harms nothing: the kubectl that has begun goes on.
"""

import sys

from kubernetes_jobs.__main__ import main

sys.exit(main(["cancel", *sys.argv[1:]]))
