"""Tools that would serve any product as well: nothing in this room knows of shares or traders."""
