"""What users call: text to summaries, one or millions."""
