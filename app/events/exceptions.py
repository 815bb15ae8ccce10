"""What may come of a message that is sent."""


class TargetAwayError(Exception):
    """The target did not take a message now: it is tried again, for ever."""


class MessageRefusedError(Exception):
    """The target will not have this message: it is set aside for a person, and the later ones go on."""


class LeaseLostError(Exception):
    """Another publisher has the target by now."""
