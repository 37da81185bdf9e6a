"""Takes e-mails from the outbox to a mail server: words, transport, and trying again.

Decides on none: that is the domain's, within its unit of work.
"""
