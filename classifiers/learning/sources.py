"""What each public data set says about complaint, praise and request; and what it leaves open."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Row = Mapping[str, object]
Targets = tuple[float | None, float | None, float | None]
"""How probable complaint, praise and request are; None where the data set does not say."""

_FAILURES = re.compile(
    r"not_|declined|failed|wrong|pending|reverted|swallowed|twice|extra_charge|charge_on|fee_charged|unable",
    re.IGNORECASE,
)
_ARTEFACTS = (("Cancelled Flight", "cancel"), ("Late Flight", "late"), ("Flight Booking Problems", "booking"))
_FOUR_STARS = 4
_TWO_STARS = 2


@dataclass(frozen=True, slots=True)
class Source:
    """One data set: its file, the licence its publisher states, how rows map, how often they are seen.

    ``take`` is the number of rows used per epoch (all of them where there are fewer), ``repeat`` how often each is.
    """

    file: str
    licence: str
    targets: Callable[[Row], Targets | None]
    take: int
    repeat: int = 1


def restored(text: str) -> str:
    """Return an airline tweet as it was written.

    The publisher replaced "cancel", "late" and "booking" everywhere by names of classes ("Cancelled Flightled",
    "popuLate Flightd"), which puts the answer into the text.
    """
    for mangled, original in _ARTEFACTS:
        text = text.replace(mangled, original)
    return text


def _complaint_tweet(row: Row) -> Targets:
    return (1.0 if row["label"] == "complaint" else 0.0, None, None)


def _airline(row: Row) -> Targets:
    # Shares by hand labels: of 32 "negative" 29 complain, of 22 "positive" 15 praise, of 26 "neutral" 6 complain.
    return {"negative": (0.93, 0.03, None), "positive": (0.05, 0.75, None), "neutral": (0.2, 0.04, None)}[
        str(row["label"])
    ]


def _chatter(row: Row) -> Targets | None:
    """Only what carries no emotion: the other labels of these two sets agreed with ours half of the time."""
    quiet = row["label"] in {"neutral", "not_relevant", "No emotion toward brand or product"}
    return (0.04, 0.04, 0.04) if quiet else None


def _review(row: Row) -> Targets | None:
    labels, stars = row["labels"], row["rating"]
    if not isinstance(labels, list) or not isinstance(stars, int):
        return None
    broken, wish = "Bug" in labels, "Feature" in labels
    complaint = 1.0 if broken or stars <= _TWO_STARS else (0.05 if stars > _FOUR_STARS else None)
    praise = 1.0 if stars > _FOUR_STARS else (0.8 if stars == _FOUR_STARS else (0.1 if stars <= _TWO_STARS else None))
    return (complaint, praise, 1.0 if wish else (None if broken else 0.05))


def _bank(row: Row) -> Targets:
    return (0.75 if _FAILURES.search(str(row["label"])) else 0.05, 0.0, 0.95)


def _hand(row: Row) -> Targets:
    labels = row["labels"]
    found = labels if isinstance(labels, list) else []
    return (float("complaint" in found), float("praise" in found), float("request" in found))


NO_LICENCE = "none stated"
SOURCES: Mapping[str, Source] = {
    "hand": Source("seed_handlabelled.jsonl", "that of each row's origin", _hand, take=1000, repeat=4),
    "complaints": Source("complaints_acl2019.jsonl", NO_LICENCE, _complaint_tweet, take=4000),
    "airline": Source("airline_us.jsonl", NO_LICENCE, _airline, take=3000),
    "reviews": Source("app_reviews_maalej.jsonl", "CC0 1.0", _review, take=1300),
    "chatter": Source("sxsw_brands.jsonl", NO_LICENCE, _chatter, take=700),
    "apple": Source("apple_dfe.jsonl", NO_LICENCE, _chatter, take=500),
    "bank": Source("banking77.jsonl", "CC BY 4.0", _bank, take=600),
}
PERMISSIVE_ORIGINS = {"ibm-care", "app-reviews-maalej", "banking77"}
"""Where hand-labelled rows come from whose texts carry a plainly permissive licence."""
RECIPES: Mapping[str, tuple[str, ...]] = {"best": tuple(SOURCES), "permissive": ("hand", "reviews", "bank")}
MEASURED = ("gold_dev.jsonl",)
"""Files that are only ever measured on."""
