"""What goes wrong between Snakemake and a Kubernetes cluster."""


class KubernetesError(Exception):
    """Something that the user can mend; its text says what and how."""
