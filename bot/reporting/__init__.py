"""The ledger's reports on real data: each asks the database for facts and hands them to its pure function."""
