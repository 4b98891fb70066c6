import asyncio
import threading

import pytest

from mien.apps.web.inference import FairPool


def test_owners_take_turns():
    order = []

    async def main():
        pool = FairPool(1)
        gate = threading.Event()
        first = asyncio.ensure_future(pool.run("a", gate.wait))
        await asyncio.sleep(0)
        work = [pool.run(owner, lambda o=owner: order.append(o)) for owner in ("a", "a", "a", "b")]
        rest = [asyncio.ensure_future(one) for one in work]
        await asyncio.sleep(0.01)
        gate.set()
        await asyncio.gather(first, *rest)
        pool.close()

    asyncio.run(main())
    assert order == ["a", "b", "a", "a"]


def test_errors_come_back_and_the_loop_stays_free():
    async def main():
        pool = FairPool(1)
        with pytest.raises(ZeroDivisionError):
            await pool.run("a", lambda: 1 // 0)
        assert await pool.run("a", threading.get_ident) != threading.get_ident()
        pool.close()

    asyncio.run(main())
