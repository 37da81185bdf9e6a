"""What the market remembers: each price that a share had, and when it got it."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import bindparam, insert

from app.entities import PriceTick, Share
from app.statements import Prepared, Unit

_TICK = Prepared(
    insert(PriceTick).values(
        share_id=bindparam("share_id"),
        price=bindparam("price"),
        previous_price=bindparam("previous_price"),
        at=bindparam("at"),
    )
)


async def tick(unit: Unit, share: Share, *, previous: Decimal | None, at: datetime) -> None:
    """Record the price that a share has from now on.

    Args:
        unit: The open unit of work in which the share gets the price; the caller commits.
        share: The share with its new price.
        previous: The price that it had before; None for its first one.
        at: The moment of the change, in UTC.
    """
    await unit.run(_TICK, share_id=share.id, price=share.price, previous_price=previous, at=at)
