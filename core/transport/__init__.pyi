from .batches import (
    BATCH_KINDS as BATCH_KINDS,
    batch_memory as batch_memory,
    choose_batch_size as choose_batch_size,
    make_batches as make_batches,
)
from .class_distances import (
    LabelDistanceConfig as LabelDistanceConfig,
    label_distances as label_distances,
)
from .cost import (
    GroundCost as GroundCost,
)
from .drift import (
    predicted_change as predicted_change,
)
from .exact import (
    ExactConfig as ExactConfig,
    ExactTransport as ExactTransport,
    require_solvable as require_solvable,
    solve_exact as solve_exact,
)
from .fixed import (
    FixedTransform as FixedTransform,
    transform_fixed as transform_fixed,
)
from .hierarchical import (
    BatchPairConfig as BatchPairConfig,
    BatchPairs as BatchPairs,
    batch_plan as batch_plan,
    positive_masses as positive_masses,
    solve_batch_pairs as solve_batch_pairs,
)
from .matrix import (
    cost_matrix as cost_matrix,
)
from .posterior import (
    LabelPosterior as LabelPosterior,
    label_posterior as label_posterior,
)
from .recovery import (
    exact_difference as exact_difference,
    log_density as log_density,
    recover_exact as recover_exact,
)
from .response import (
    DenseSolution as DenseSolution,
    entropic_curve as entropic_curve,
    solve_dense as solve_dense,
    with_point as with_point,
)
from .sensitivity import (
    LinearRange as LinearRange,
    MassCurve as MassCurve,
    exact_curve as exact_curve,
    linear_range as linear_range,
)
from .shared_kernel import (
    SHARED_PAIRS as SHARED_PAIRS,
    MassSolutions as MassSolutions,
    solve_masses as solve_masses,
)
from .sinkhorn import (
    Potentials as Potentials,
    representative_rows as representative_rows,
    soft_transform as soft_transform,
    solve_sinkhorn as solve_sinkhorn,
)
from .sinkhorn_config import (
    SinkhornConfig as SinkhornConfig,
)
