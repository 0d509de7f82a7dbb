"""Compile the core: the build_ext of pyproject.toml, with NumPy's headers and the flags that all extensions share."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

from Cython.Build import cythonize
from setuptools.command.build_ext import build_ext

DIRECTIVES = {
    "language_level": 3,
    "auto_pickle": False,
    "autotestdict": False,
    "embedsignature": False,
    "binding": False,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
}
FLAGS = ["-std=gnu11", "-O3", "-fvisibility=hidden", "-DNPY_NO_DEPRECATED_API=NPY_1_7_API_VERSION"]


class BuildExt(build_ext):
    """``build_ext`` that translates the ``.pyx`` files, and says in one sentence what a machine lacks for it."""

    def finalize_options(self) -> None:
        import numpy

        # Cython first: setuptools' own handling of .pyx knows no directives.
        modules: Any = cythonize(
            self.distribution.ext_modules, compiler_directives=DIRECTIVES, quiet=True, include_path=["."]
        )
        for extension in modules:
            extension.include_dirs.append(numpy.get_include())
            extension.extra_compile_args.extend(FLAGS)
        self.distribution.ext_modules[:] = modules
        super().finalize_options()

    def run(self) -> None:
        if not sys.platform.startswith("linux"):
            raise SystemExit("horus-runner needs Linux (x86-64 or aarch64): its rings sleep on futexes.")
        compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
        if not (shutil.which(compiler) or shutil.which("gcc") or shutil.which("cc")):
            raise SystemExit(
                f"horus-runner compiles a small C core and found no C compiler ('{compiler}'). "
                "Install one, on Debian or Ubuntu: sudo apt-get install gcc"
            )
        header = Path(sysconfig.get_paths()["include"]) / "Python.h"
        if not header.exists():
            raise SystemExit(
                f"horus-runner compiles a small C core and found no {header}. "
                f"Install Python's headers, on Debian or Ubuntu: sudo apt-get install python3-dev"
            )
        super().run()
