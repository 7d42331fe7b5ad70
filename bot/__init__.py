"""The product: what happens to a mention, from the channel to the Slack card and the ledger."""
