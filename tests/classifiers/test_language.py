from __future__ import annotations

import pytest

from classifiers.language import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my order? It was due on Monday and nobody answers.", "en"),
        ("Wo bleibt mein Paket? Seit zwei Wochen warte ich darauf.", "de"),
        ("¿Dónde está mi pedido? Ya pasaron tres semanas y nadie contesta.", "es"),
        ("Mon colis est arrivé cassé, je veux être remboursé.", "fr"),
        ("Gdzie jest moja paczka? Czekam już dwa tygodnie.", "pl"),
        ("注文した商品がまだ届きません。いつ届きますか。", "ja"),
        # Too little to tell: better nothing than nonsense.
        ("ok", "und"),
        ("danke", "und"),
        ("", "und"),
        ("😡😡😡 123 456", "und"),
        # Handles, hashtags and links are no words.
        ("@acme @example #fail https://example.com/where-is-my-order-please", "und"),
        ("\ud800\x00", "und"),
    ],
)
def test_the_language_is_told_where_there_is_enough_to_tell(text: str, language: str) -> None:
    assert detect(text) == language
