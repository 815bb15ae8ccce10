"""What a bench ran on, in a line for its report."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path


def describe_machine() -> str:
    """Return the processors, the memory and the kernel."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory_kb = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1])
    name = model[1] if model else platform.machine()
    return f"{os.cpu_count()} processors ({name}), {memory_kb / 2**20:.0f} GiB of memory, Linux {platform.release()}"


def describe_versions(*packages: str) -> str:
    """Return the versions of Python and of some packages."""
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)])
