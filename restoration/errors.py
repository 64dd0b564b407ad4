"""Errors that a user can act on: one class, with messages that a page can translate."""


class Sentence(str):
    """An English message that keeps its key and the values of its blanks, so that it can be translated."""

    def __new__(cls, english: str, key: str = "", **values: object) -> "Sentence":
        """Fill the blanks of `english`; a sentence without a key has none."""
        sentence = super().__new__(cls, english.format(**values) if key else english)
        sentence.key, sentence.values = key, values
        return sentence


class RestorationError(ValueError):
    """Every error that this project raises on purpose; any other exception is a bug.

    The message is one sentence for the user: what is wrong and what to do. `sentence` is the same with its key.
    """

    def __init__(self, english: str, key: str = "", **values: object):
        self.sentence = Sentence(english, key, **values)
        super().__init__(str(self.sentence))
