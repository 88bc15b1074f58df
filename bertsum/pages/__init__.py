"""What people look at: shaded documents, charts, the report. It draws what it is given and knows nothing of models."""
