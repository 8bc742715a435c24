"""What all forms share: preparations and steps as single lines of POSIX shell, with $DIR for the directory."""

from __future__ import annotations

import os
import shlex
from base64 import b64encode
from collections.abc import Sequence

from lineage.redact import REDACTED
from lineage.reproduce.arguments import parameter_name, redacted_words
from lineage.reproduce.patches import file_patches
from lineage.reproduce.places import Places
from lineage.reproduce.plan import Plan, Project, Step
from roarctl.reproducing.locate import Found
from roarctl.reproducing.variables import matters

_DIR = "\ufdd0"  # stands for $DIR in a word until that is quoted: a character that no text has
_SECRET = "\ufdd1"  # noqa: S105 - stands for one
_PATCH_PART = 60_000  # characters: a line that make or docker gives to a shell may have 128 kB


class Recipe:
    """``venvs``: where the environments go, by their index."""

    def __init__(self, plan: Plan, found: Sequence[Found], what: str) -> None:
        self.plan = plan
        self.found = found
        self.what = what
        self.venvs = [f"{_DIR}/venv-{at}" for at in range(1, len(plan.environments) + 1)]

    @property
    def used(self) -> list[int]:
        """The indexes of the environments that steps use."""
        return sorted({step.environment for step in self.plan.steps if step.environment is not None})

    def title(self) -> str:
        steps = len(self.plan.steps)
        return f"{_one_line(self.what)}, made again as roar recorded it: {steps} step{'s' * (steps != 1)}"

    def remarks(self) -> list[str]:
        """What whoever runs it should know."""
        outside = [f"step {step.number} writes outside of the project: {_text(made.path)}"
                   for step in self.plan.steps for made in step.outside]
        secrets = [f"{name} must hold the secret that was {parameter}" for step in self.plan.steps
                   for name, parameter in _secrets(step)]
        left = "of the environment only variables that are known to matter are in it; `roar show --json` has them all"
        return [_one_line(remark) for remark in (*self.plan.warnings, *outside, *secrets, left)]

    def sources(self, *, bundles: bool = False) -> list[str]:
        """Clones and patches. ``bundles``: what has no remote comes from $DIR/NAME.bundle, as git bundle makes it."""
        lines = []
        for at, project in enumerate(self.plan.projects):
            target = self.word(f"{_DIR}/{project.name}")
            codes = list(dict.fromkeys(step.code for step in self.plan.steps if step.project == at and step.code))
            if not codes:
                lines.append(f"mkdir -p {target}")
                continue
            place = remote(project) or (f"{_DIR}/{project.name}.bundle" if bundles else _text(project.root))
            lines.append(f"git clone -q --no-checkout {self.word(place)} {target}")
            if len(codes) == 1:
                lines += self.checkout(next(step for step in self.plan.steps if step.project == at and step.code))
        return lines

    def checkout(self, step: Step) -> list[str]:
        """The step's code, from whatever is checked out."""
        if step.code is None:
            return []
        target = self.word(f"{_DIR}/{self.plan.projects[step.project].name}")
        lines = [f"git -C {target} checkout -q --force --detach {step.code.commit}"]
        good = [patch for patch in file_patches(step.code.patch, truncated=step.code.truncated) if not patch.problem]
        if good:
            encoded = b64encode("".join(patch.text for patch in good).encode("utf-8", "surrogateescape")).decode()
            file = self.word(f"{_DIR}/patch-{step.number}")
            lines.append(f": > {file}")
            lines += [f"printf %s {encoded[at:at + _PATCH_PART]} >> {file}" for at in range(0, len(encoded), _PATCH_PART)]
            lines.append(f"base64 -d {file} | git -C {target} apply --whitespace=nowarn -")
        return lines

    def changes_code(self, step: Step) -> bool:
        """Must the step's code be checked out before it, since others have another?"""
        return len({other.code for other in self.plan.steps if other.project == step.project and other.code}) > 1

    def environments(self, python: str = "") -> list[str]:
        """``python``: the interpreter to take, else pythonX.Y."""
        lines = []
        for at in self.used:
            environment, target = self.plan.environments[at], self.word(self.venvs[at])
            minor = ".".join(environment.version.split(".")[:2])
            lines.append(f"{python or f'python{minor or 3}'} -m venv {target}")
            if environment.packages:
                wanted = " ".join(shlex.quote(package.requirement) for package in environment.packages)
                lines.append(f"{target}/bin/python -m pip install -q --no-deps {wanted}")
        return lines

    def inputs(self) -> list[str]:
        """Copies of what is neither in git nor made by a step, verified where b3sum is installed."""
        places = self.places()
        lines = []
        for one in self.found:
            needed, target = one.needed, places.path(one.needed.path)
            if one.where in {"git", "patch", "remote"}:
                continue
            if target is None:
                lines += self.verify(needed.hash, needed.path)
                continue
            to = self.word(target)
            lines.append(f"mkdir -p {self.word(os.path.dirname(target))}")
            if one.path:
                lines.append(f"cp {self.word(one.path)} {to}")
            else:
                digest = needed.hash.hex() if needed.hash else "no hash was recorded"
                complaint = shlex.quote(f"{_one_line(_text(needed.path))} ({digest}) cannot be had: put it there")
                lines.append(f"test -e {to} || {{ echo {complaint} {to} >&2; exit 1; }}")
            lines += self.verify(needed.hash, target)
        return lines

    def verify(self, digest: bytes | None, path: bytes) -> list[str]:
        if digest is None:
            return []
        line = f'printf "%s  %s\\n" {digest.hex()} {self.word(path)} | b3sum --check --quiet -'
        return [f"if command -v b3sum > /dev/null; then {line}; fi"]

    def step(self, step: Step) -> str:
        """Its command, in its directory and environment, as one line."""
        places = self.places(step)
        cwd = places.path(step.head.cwd) or step.head.cwd
        settings = [f"{name}={self.word(places.text(value.encode()))}" for name, value in sorted(step.variables.items())
                    if name.isidentifier() and matters(name, step.variables, places, step.head.argv)]
        argv = [places.text(word) for word in step.head.argv]
        if step.environment is not None:
            venv = self.venvs[step.environment]
            settings.append(f'PATH={self.word(venv)}/bin:"$PATH"')
            name = argv[0].rpartition(b"/")[2]
            if b"/" in argv[0] and name.startswith(b"python"):
                argv[0] = f"{venv}/bin/".encode() + name
        names = iter([name for name, _ in _secrets(step)])
        words = [self.word(word.replace(REDACTED.encode(), _SECRET.encode()), names) for word in argv]
        directories = sorted({places.path(path) or path for path in step.directories} | {cwd})
        made = " ".join(self.word(path) for path in directories)
        return f"mkdir -p {made} && cd {self.word(cwd)} && env {' '.join([*settings, *words])}"

    def outputs(self, step: Step) -> list[str]:
        """Lines that compare what it made with what was recorded; they only say so."""
        places = self.places(step)
        return [f"{line} || true" for made in step.outputs if made.target is None
                for line in self.verify(made.hash, places.path(made.path) or made.path)]

    def makers(self, step: Step) -> list[int]:
        """The numbers of the steps that must be done before it."""
        return sorted({one.maker for one in step.inputs if one.maker is not None})

    def places(self, step: Step | None = None) -> Places:
        pairs = [(project.root, f"{_DIR}/{project.name}".encode()) for project in self.plan.projects]
        if step is not None and step.environment is not None and self.plan.environments[step.environment].prefix:
            pairs.append((os.fsencode(self.plan.environments[step.environment].prefix), self.venvs[step.environment].encode()))
        return Places(pairs)

    def word(self, word: str | bytes, secrets: Sequence[str] | object = ()) -> str:
        """Quoted for a shell, with "$DIR" and secrets expanded."""
        text = _text(word) if isinstance(word, bytes) else word
        quoted = shlex.quote(text)
        if _DIR in quoted or _SECRET in quoted:
            quoted = quoted if quoted.startswith("'") else f"'{quoted}'"
            quoted = quoted.replace(_DIR, "'\"$DIR\"'")
            while _SECRET in quoted:
                quoted = quoted.replace(_SECRET, f"'\"${{{next(secrets)}:?}}\"'", 1)  # type: ignore[call-overload]
            quoted = quoted.removeprefix("''").removesuffix("''") or "''"
        return quoted


def remote(project: Project) -> str | None:
    return project.remote if project.remote and REDACTED not in project.remote else None


def _secrets(step: Step) -> list[tuple[str, str]]:
    """(name of a shell variable, parameter) for each redacted part, in order."""
    argv = step.head.argv
    return [(f"SECRET_{step.number}_{at}_{part}", f"{parameter_name(argv, at)} of step {step.number}")
            for at in redacted_words(argv) for part in range(1, argv[at].count(REDACTED.encode()) + 1)]


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _one_line(text: str) -> str:
    return " ".join(text.split())
