# holds what HELD says by the page's follow.py, and prints each close
import asyncio
import json
import os

from follow import follow
from held import hold


def hold_one(name, headers):
    def close(why):
        print(f"{name}: {why}", flush=True)
        if name == "first":
            hold_one("second", headers)
        if name.startswith("broken"):
            raise RuntimeError("this close is broken")

    hold(headers, close)


async def main():
    await follow()
    for name, headers in json.loads(os.environ["HELD"]).items():
        hold_one(name, headers)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
