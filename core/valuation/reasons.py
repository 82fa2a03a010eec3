"""Why an image is flagged, or is not: one or two sentences in plain words."""

from __future__ import annotations

from dataclasses import dataclass

# Farther from the validation set than these of the training images: that alone is suspicious.
_FAR = 0.95
# Kinds that show in the picture rather than in its label; "foreign image" is what runs of earlier
# versions say for "irrelevant".
_FOREIGN = ("irrelevant", "foreign image")
_STRANGE = ("noise", *_FOREIGN)
# So much commoner in training than in validation that it shows in the values of the class.
_COMMONER = 1.25
_ALL = 0.995


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one training image.

    Attributes
    ----------
    label, resembles : names of the class given, and of the one that its features resemble most
    resemblance : probability of the latter by the features alone, 0 to 1
    flagged : it lies below the cut of its run
    fault, fault_probability : the likeliest kind of fault, as `Fused.kind` names it, and how likely
        any fault is, 0 to 1; None where the run is not calibrated
    neighbors : how many of its nearest validation images were looked at
    neighbors_own, neighbors_resembled : how many of them have its label, or the class it resembles
    sent_to, sent : the class that the plan sends most of it to, and which share, 0 to 1; None where
        the method has no plan
    farther : the share of training images that are nearer to the validation set, 0 to 1
    commoner : the share of its class in training over that in validation; None where the latter
        has none of it
    by_gradient : the run ranks by calibrated gradients, which class shares move
    """

    label: str
    resembles: str
    resemblance: float
    flagged: bool
    fault: str | None = None
    fault_probability: float | None = None
    neighbors: int
    neighbors_own: int
    neighbors_resembled: int
    sent_to: str | None
    sent: float | None
    farther: float
    commoner: float | None
    by_gradient: bool

    @property
    def fits(self) -> bool:
        """Return whether the image resembles the class that it is labelled."""
        return self.label == self.resembles


def reasons(facts: Facts) -> tuple[str, ...]:
    """Return a verdict and what it rests on."""
    return _verdict(facts), _grounds(facts)


def _verdict(facts: Facts) -> str:
    label, resembles = facts.label, facts.resembles
    if not facts.flagged:
        if facts.fits:
            return f"Not flagged: it looks like {label}, as it is labelled."
        return (
            f"Not flagged, though it looks more like {resembles} "
            f"({_percent(facts.resemblance)}) than like {label}."
        )
    if facts.fault is not None and facts.fault_probability is not None:
        return _fault(facts, facts.fault, f"({_percent(facts.fault_probability)})")
    if not facts.fits:
        return f"It looks like {resembles}, but is labelled {label}."
    if facts.commoner is None:
        return f"The validation set has no {label} to compare it with."
    if facts.farther >= _FAR:
        return "It is unlike anything in the validation set."
    if facts.by_gradient and facts.commoner >= _COMMONER:
        return (
            f"It fits its label, but {label} is {facts.commoner:.1f} times as common in training "
            "as in validation, which lowers the value of all its images."
        )
    if facts.sent_to is None:
        return "A borderline case: it fits its label, yet ranks among the worst."
    return "A borderline case: it fits its label, yet costs more to match than most images do."


def _fault(facts: Facts, kind: str, sure: str) -> str:
    if kind == "noise":
        return f"Probably a damaged picture, as by noise {sure}."
    if kind == "backdoor":
        looks = "" if facts.fits else f", and it looks like {facts.resembles}"
        return (
            f"Probably one of a cluster, as a backdoor makes it {sure}: images of many other "
            f"classes are labelled {facts.label}{looks}."
        )
    if kind in _FOREIGN:
        return f"Probably an image of none of these classes {sure}."
    if facts.fits:
        return (
            f"Probably a wrong label {sure}, although it resembles {facts.label} more than any "
            "other class."
        )
    return f"Probably a wrong label {sure}: it looks like {facts.resembles}, not {facts.label}."


def _grounds(facts: Facts) -> str:
    far = facts.farther >= _FAR or facts.fault in _STRANGE
    if facts.flagged and far and (facts.fits or facts.fault in _STRANGE):
        if facts.farther < 0.5:
            return "The nearest validation image is no farther away than usual."
        return (
            f"{_percent(facts.farther)} of the training images are nearer to the validation set "
            "than it is."
        )
    near, own, resembled = facts.neighbors, facts.neighbors_own, facts.neighbors_resembled
    there = facts.label if facts.fits else facts.resembles
    if near in (own, resembled):
        all_of_them = f"All {near} nearest validation images are"
        seen = f"{all_of_them if near > 1 else 'The nearest validation image is'} {there}"
    else:
        seen = f"{resembled or 'None'} of the {near} nearest validation images {_are(resembled)} "
        seen += there if facts.fits else f"{there}, {own or 'none'} {facts.label}"
    if facts.sent_to is None or facts.sent is None:
        return f"{seen}."
    where = "there" if facts.sent_to == there else f"to {facts.sent_to}"
    sent = "all" if facts.sent >= _ALL else _percent(facts.sent)
    return f"{seen}; the plan sends {sent} of it {where}."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _percent(share: float) -> str:
    """Return a share in whole percent, never 0 % or 100 % of what is more or less than that."""
    if share <= 0:
        return "0 %"
    if share < 0.01:
        return "less than 1 %"
    return f"{min(round(100 * share), 99)} %"
