"""What the shell makes of an error: an exit code and a sentence; plain letters where a stream
can hold no others."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's end means to a script."""

    OK = 0
    INTERNAL = 1  # a fault of romi's own, a solver that broke included
    MISUSE = 2  # of the command line
    FAULTY_INPUT = 3  # a file or document cannot be used
    NO_ANSWER = 4  # no split satisfies every constraint
    JOB = 5  # failed or cancelled
    REMOTE = 6  # a service or its key
    INTERRUPTED = 130


#: Error class -> exit code; a class not named here has its nearest ancestor's.
EXIT_CODES = {
    "HistoryError": ExitCode.FAULTY_INPUT,
    "FitError": ExitCode.FAULTY_INPUT,
    "FileError": ExitCode.FAULTY_INPUT,
    "DocumentError": ExitCode.FAULTY_INPUT,
    "ProblemError": ExitCode.NO_ANSWER,
    "SolverError": ExitCode.INTERNAL,
    "ClusterError": ExitCode.REMOTE,
}


#: Letters of our output that an old terminal lacks -> the nearest it has.
PLAIN = str.maketrans("−–—─━×…’▁▂▃▄▅▆▇█▲\u2009\u202f\u00a0", "-----x.'..::++##^   ")


class MisuseError(Exception):
    """The command line asks for something there is not."""


class ServiceError(Exception):
    """The service, or its data, says no; the text says what to do."""

    exit_code = ExitCode.FAULTY_INPUT
    status = 500  # over HTTP
    code = "service_failed"


def exit_code(error: BaseException) -> ExitCode:
    """The exit code of an error: its class's, or its nearest ancestor's."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((EXIT_CODES[name] for name in names if name in EXIT_CODES), ExitCode.INTERNAL)


@contextmanager
def told(debug: bool) -> Iterator[None]:
    """Turn whatever goes wrong inside into one sentence on stderr and an exit code."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
        raise SystemExit(ExitCode.OK) from None
    except KeyboardInterrupt:
        _say("Interrupted; nothing was left half-written.")
        raise SystemExit(ExitCode.INTERRUPTED) from None
    except Exception as error:
        if debug:
            raise
        code, sentence = _code_and_sentence(error)
        _say(sentence)
        raise SystemExit(code) from None


def _code_and_sentence(error: Exception) -> tuple[ExitCode, str]:
    if isinstance(error, MisuseError):
        return ExitCode.MISUSE, str(error)
    if isinstance(error, ServiceError):
        return error.exit_code, str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO):
        _silence_stdout()
        return ExitCode.INTERNAL, f"The answer could not be written ({error.strerror})."
    from optimizer import OptimizerError

    if isinstance(error, OptimizerError):
        return exit_code(error), " ".join([str(error), *getattr(error, "__notes__", ())])
    brief = " ".join(str(error).split())[:200]
    return (
        ExitCode.INTERNAL,
        f"romi failed, which is a fault of its own ({type(error).__name__}: {brief}). "
        "Run it as `romi --debug ...` to see where, and report it.",
    )


def _say(sentence: str) -> None:
    print(f"romi: {sentence}", file=sys.stderr)  # noqa: T201


def _silence_stdout() -> None:
    """Let the interpreter flush what nobody reads any more."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123


def plainly(error: UnicodeError) -> tuple[str, int]:
    """What a stream writes for characters it cannot hold: the nearest plain ones, else "?"."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    strange = error.object[error.start : error.end].translate(PLAIN)
    return "".join(letter if letter.isascii() else "?" for letter in strange), error.end


codecs.register_error("plainly", plainly)
