"""The end of a program: its exit code, and one line for whatever goes wrong.

Imports next to nothing: whoever presses Ctrl-C in the first moments is answered like everybody.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def guarded(main: Callable[[], int | None], interrupted: str = "") -> int:
    """Run a program.

    Parameters
    ----------
    main
        Function that is the program, imports of slow libraries included; it may return an exit code.
    interrupted
        Words after "interrupted", where the interrupt itself says nothing.

    Returns
    -------
    int
        Exit code: 0, or what the program returns; 2 with one line for a problem that the user can act on; 130 when
        interrupted.

    Examples
    --------
    >>> guarded(lambda: print("done"))
    done
    0
    """
    # Waiting threads sleep instead of spinning: on a busy machine spinning makes torch ten times slower.
    # The runtime reads this when torch is first imported, which is after this line.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Large tensors come in large pages, each of which the system clears at once; torch reads this at the first of them.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    again = _Again(sys.unraisablehook)
    sys.unraisablehook = again.hook
    try:
        try:
            code = _ended(main)
        finally:
            is_due = again.end()
        if is_due:
            raise KeyboardInterrupt
        return code
    except KeyboardInterrupt as error:
        print(f"interrupted{str(error) or interrupted}", file=sys.stderr)
        return 130
    finally:
        sys.unraisablehook = again.before


class _Again:
    """Brings an interrupt that Python drops once more, while the program runs.

    A Ctrl-C may fall into a callback of a weak reference or a destructor;
    Python prints a traceback, and the program would go on as if nobody had pressed it.
    """

    def __init__(self, before: Callable[[sys.UnraisableHookArgs], object]) -> None:
        import _thread

        self.before = before
        self._lock, self._is_due, self._has_ended = _thread.allocate_lock(), False, False

    def hook(self, dropped: sys.UnraisableHookArgs) -> None:
        """Take an interrupt from among the errors that Python drops; others go where they went."""
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            self.before(dropped)
            return
        import _thread

        self._is_due = True
        _thread.start_new_thread(self._interrupt_soon, ())  # what is raised in a hook is dropped as well

    def end(self) -> bool:
        """Bring nothing from here on; tell whether an interrupt was dropped and has not come again."""
        with self._lock:
            self._has_ended = True
        return self._is_due

    def _interrupt_soon(self) -> None:
        """Interrupt the main thread once it is likely to have left what drops errors."""
        import _thread
        import time

        time.sleep(0.01)
        with self._lock:  # an interrupt after the end would fall outside of whatever answers it
            if not self._has_ended:
                self._is_due = False
                _thread.interrupt_main()


def whole_process(program: Callable[[], int]) -> int:
    """Run a program that is all of its process, which ends without taking apart what is in memory.

    Nothing is looked through for unused objects before `imported` says so.

    To free every object at the end takes Python up to a second, and the system does it at once. What is asked of
    `atexit` while the program runs, as by a user's module, is done before. Where something was asked of it earlier, as
    by a measurement of coverage or a `sitecustomize`, the process ends as Python ends it, since that would come last.

    Parameters
    ----------
    program
        Function that is the program, and returns its exit code.

    Returns
    -------
    int
        Exit code, for `sys.exit`.
    """
    import atexit
    import gc

    gc.disable()  # until `imported`
    codes: list[int] = []
    if not atexit._ncallbacks():
        atexit.register(_leave, codes)  # what is registered first is called last
    codes.append(program())
    return codes[0]


def imported() -> None:
    """Begin to look for unused objects, in a program of `whole_process` that has imported its libraries.

    They make a million objects and keep them: to look through these time and again takes a third of a second.
    """
    import gc

    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _leave(codes: list[int]) -> None:
    """End the process where the program came to its end; else Python says what stopped it."""
    if codes:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:  # Python answers for what could not be written
            return
        os._exit(codes[0])


def _ended(main: Callable[[], int | None]) -> int:
    from interp.errors import InterpError, UsageError, first_line

    problem: InterpError
    try:
        code = main()
        sys.stdout.flush()
        return code or 0
    except InterpError as error:
        problem = error
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a file that vanished: not ours to repair
        where, found = error.filename or "a file", first_line(error)
        problem = UsageError(where, found=found, expected="to read and write it", do="see to it, run again")
    print(f"error: {problem}", file=sys.stderr)
    return 2
