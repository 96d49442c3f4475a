"""The base classes of this project's errors. In this package because every other package may import it."""


class ProjectError(Exception):
    """A foreseeable fault. The message is a sentence for the user, who sees no traceback; commands exit with 1."""

    exit_code = 1


class UsageError(ProjectError):
    """A wrong argument or setting; commands exit with 2."""

    exit_code = 2


FORESEEABLE = (ProjectError, OSError)


def message_of(error: BaseException) -> str:
    """The message of a foreseeable error for the user."""
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{place}. The published warehouse is as it was."
    return str(error)
