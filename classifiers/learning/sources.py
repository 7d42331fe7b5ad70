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
COMPLAINT_TWEETS = "complaints-social-media"
_ARTEFACTS = (("Cancelled Flight", "cancel"), ("Late Flight", "late"), ("Flight Booking Problems", "booking"))
_FOUR_STARS = 4
_TWO_STARS = 2
_PEOPLE_WEIGH = 0.7
"""Where the people who labelled a set and we differ on whether it complains (8 of 100), what their word weighs."""


@dataclass(frozen=True, slots=True)
class Source:
    """One data set: its file, the licence its publisher states, how rows map.

    ``take`` is the number of rows used per epoch; all of them where there are fewer.
    """

    file: str
    licence: str
    targets: Callable[[Row], Targets | None]
    take: int


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


def _labelled(row: Row) -> Targets:
    complaint, praise, request = _hand(row)
    if row.get("source") == COMPLAINT_TWEETS and complaint is not None:
        theirs = float(row["label"] == "complaint")
        complaint = _PEOPLE_WEIGH * theirs + (1 - _PEOPLE_WEIGH) * complaint
    return (complaint, praise, request)


NO_LICENCE = "none stated"
ROWS_LICENCE = "that of each row's origin"
LABELLED = "labelled"
"""The source whose labels lie in the project and whose texts do not; it is read by joining both."""
OWN, OWN_REPEAT = "own", 4
"""A company's labels, which lie wherever it keeps them; all of them are seen in every epoch, so many times."""
ANSWERED, ANSWERED_TAKE = "answered", 40_000
"""Texts without labels that a deep network has answered; so many of them are in an epoch."""
SOURCES: Mapping[str, Source] = {
    "hand": Source("seed_handlabelled.jsonl", ROWS_LICENCE, _hand, take=1000),
    LABELLED: Source("hand_labels.jsonl", ROWS_LICENCE, _labelled, take=26_000),
    "complaints": Source("complaints_acl2019.jsonl", NO_LICENCE, _complaint_tweet, take=4000),
    "airline": Source("airline_us.jsonl", NO_LICENCE, _airline, take=1500),
    "reviews": Source("app_reviews_maalej.jsonl", "CC0 1.0", _review, take=600),
    "chatter": Source("sxsw_brands.jsonl", NO_LICENCE, _chatter, take=300),
    "apple": Source("apple_dfe.jsonl", NO_LICENCE, _chatter, take=200),
    "bank": Source("banking77.jsonl", "CC BY 4.0", _bank, take=500),
}
PERMISSIVE_ORIGINS = {"ibm-care", "app-reviews-maalej", "banking77", "tweet-acts"}
"""Where hand-labelled rows come from whose texts carry a plainly permissive licence."""
RECIPES: Mapping[str, tuple[str, ...]] = {
    "best": tuple(SOURCES),
    "permissive": ("hand", LABELLED, "reviews", "bank"),
}
"""Which sources, in order: of two with the same text the first is learnt from, so hand labels come first."""
MEASURED = ("gold_dev.jsonl",)
"""Files that are only ever measured on."""
READ: Mapping[str, tuple[str, ...]] = {
    "best": (
        "airline_us",
        "app_reviews_maalej",
        "apple_dfe",
        "banking77",
        "clinc150",
        "complaints_acl2019",
        "ibm_care",
        "sxsw_brands",
        "tweet_acts",
        "tweeteval_irony",
        "tweeteval_sentiment",
        "twcs_airlines",
        "twcs_spotify",
    ),
    "permissive": ("app_reviews_maalej", "banking77", "clinc150", "ibm_care", "tweet_acts"),
}
"""The sets whose texts alone, without any label, teach a shallow encoder to say what the deep one says."""
