"""What of a text are sentences to choose, and what is structure: headings, tables, code, quoted messages, formulas."""
