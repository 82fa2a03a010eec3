"""Every widget key and every URL key of the app, and the one place that reads and sets the run.

Values from the URL are untrusted text: they are compared with what exists, never used as a path.
"""

from __future__ import annotations

import streamlit as st

RUN = "run"
CLASS = "class"
LOOKS_LIKE = "like"
JOB = "job"
IMAGE = "image"
SELECTION = "selection"
EXPERIMENT = "experiment"
METHOD = "method"
PROJECTION = "projection"
RANK = "rank"

# Written by the mixture component: the mix, its size and what it is compared with.
MIXTURE_SETTINGS = ("mix", "images", "by", "money", "locked", "with")

_OPEN_RUN = "shell__open_run"
# Not widgets: what a session remembers.
FOLLOWED_JOB = "jobs__followed"
JOB_STAGES = "jobs__stages"
HEALTH = "start__health"
RUN_TO_OPEN = "start__run_to_open"
ADDITION = "overview__addition"
CLASS_TO_OPEN = "overview__class_to_open"
PAIR_TO_OPEN = "classes__pair_to_open"
REVIEW_FILTERS = "review__filters"
REVIEW_RESTORED = "review__restored"
EXPERIMENTS_OPEN = "detection__open"
MIXTURE_ROWS = "mixture__rows"
MIXTURE_CHECK = "mixture__check_result"
MIXTURE_UNREAD = "mixture__unread"
MIXTURE_UNCHANGED = "mixture__unchanged"
PROJECTION_OPEN = "mixture__open"


