from .calibration import (
    CALIBRATED as CALIBRATED,
    Calibration as Calibration,
    CalibrationConfig as CalibrationConfig,
    calibrate as calibrate,
    too_small as too_small,
)
from .coalitions import (
    LeastCoreConfig as LeastCoreConfig,
    SubsetsConfig as SubsetsConfig,
    value_banzhaf as value_banzhaf,
    value_least_core as value_least_core,
)
from .data_oob import (
    DataOobConfig as DataOobConfig,
    value_data_oob as value_data_oob,
)
from .distance import (
    SetDistance as SetDistance,
    set_distance as set_distance,
)
from .evidence import (
    Evidence as Evidence,
    explain as explain,
)
from .exact import (
    ExactValueConfig as ExactValueConfig,
    value_exact as value_exact,
)
from .fusion import (
    BACKDOOR as BACKDOOR,
    Fused as Fused,
    Fusion as Fusion,
    Signals as Signals,
    signals_of as signals_of,
)
from .g_shapley import (
    GShapleyConfig as GShapleyConfig,
    value_g_shapley as value_g_shapley,
)
from .game import (
    RetrainingConfig as RetrainingConfig,
)
from .head import (
    TRAINED_ON as TRAINED_ON,
    Head as Head,
    HeadConfig as HeadConfig,
    fit_head as fit_head,
    label_log_probabilities as label_log_probabilities,
)
from .incremental import (
    Agreement as Agreement,
    value_new as value_new,
)
from .influence import (
    InfluenceConfig as InfluenceConfig,
    value_influence as value_influence,
)
from .lava import (
    LavaConfig as LavaConfig,
    calibrated_gradient as calibrated_gradient,
    pose_problem as pose_problem,
    value_lava as value_lava,
)
from .methods import (
    FAMILIES as FAMILIES,
    LABEL_DISTANCE_KINDS as LABEL_DISTANCE_KINDS,
    METHODS as METHODS,
    Method as Method,
    method_title as method_title,
)
from .neighbors import (
    Neighbors as Neighbors,
    nearest_rows as nearest_rows,
    squared_norms as squared_norms,
    usual_reach as usual_reach,
    usual_spacing as usual_spacing,
)
from .planting import (
    HeldOut as HeldOut,
    split_in_halves as split_in_halves,
    stratified as stratified,
)
from .posterior import (
    PosteriorConfig as PosteriorConfig,
    value_label_posterior as value_label_posterior,
)
from .reasons import (
    Facts as Facts,
    reasons as reasons,
)
from .result import (
    TransportValuation as TransportValuation,
    Valuation as Valuation,
    value_from_score as value_from_score,
)
from .retraining import (
    PermutationConfig as PermutationConfig,
    value_leave_one_out as value_leave_one_out,
    value_permutation_shapley as value_permutation_shapley,
    value_tmc_shapley as value_tmc_shapley,
)
from .sava import (
    SavaConfig as SavaConfig,
    value_batchwise_lava as value_batchwise_lava,
    value_sava as value_sava,
)
from .sensitivity import (
    Sensitivity as Sensitivity,
    SensitivityConfig as SensitivityConfig,
    SensitivityProblem as SensitivityProblem,
    analyze_sensitivity as analyze_sensitivity,
    prepare_sensitivity as prepare_sensitivity,
)
from .strangeness import (
    Damage as Damage,
    damage_direction as damage_direction,
)
from .suggestion import (
    NO_LABEL as NO_LABEL,
    Suggestions as Suggestions,
    suggest as suggest,
)
from .tracin import (
    TracinConfig as TracinConfig,
    value_tracin_clean as value_tracin_clean,
    value_tracin_self as value_tracin_self,
)
