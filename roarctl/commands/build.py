"""`roar build CMD…`: like `roar run`, for what makes the environment."""

from __future__ import annotations

from roarctl.commands.run import recorder

HELP = """Run and record a command that makes the environment: compiles an extension, installs the project.

It is recorded as by `roar run`, and marked: `roar reproduce` runs a session's build steps before all others, in the
virtual environment that it made."""
EPILOG = """Examples:

\b
  roar build pip install -e .
  roar build python setup.py build_ext --inplace
  roar build make -C src

Options and exit status are those of `roar run`."""

SETTINGS = {"allow_interspersed_args": False}  # what follows CMD is CMD's


command = recorder({"kind": "build"})
