"""The summarizer in other packages; each module needs its package, which the extra of the same name installs."""
