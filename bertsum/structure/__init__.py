"""Tells sentences that may be chosen from structure: headings, tables, code, quoted messages, set phrases."""
