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
    before, sys.unraisablehook = sys.unraisablehook, _interrupts_again(sys.unraisablehook)
    try:
        return _ended(main)
    except KeyboardInterrupt as error:
        print(f"interrupted{str(error) or interrupted}", file=sys.stderr)
        return 130
    finally:
        sys.unraisablehook = before


def _interrupts_again(before: Callable[[sys.UnraisableHookArgs], object]) -> Callable[[sys.UnraisableHookArgs], None]:
    """Make a hook for errors that Python drops: an interrupt among them comes once more, others go where they went.

    A Ctrl-C may fall into a callback of a weak reference or a destructor;
    Python prints a traceback, and the program would go on as if nobody had pressed it.
    """

    def hook(dropped: sys.UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            before(dropped)
            return
        import _thread

        _thread.start_new_thread(_interrupt_soon, ())  # what is raised in a hook is dropped as well

    return hook


def _interrupt_soon() -> None:
    """Interrupt the main thread once it is likely to have left what drops errors."""
    import _thread
    import time

    time.sleep(0.01)
    _thread.interrupt_main()


def whole_process(program: Callable[[], int]) -> int:
    """Run a program that is all of its process, which ends without taking apart what is in memory.

    To free every object takes Python up to a second, and the system does it at once. What is asked of `atexit` while
    the program runs, as by a user's module, is done before. Where something was asked of it earlier, as by a
    measurement of coverage or a `sitecustomize`, the process ends as Python ends it, since that would come last.

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

    codes: list[int] = []
    if not atexit._ncallbacks():
        atexit.register(_leave, codes)  # what is registered first is called last
    codes.append(program())
    return codes[0]


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
