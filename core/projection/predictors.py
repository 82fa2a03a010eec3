"""The predictors, listed here without their code: what accuracy a mixture will reach at a size."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from core.errors import ConfigError
from core.projection.classes import ClassShares
from core.projection.fitted import Fitted, Law, MixtureDistance, facts_from
from core.projection.measured import Measured

DEFAULT_PREDICTOR = "saturating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """A way to predict accuracies.

    Attributes
    ----------
    title : its name for people
    summary : a sentence in plain words: what it assumes
    source : where it is published, or that it is Assay's own
    needs_distance : it predicts from the OT distance between a mixture and the validation set
    needs_classes : it uses the sources' class shares where they are known
    function : what fits it, as "module:name"; called with measured accuracies and the distance
    law : class of the law that it fits, as "module:name"
    """

    title: str
    summary: str
    source: str
    needs_distance: bool = False
    needs_classes: bool = False
    function: str
    law: str


_POLYNOMIAL = "core.projection.polynomial"
_PUBLISHED = "core.projection.published"
_APPENDIX = "Kang et al. 2023, appendix B.1"

PREDICTORS: dict[str, Predictor] = {
    "saturating": Predictor(
        title="Saturating law",
        summary=(
            "One curve through all sizes that levels off; each class grows at the pace that "
            "its share in the mix allows."
        ),
        source="Assay's own",
        needs_classes=True,
        function="core.projection.saturating:fit_saturating",
        law="core.projection.saturating:EnsembleLaw",
    ),
    "projektor-cs": Predictor(
        title="projektor/CS",
        summary=(
            "At each of two sizes accuracy falls in a straight line with the OT distance of "
            "the mix to the validation set; beyond them it grows with log N without end."
        ),
        source="Kang et al. 2023, Eq. 1 and Theorem 1",
        needs_distance=True,
        function=f"{_PUBLISHED}:fit_center_scaling",
        law=f"{_PUBLISHED}:TwoSizesLaw",
    ),
    "projektor-pq": Predictor(
        title="projektor/PQ",
        summary=(
            "As projektor/CS, but how much the OT distance counts depends on the sources' "
            "shares and their squares."
        ),
        source="Kang et al. 2023, Eq. 2 and Theorem 1",
        needs_distance=True,
        function=f"{_PUBLISHED}:fit_pseudo_quadratic_scaling",
        law=f"{_PUBLISHED}:TwoSizesLaw",
    ),
    "linear": Predictor(
        title="Linear",
        summary=(
            "Each source adds in proportion to its share in the mix; grows with log N without end."
        ),
        source=_APPENDIX,
        function=f"{_POLYNOMIAL}:fit_linear",
        law=f"{_POLYNOMIAL}:PolynomialLaw",
    ),
    "pseudo-quadratic": Predictor(
        title="Pseudo-quadratic",
        summary=(
            "As Linear, with the squares of the shares: the first images of a source may "
            "count more than the last."
        ),
        source=_APPENDIX,
        function=f"{_POLYNOMIAL}:fit_pseudo_quadratic",
        law=f"{_POLYNOMIAL}:PolynomialLaw",
    ),
    "quadratic": Predictor(
        title="Quadratic",
        summary=(
            "As Pseudo-quadratic, with the products of shares: two sources may help or "
            "hinder each other."
        ),
        source=_APPENDIX,
        function=f"{_POLYNOMIAL}:fit_quadratic",
        law=f"{_POLYNOMIAL}:PolynomialLaw",
    ),
    "rational": Predictor(
        title="Rational",
        summary=(
            "Sources make up for what others lack; the error falls by a power of N, down to "
            "nothing."
        ),
        source=f"Hashimoto 2021; {_APPENDIX}",
        function="core.projection.rational:fit_rational",
        law="core.projection.rational:RationalLaw",
    ),
    "loo": Predictor(
        title="Leave-one-out",
        summary=(
            "As Linear, but a source counts as much as is lost where it is left out of the "
            "even mix of all."
        ),
        source=_APPENDIX,
        function=f"{_POLYNOMIAL}:fit_loo",
        law=f"{_POLYNOMIAL}:PolynomialLaw",
    ),
    "shapley": Predictor(
        title="Shapley",
        summary=(
            "As Linear, but a source counts for its Shapley value: what it adds to even "
            "mixes of the others, on average over all of these."
        ),
        source=_APPENDIX,
        function=f"{_POLYNOMIAL}:fit_shapley",
        law=f"{_POLYNOMIAL}:PolynomialLaw",
    ),
}


def predictor_named(name: str) -> Predictor:
    """Return the predictor of that name.

    Raises
    ------
    ConfigError : there is none
    """
    if name not in PREDICTORS:
        raise ConfigError(
            f"There is no predictor '{name}'. Choose one of: {', '.join(PREDICTORS)}."
        )
    return PREDICTORS[name]


def fit_predictor(
    name: str,
    measured: Measured,
    *,
    distance: MixtureDistance | None = None,
    classes: ClassShares | None = None,
) -> Fitted:
    """Fit a predictor to measured accuracies.

    Parameters
    ----------
    name : in `PREDICTORS`
    measured : what was trained
    distance : gives the OT distance of a mixture; only for those that need it
    classes : the sources' class shares; None where unknown, as with a table of somebody else's

    Raises
    ------
    ConfigError : there is no such predictor, it needs a distance that is missing, or two sizes
    """
    predictor = predictor_named(name)
    function: Callable[..., Fitted] = _found(predictor.function)
    if predictor.needs_classes:
        return function(measured, distance, classes)
    return function(measured, distance)


def fitted_from_json(text: str, *, distance: MixtureDistance | None = None) -> Fitted:
    """Return a fit that `Fitted.to_json` wrote.

    Parameters
    ----------
    distance : as for `fit_predictor`

    Raises
    ------
    ConfigError : the text is no fit, or the predictor needs a distance that is missing
    """
    try:
        raw = json.loads(text)
        predictor = predictor_named(raw["predictor"])
        law = law_from_dict(raw["predictor"], raw["law"])
        facts, m = facts_from(raw["facts"]), int(raw["m"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"The fit that was kept cannot be read: {error}.") from error
    if predictor.needs_distance and distance is None:
        raise ConfigError(
            f"{predictor.title} predicts from the OT distance of a mixture, which is missing."
        )
    return Fitted(
        predictor=raw["predictor"],
        m=m,
        law=law,
        facts=facts,
        measure=distance if predictor.needs_distance else None,
    )


def law_from_dict(predictor: str, raw: dict[str, Any]) -> Law:
    """Return the law that a predictor's `Law.to_dict` wrote."""
    law: Law = _found(predictor_named(predictor).law).from_dict(raw)
    return law


def _found(name: str) -> Any:
    """Return what "module:name" names."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
