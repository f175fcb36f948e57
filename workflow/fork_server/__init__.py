"""Jobs that do not wait for their libraries: a process that has them becomes each job by a fork.

While a study runs on this machine, two processes stand by: one with the libraries of tables and figures, one with
those of networks. `python -m unispace COMMAND` hands its arguments, working folder and open files to one of them
(`client`), which forks (`server`); the fork runs the command and its exit is the exit of the job (`job`). Where none
stands by, the command runs as ever. The package `unispace` is not imported before the fork, so that every job runs
the code that lies there when it starts.
"""
