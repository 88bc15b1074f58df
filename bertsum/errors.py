"""The one error type for whatever goes wrong because of the input."""


class BertsumError(Exception):
    """A problem with a document, a config, a checkpoint or a folder, described for people.

    The message says what was wrong, where, and what would be right. A bug in bertsum itself is any other exception.
    """
