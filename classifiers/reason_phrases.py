"""Example phrases for the reasons of two public data sets, in our own words; only measured with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

AIRLINE: Mapping[str, Sequence[str]] = {
    "Customer Service Issue": (
        "nobody answers the phone",
        "on hold for an hour",
        "on hold for hours trying to rebook my flight",
        "your airline has terrible customer service",
        "no reply to my email about a refund",
        "agent was no help at all",
        "you hung up on me",
        "can't reach anyone at the call center",
        "worst airline ever, I will never fly with you again",
        "your policy is ridiculous, I want a refund",
        "you do not care about your customers",
        "that response is useless",
    ),
    "Late Flight": (
        "my flight is delayed again",
        "sitting on the runway for two hours",
        "still waiting for a gate",
        "missed my connection because of the delay",
        "plane has not left yet",
        "waiting for a crew",
    ),
    "Cancelled Flight": (
        "my flight was cancelled",
        "you cancelled our flight with no notice",
        "stranded after a cancellation",
        "flight cancelled and no rebooking",
        "flight cancelled because of weather",
    ),
    "Lost Luggage": (
        "where is my bag",
        "you lost my luggage",
        "my suitcase did not arrive",
        "baggage still missing",
        "waiting at baggage claim",
        "bag left in another city",
    ),
    "Damaged Luggage": (
        "my suitcase arrived broken",
        "you damaged my bag",
        "luggage was torn and the wheel is missing",
        "items inside my bag were ruined",
    ),
    "Bad Flight": (
        "uncomfortable seats on this flight",
        "no wifi on the plane",
        "the wifi on board is slow",
        "the entertainment did not work",
        "terrible food on board",
        "dirty cabin",
        "no leg room",
        "separated from my family on the plane",
        "terrible flight, broken seat",
    ),
    "Flight Booking Problems": (
        "can't book a flight online",
        "your website is not working",
        "error while checking in online",
        "problem with my reservation",
        "can't use my miles to book",
        "charged twice for a ticket",
        "the price changed while I was booking",
    ),
    "Flight Attendant Complaints": (
        "rude flight attendant",
        "the gate agent yelled at us",
        "crew was unfriendly",
        "staff at the airport were rude",
        "the employee at the gate had a bad attitude",
    ),
    "longlines": (
        "the line at check-in is endless",
        "only one person at the counter",
        "hundreds of people in line at the airport",
        "long queue to drop bags",
    ),
}

BANK: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "card delivery": (
        (
            "when will my new card arrive",
            "my card has not come in the post",
            "track my card",
            "how long does delivery take",
        ),
        ("card_arrival", "card_delivery_estimate", "order_physical_card", "get_physical_card"),
    ),
    "card does not work": (
        ("my card does not work", "my payment was declined", "contactless stopped working", "the machine kept my card"),
        (
            "card_not_working",
            "contactless_not_working",
            "virtual_card_not_working",
            "declined_card_payment",
            "declined_cash_withdrawal",
            "card_swallowed",
        ),
    ),
    "fees": (
        ("why was I charged a fee", "extra charge on my statement", "what does it cost", "fee for a withdrawal"),
        (
            "card_payment_fee_charged",
            "cash_withdrawal_charge",
            "exchange_charge",
            "extra_charge_on_statement",
            "top_up_by_bank_transfer_charge",
            "top_up_by_card_charge",
            "transfer_fee_charged",
        ),
    ),
    "exchange rate": (
        ("the exchange rate is wrong", "what exchange rate do you use", "rate for foreign currency"),
        ("card_payment_wrong_exchange_rate", "exchange_rate", "wrong_exchange_rate_for_cash_withdrawal"),
    ),
    "identity": (
        ("verify my identity", "why do you need my passport", "identity check failed", "proof of identity"),
        ("unable_to_verify_identity", "verify_my_identity", "verify_source_of_funds", "why_verify_identity"),
    ),
    "lost or stolen": (
        ("my card was stolen", "I lost my phone", "someone used my card", "freeze my account"),
        ("lost_or_stolen_card", "lost_or_stolen_phone", "compromised_card"),
    ),
    "pin": (
        ("change my pin", "I forgot my passcode", "my pin is blocked"),
        ("change_pin", "passcode_forgotten", "pin_blocked"),
    ),
    "transfer": (
        ("my transfer has not arrived", "the transfer failed", "cancel a transfer", "how long does a transfer take"),
        (
            "cancel_transfer",
            "declined_transfer",
            "failed_transfer",
            "pending_transfer",
            "transfer_not_received_by_recipient",
            "transfer_timing",
            "balance_not_updated_after_bank_transfer",
        ),
    ),
    "top-up": (
        ("my top up failed", "top up by card", "top up limit", "money I added is not there"),
        (
            "pending_top_up",
            "top_up_failed",
            "top_up_limits",
            "top_up_reverted",
            "topping_up_by_card",
            "automatic_top_up",
        ),
    ),
    "refund": (
        ("I want a refund", "where is my refund", "give me my money back"),
        ("Refund_not_showing_up", "request_refund", "reverted_card_payment?"),
    ),
}
