"""What other systems know, read from CSV or JSON lines: a schema a kind, one reader, one loader."""
