from .pilots import (
    Pilots as Pilots,
)
