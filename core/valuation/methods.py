"""The registry of valuation methods: a new one is its file and a line here."""

from __future__ import annotations

from collections.abc import Callable

from core.valuation.lava import value_lava
from core.valuation.result import Valuation

Method = Callable[..., Valuation]

METHODS: dict[str, Method] = {"lava": value_lava}
