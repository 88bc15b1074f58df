"""Pages and pictures for people: shaded documents, charts, the report. This package does not depend on models."""
