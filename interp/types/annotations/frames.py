"""Tables of pandas, which takes a third of a second to import: what makes one, or looks into one, does so.

A module that names `pandas` in its functions alone takes `pd` from here.
"""

from __future__ import annotations

import sys
from abc import ABC
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    import pandas as pd
else:

    class _Pandas:
        """Stands for the module until something asks for a name of it."""

        def __getattr__(self, name: str) -> Any:
            return getattr(import_module("pandas"), name)

    pd = _Pandas()

__all__ = ["DataFrame", "is_frame", "is_frame_type", "is_of_pandas", "no_rows", "pd"]


class DataFrame(ABC):  # noqa: B024  # it is asked what belongs to it, and has nothing of its own
    """Whatever is a table of pandas: there is none before something has imported it."""

    @classmethod
    def __subclasshook__(cls, kind: type, /) -> bool:
        table = getattr(sys.modules.get("pandas"), "DataFrame", None)
        return table is not None and issubclass(kind, table)


def is_frame(value: Any) -> TypeGuard[pd.DataFrame]:
    """Whether a value is a table of pandas.

    Parameters
    ----------
    value
        Any value.

    Examples
    --------
    >>> is_frame(no_rows()), is_frame([])
    (True, False)
    """
    return isinstance(value, DataFrame)


def is_frame_type(kind: Any) -> bool:
    """Whether a type is that of tables of pandas.

    Parameters
    ----------
    kind
        Any type, or annotation.

    Examples
    --------
    >>> is_frame_type(pd.DataFrame), is_frame_type(list)
    (True, False)
    """
    return isinstance(kind, type) and issubclass(kind, DataFrame)


def is_of_pandas(value: Any) -> bool:
    """Whether a value is of a class of pandas, or of one made from one.

    Parameters
    ----------
    value
        Any value.

    Examples
    --------
    >>> is_of_pandas(no_rows().index), is_of_pandas([])
    (True, False)
    """
    return any(str(one.__module__).partition(".")[0] == "pandas" for one in type(value).__mro__)


def no_rows() -> pd.DataFrame:
    """Make a table without rows or columns.

    Examples
    --------
    >>> no_rows().shape
    (0, 0)
    """
    return pd.DataFrame()
