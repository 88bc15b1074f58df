"""Types of fields: each has its bounds, and the text that an error message gives for what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from bertsum.text import A_LANGUAGE, LANGUAGE_CODE


@dataclass(frozen=True)
class Must:
    """A condition on a value of the right type, and the text for an error; pydantic checks it."""

    hold: Callable[[Any], object]
    expected: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import PydanticCustomError, core_schema

        def check(value: Any) -> Any:
            if not self.hold(value):
                raise PydanticCustomError("must", "{expected}", {"expected": self.expected})
            return value

        return core_schema.no_info_after_validator_function(check, handler(source))


_UNFIT = re.compile("[\0\ud800-\udfff]")
_FOLDER = re.compile(r"(?!\.\.?\Z)[^/\\]+")

Whole = Annotated[int, Ge(0)]
Count = Annotated[int, Ge(1)]
Seed = Annotated[int, Ge(0), Must(lambda value: value < 2**32, "less than 2^32")]
Weight = Annotated[float, Gt(0), Le(1000)]
Number = Annotated[float, Ge(0)]
Positive = Annotated[float, Gt(0)]
Factor = Annotated[float, Gt(0), Le(1)]
Fraction = Annotated[float, Ge(0), Lt(1)]
Share = Annotated[float, Must(lambda value: 0 <= value <= 1, "a share from 0 to 1")]
Probability = Annotated[float, Must(lambda value: 0 <= value <= 1, "a probability from 0 to 1")]
Text = Annotated[str, Must(lambda text: not _UNFIT.search(text), "text that a file can hold")]
FolderName = Annotated[Text, Must(_FOLDER.fullmatch, "the name of a folder")]
Language = Annotated[Text, Must(LANGUAGE_CODE.fullmatch, A_LANGUAGE)]
Source = Text | list[Text] | None
"""Files, folders or globs of JSON lines; or the name of a split of the hub dataset ``data.dataset``."""
Precision = Literal["auto", "fp32", "bf16", "fp16"]
