"""`alchemiser simulator`: an exchange that speaks Alpaca's wire, for any bot."""


def simulator() -> None:
    """An exchange that speaks Alpaca's wire, for any bot."""
