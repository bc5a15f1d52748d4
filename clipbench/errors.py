"""The one kind of error that is the user's to mend."""


class UserError(ValueError):
    """A mistake in what was asked for. Its message is one line that says what to do; the command line exits with 2."""
