from .draw import (
    draw as draw,
    feasible as feasible,
)
from .mixture_transport import (
    MixtureTransport as MixtureTransport,
)
from .pilots import (
    Pilots as Pilots,
)
from .simplex import (
    counts_of as counts_of,
    lattice as lattice,
    rescale as rescale,
    space_filling as space_filling,
    to_capped_simplex as to_capped_simplex,
)
from .tangents import (
    Certificate as Certificate,
    MixturePoint as MixturePoint,
    Tangents as Tangents,
)