class Keys:
    """Widget keys, `<page>__<name>`: unique in the whole app, and stable for tests."""

    SHELL_RUN = "shell__run"

    JOB_CANCEL = "jobs__cancel"

    START_SAMPLE = "start__sample"
    START_TRAIN = "start__train"
    START_VALIDATION = "start__validation"
    START_CHECK = "start__check"
    START_METHOD_AND_SETTINGS = "start__method_and_settings"
    START_METHOD = "start__method"
    START_SETTINGS = "start__settings"
    START_BATCH_SIZE = "start__batch_size"
    START_BATCHES = "start__batches"
    START_LABEL_DISTANCES = "start__label_distances"
    START_EMBEDDER = "start__embedder"
    START_EPSILON = "start__epsilon"
    START_LABEL_WEIGHT = "start__label_weight"
    START_SEED = "start__seed"
    START_RUNS = "start__runs"
    START_OPEN = "start__open"
    START_RETRY = "start__retry"
    START_FORGET = "start__forget"
    START_VALUE = "start__value"
    START_FOLDER = "start__folder"
    START_FOLDER_FORM = "start__folder_form"
    START_LINK = "start__link"

    OVERVIEW_EXPECTED = "overview__expected"
    OVERVIEW_HISTOGRAM = "overview__histogram"
    OVERVIEW_ADD_SOURCE = "overview__add_source"
    OVERVIEW_ADD_CHECK = "overview__add_check"
    OVERVIEW_ADD_START = "overview__add_start"
    OVERVIEW_ADD_FORGET = "overview__add_forget"
    OVERVIEW_CLASSES = "overview__classes"
    OVERVIEW_BATCH_COST = "overview__batch_cost"
    OVERVIEW_BATCH_PLAN = "overview__batch_plan"

    CLASSES_HEATMAP = "classes__heatmap"
    CLASSES_TABLE = "classes__table"

    # Bound to the address, where the key is the parameter's name.
    REVIEW_STATE = "show"
    REVIEW_ORDER = "order"
    REVIEW_VALUE = "value"
    REVIEW_FIND = "find"
    REVIEW_FLAGGED = "flagged"
    REVIEW_SUGGESTED = "suggested"
    REVIEW_REVIEWER = "by"
    REVIEW_SOURCE = "from"
    REVIEW_SELECTION = "review__selection"
    REVIEW_GALLERY = "review-gallery"  # a component: Streamlit refuses two underscores

    SCORES_OPEN = "scores__open"
    SCORES_FILE = "scores__file"
    SCORES_COLUMN = "scores__column"
    SCORES_BETTER = "scores__better"
    SCORES_FLAG = "scores__flag"
    SCORES_TITLE = "scores__title"
    SCORES_IMPORT = "scores__import"
    SCORES_DROP = "scores__drop"

    MAP_DRAW = "map__draw"
    MAP_COMPONENT = "image-map"  # a component, as above

    DETECTION_TRUTH = "detection__truth"
    DETECTION_UPLOAD = "detection__upload"
    DETECTION_PATH = "detection__path"
    DETECTION_CURVE = "detection__curve"
    DETECTION_RESULT = "detection__result"
    DETECTION_NEW = "detection__new"
    DETECTION_STEP = "detection__step"
    DETECTION_SOURCE = "detection__source"
    DETECTION_TRUTH_FILE = "detection__truth_file"
    DETECTION_FAULTS = "detection__faults"
    DETECTION_FRACTION = "detection__fraction"
    DETECTION_OPTION = "detection__option"
    DETECTION_OPTIONS = "detection__options"
    DETECTION_METHODS = "detection__methods"
    DETECTION_MORE = "detection__more"
    DETECTION_SEEDS = "detection__seeds"
    DETECTION_RETRAIN = "detection__retrain"
    DETECTION_IMAGES = "detection__images"
    DETECTION_REMOVAL = "detection__removal"
    DETECTION_LEARNER = "detection__learner"
    DETECTION_TEST = "detection__test"
    DETECTION_START = "detection__start"
    DETECTION_RETRY = "detection__retry"
    DETECTION_FORGET = "detection__forget"
    DETECTION_TABLE = "detection__table"
    DETECTION_KIND = "detection__kind"
    DETECTION_END = "detection__end"
    DETECTION_EFFECT = "detection__effect"
    DETECTION_ATTACK = "detection__attack"

    MIXTURE_PROJECTION = "mixture__projection"
    MIXTURE_NEW = "mixture__new"
    MIXTURE_CHANGE = "mixture__change"
    MIXTURE_COMPONENT = "mixture-playground"  # a component, as above

    MIXTURE_EXAMPLE = "mixture__example"
    MIXTURE_FILE = "mixture__file"
    MIXTURE_READ = "mixture__read"
    MIXTURE_READ_OPEN = "mixture__read_open"
    MIXTURE_ADD = "mixture__add"
    MIXTURE_REMOVE = "mixture__remove"
    MIXTURE_NAME = "mixture__name"
    MIXTURE_PILOT = "mixture__pilot"
    MIXTURE_IDS = "mixture__ids"
    MIXTURE_CAPACITY = "mixture__capacity"
    MIXTURE_PRICE = "mixture__price"
    MIXTURE_VALIDATION = "mixture__validation"
    MIXTURE_TEST = "mixture__test"
    MIXTURE_TEST_IDS = "mixture__test_ids"
    MIXTURE_EMBEDDER = "mixture__embedder"
    MIXTURE_LEARNER = "mixture__learner"
    MIXTURE_SETTINGS = "mixture__settings"
    MIXTURE_SCALES = "mixture__scales"
    MIXTURE_POINTS = "mixture__points"
    MIXTURE_REPEATS = "mixture__repeats"
    MIXTURE_TABLE = "mixture__table"
    MIXTURE_PREDICTOR = "mixture__predictor"
    MIXTURE_SIZES = "mixture__sizes"
    MIXTURE_CURRENCY = "mixture__currency"
    MIXTURE_SEED = "mixture__seed"
    MIXTURE_DEVICE = "mixture__device"
    MIXTURE_CHECK = "mixture__check"
    MIXTURE_DOWNLOAD = "mixture__download"
    MIXTURE_START = "mixture__start"
    MIXTURE_RETRY = "mixture__retry"
    MIXTURE_FORGET = "mixture__forget"

    # Bound to the address, where the key is the parameter's name.
    EXPORT_BUDGET = "budget"
    EXPORT_COUNT = "count"
    EXPORT_SHARE = "share"
    EXPORT_CUT = "cut"
    EXPORT_UNSURE = "unsure"
    EXPORT_CLASS_SHARE = "classmost"
    EXPORT_CLASS_MINIMUM = "classleast"
    EXPORT_PROTECTED = "protect"
    EXPORT_WITHOUT = "without"
    EXPORT_LIMITS = "export__limits"
    EXPORT_CLASSES = "export__classes"
    EXPORT_SOLVE = "export__solve"
    EXPORT_SOLVE_SOURCES = "export__solve_sources"
    EXPORT_DISTANCES = "export__distances"
    EXPORT_LINK = "export__link"
    EXPORT_FORM = "export__form"
    EXPORT_FORMAT = "export__format"
    EXPORT_DOWNLOAD = "export__download"
    EXPORT_FOLDER = "export__folder"
    EXPORT_WRITE = "export__write"

    @staticmethod
    def of(name: str, item: str) -> str:
        """Return the key of one of several widgets alike, such as the button of one past run."""
        return f"{name}__{item}"


def run_id() -> str | None:
    """Return the run named by the URL, else the one open in this session; both then agree.

    A switch of page drops the URL's query; it is put back here, so that every page's address can
    be refreshed, kept and shared.
    """
    named = st.query_params.get(RUN)
    if named:
        st.session_state[_OPEN_RUN] = named
        return named
    remembered: str | None = st.session_state.get(_OPEN_RUN)
    if remembered:
        st.query_params[RUN] = remembered
    return remembered


def set_run_id(run: str | None) -> None:
    """Open `run` on every page from now on; None closes it."""
    if run is None:
        st.session_state.pop(_OPEN_RUN, None)
        st.query_params.pop(RUN, None)
        return
    st.session_state[_OPEN_RUN] = run
    st.query_params[RUN] = run
