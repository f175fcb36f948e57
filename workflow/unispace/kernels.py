"""The same bits on every x86 processor of the last ten years.

Numerical libraries look at the processor and take the widest instructions that it has; sums are then taken in
another order, and a training makes much of a last digit. So all of them are told to use those that every such
processor has (AVX2 with FMA), in every process and before it imports them. On the small networks of the default study
that takes no longer; where wider ones pay, `UNISPACE_INSTRUCTIONS=native` leaves the choice to the libraries.

Nothing is imported here that would be late: libraries read these variables when they are loaded.
"""

from __future__ import annotations

import os
import platform
from collections.abc import MutableMapping
from pathlib import Path

from unispace.errors import UserError

VARIABLE = "UNISPACE_INSTRUCTIONS"
"""Environment variable: `portable`, which is the default, or `native`."""

_PORTABLE = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    # Without STRICT, products differ between Intel and AMD.
    "MKL_CBWR": "AVX2,STRICT",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_ENABLE_CPU_FEATURES": "X86_V3",
    "ARROW_USER_SIMD_LEVEL": "AVX2",
}
_NEEDED = {"avx2", "fma", "bmi2", "f16c"}
_PROCESSORS = Path("/proc/cpuinfo")


def choose(environment: MutableMapping[str, str], processors: Path = _PROCESSORS) -> None:
    """Have numerical libraries that are loaded later use the instructions that all processors have.

    Nothing changes where this processor has not got them (it is older, or no x86), or does not say what it has.

    Args:
        environment: `os.environ`, or what a process is started with; changed in place.
        processors: the system's list of processors and what each can do.

    Raises:
        UserError: `UNISPACE_INSTRUCTIONS` has another value than `portable` and `native`.
    """
    chosen = environment.get(VARIABLE, "portable")
    if chosen not in ("portable", "native"):
        raise UserError(f"{VARIABLE}={chosen}: it is `portable`, which is the default, or `native`")
    if chosen == "portable" and platform.machine() in ("x86_64", "AMD64") and _has(processors):
        environment.update(_PORTABLE)


def processor(processors: Path = _PROCESSORS) -> str:
    """What decides the last digits here, as `x86_64 of AuthenticAMD, portable instructions`.

    To be asked in a process of which `choose` has seen the environment.
    """
    makers = sorted(set(_values("vendor_id", processors)))
    maker = f" of {' and '.join(makers)}" if makers else ""
    kind = "portable" if _PORTABLE.items() <= os.environ.items() else "native"
    return f"{platform.machine()}{maker}, {kind} instructions"


def _has(processors: Path) -> bool:
    flags = [set(line.split()) for line in _values("flags", processors)]
    return bool(flags) and all(flag >= _NEEDED for flag in flags)


def _values(name: str, processors: Path) -> list[str]:
    """What the system's list says under a name, of each processor; nothing where there is no list."""
    if not processors.is_file():
        return []
    lines = (line.partition(":") for line in processors.read_text("utf-8", "replace").splitlines())
    return [value.strip() for key, _, value in lines if key.strip() == name]
