"""`unispace <command>`: finds the module of a command and runs it.

Each command is a module of `unispace.commands` with `configure(parser)` and `run(arguments)`; only the one that
is called is imported, so that a table does not wait for torch. While Snakemake runs, a process that has the
libraries already may do even that (`fork_server`); hence nothing is imported before it is asked.
"""

from __future__ import annotations

import sys

# What a shell says of a program that was ended by SIGPIPE, as others are whose reader has gone.
_UNREAD = 141


def command_names() -> list[str]:
    """All commands, as they are written on the command line."""
    import pkgutil

    from unispace import commands

    return sorted(
        module.name.replace("_", "-")
        for module in pkgutil.iter_modules(commands.__path__)
        if not module.ispkg
    )


def main() -> int:
    """Run the command named by the first argument.

    Returns:
        The exit code; 141 where nobody read to the end what it printed, as in `unispace explain | head`.
    """
    try:
        try:
            return _command()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _unread():
            raise
        return _UNREAD


def _unread() -> bool:
    """Whether who should read the output has gone; then the rest of it is let go, so that the end of Python is quiet."""
    import os
    import select

    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if any(events & (select.POLLERR | select.POLLHUP) for _, events in output.poll(0)):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _command() -> int:
    """Run the command named by the first argument, and give its exit code."""
    import gc
    import importlib
    import os

    from unispace.errors import UserError, did_you_mean
    from unispace.kernels import choose

    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print("usage: unispace COMMAND ...\n\ncommands:\n  " + "\n  ".join(command_names()))
        print("\n`unispace COMMAND --help` tells more; `snakemake` calls them in the right order.")
        return 0
    name = sys.argv[1]
    if name not in command_names():
        print(
            f"unispace: no command `{name}`; {did_you_mean(name, command_names())}", file=sys.stderr
        )
        return 2
    try:
        choose(os.environ)
    except UserError as error:
        print(f"unispace: {error}", file=sys.stderr)
        return 2
    # What imports make stays to the end: looking for garbage meanwhile is a sixth of their time. The command turns it
    # on again.
    gc.disable()
    from unispace.commands.common.run import run_command

    module = importlib.import_module(f"unispace.commands.{name.replace('-', '_')}")
    return run_command(name, module.configure, module.run, sys.argv[2:])


if __name__ == "__main__":
    from fork_server.client import hand_over

    status = hand_over()
    sys.exit(main() if status is None else status)
