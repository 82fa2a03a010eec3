from .bend import (
    Bend as Bend,
    bend as bend,
)
from .checks import (
    PilotFinding as PilotFinding,
    check_labels as check_labels,
    check_pilots as check_pilots,
)
from .choice import (
    Choice as Choice,
    most_images as most_images,
)
from .classes import (
    ClassShares as ClassShares,
    class_shares as class_shares,
)
from .composition import (
    Marginal as Marginal,
    Mix as Mix,
    best_mix as best_mix,
    best_path as best_path,
    marginal as marginal,
)
from .design import (
    Design as Design,
    default_points as default_points,
    default_scales as default_scales,
    design as design,
)
from .drawing import (
    draw as draw,
    feasible as feasible,
)
from .fitted import (
    Facts as Facts,
    Fitted as Fitted,
    MixtureDistance as MixtureDistance,
)
from .intervals import (
    Intervals as Intervals,
    fit_intervals as fit_intervals,
)
from .learning import (
    Learned as Learned,
    learn as learn,
)
from .limits import (
    Limits as Limits,
)
from .measured import (
    Measured as Measured,
    measured_from_table as measured_from_table,
)
from .mixture_transport import (
    MixtureTransport as MixtureTransport,
)
from .pilots import (
    Pilots as Pilots,
)
from .predictors import (
    DEFAULT_PREDICTOR as DEFAULT_PREDICTOR,
    PREDICTORS as PREDICTORS,
    Predictor as Predictor,
    fit_predictor as fit_predictor,
    fitted_from_json as fitted_from_json,
    predictor_named as predictor_named,
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
