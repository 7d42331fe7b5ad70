"""The ledger: what an event makes the books say. Pure: no database, no clock."""
