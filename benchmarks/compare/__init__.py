"""The server beside others that a user could pick instead, in one run on one machine; see `__main__`."""
