"""What to acquire: pilots of several sources projected to mixes of any size, and the best of them.

What trains and solves brings torch and scikit-learn; that loads when it is first used.
"""

from core.acquisition.config import read_mixture, write_mixture
from core.acquisition.folder import (
    copy_projection,
    example_projection,
    list_projections,
    open_projection,
    read_projection,
    write_projection,
)
from core.acquisition.order import ORDER_COLUMNS, order_csv, order_table, price_text
from core.acquisition.preview import PilotPreview, ProjectionPreview, preview_projection
from core.acquisition.projection import MOST_IMAGES, Projection
from core.acquisition.record import (
    INTERVAL_LEVEL,
    FindingRecord,
    MixRecord,
    OfferRecord,
    PredictorRecord,
    ProjectionRecord,
    read_projection_record,
)
from core.acquisition.run import projection_job, run_projection
from core.acquisition.spec import (
    MOST_SOURCES,
    Offer,
    ProjectionSpec,
    example_folder,
    projection_id,
)

__all__ = [
    "INTERVAL_LEVEL",
    "MOST_IMAGES",
    "MOST_SOURCES",
    "ORDER_COLUMNS",
    "FindingRecord",
    "MixRecord",
    "Offer",
    "OfferRecord",
    "PilotPreview",
    "PredictorRecord",
    "Projection",
    "ProjectionPreview",
    "ProjectionRecord",
    "ProjectionSpec",
    "copy_projection",
    "example_folder",
    "example_projection",
    "list_projections",
    "open_projection",
    "order_csv",
    "order_table",
    "preview_projection",
    "price_text",
    "projection_id",
    "projection_job",
    "read_mixture",
    "read_projection",
    "read_projection_record",
    "run_projection",
    "write_mixture",
    "write_projection",
]
