"""Where words go: data to stdout, progress and asides to stderr."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.status import Status


class _Console(Console):
    """A console whose reader may leave early."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def stdout_console() -> Console:
    """A console for what was asked for; colour and width as the terminal has them."""
    return _Console(highlight=False)


class Voice:
    """Tells on stderr what is being done: a spinner on a terminal, plain lines elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self._console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._status: Status | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.done()

    def progress(self, sentence: str) -> None:
        """What takes a moment."""
        if not self._console.is_terminal:
            self.say(sentence)
        elif self._status is None:
            self._status = self._console.status(escape(sentence))
            self._status.start()
        else:
            self._status.update(escape(sentence))

    def done(self) -> None:
        """Nothing takes a moment any more."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def say(self, sentence: str) -> None:
        """An aside."""
        self._console.print(escape(sentence))

    def warn(self, sentence: str) -> None:
        """An aside that matters."""
        self._console.print(f"[yellow]warning:[/yellow] {escape(sentence)}")
