"""Jobs of Snakemake as Jobs of Kubernetes: what the profile `workflow/profiles/kubernetes` calls.

`python -m kubernetes_jobs submit STUDY JOBSCRIPT` makes a manifest (`manifest`) of what the job asks for (`jobscript`) and
of what the user says of the cluster (`settings`), and hands it to kubectl (`kubectl`). `status NAME` tells how a job is
(`state`), `cancel NAME ...` deletes jobs. All pods share a volume with the clone, so nothing is moved.
"""
