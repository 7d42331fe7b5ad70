"""Reports over the ledger and the work: small facts in, frozen data out, nothing read and nothing written."""
