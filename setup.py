"""Lists the kernels, which setuptools compiles with Cython where there is a C compiler.

WSANALYZE_EXTENSIONS=auto (default) compiles them if it can, `require` fails where it cannot,
`skip` installs plain Python. Everything else about the package stands in pyproject.toml.
"""

import os
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

MODE = os.environ.get("WSANALYZE_EXTENSIONS", "auto")
KERNELS = [
    line.strip()
    for line in Path("wsanalyze/kernels.txt").read_text(encoding="ascii").splitlines()
    if line.strip() and not line.startswith("#")
]
# A compiler takes up to half a gigabyte for one of them.
MOST_AT_ONCE = 8
PXD = [str(path) for path in sorted(Path("wsanalyze").rglob("*.pxd"))]


def extension(module: str) -> Extension:
    """Return one kernel; it is compiled again where any declaration file changed."""
    source = module.replace(".", "/") + ".py"
    return Extension(module, [source], depends=PXD, optional=MODE != "require")


class AllOrNone(build_ext):
    """Builds every kernel or none: compiled ones reach into each other, past what Python sees."""

    def finalize_options(self) -> None:
        """Use the cores that there are, unless one says how many."""
        super().finalize_options()
        if self.parallel is None:
            self.parallel = min(os.cpu_count() or 1, MOST_AT_ONCE)

    def build_extensions(self) -> None:
        """Take away what was built where something could not be."""
        super().build_extensions()
        built = [Path(self.get_ext_fullpath(kernel.name)) for kernel in self.extensions]
        if not all(path.exists() for path in built):
            for path in built:
                path.unlink(missing_ok=True)


if MODE not in ("auto", "require", "skip"):
    raise SystemExit(f"WSANALYZE_EXTENSIONS={MODE}: it must be auto, require or skip")

setup(
    ext_modules=[] if MODE == "skip" else [extension(module) for module in KERNELS],
    cmdclass={"build_ext": AllOrNone},
)
