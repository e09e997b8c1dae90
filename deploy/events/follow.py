import asyncio
import json
import os
import random
import time

import httpx

from held import tell

EVENTS = os.environ.get("EVENTS", "http://forward-auth:4184")
HEADERS = {"authorization": f"Bearer {os.environ['TOKEN']}"}
state = {"wait": 0.5, "alone": None, "task": None}  # alone: since when the replica knows only what it learns itself
connected = asyncio.Event()


async def read():
    async with httpx.AsyncClient(timeout=httpx.Timeout(5, read=30)) as client:  # a comment comes each ten seconds
        async with client.stream("GET", f"{EVENTS}/events", headers=HEADERS) as answer:
            answer.raise_for_status()
            text, state["alone"] = "", None
            async for piece in answer.aiter_text():
                *blocks, text = (text + piece).split("\n\n")
                for block in blocks:
                    take(block)
                if state["alone"] and time.monotonic() - state["alone"] > 10:
                    raise RuntimeError("this replica is cut off: on to another one")


def take(block):
    fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
    event, data = fields.get("event"), json.loads(fields.get("data", "{}"))
    if event == "reset":
        tell({"kind": "everyone"}, "ask again")
    if event == "revoked":
        tell(data, "revoked")
    if event in ("connected", "reset"):
        connected.set()
    if "following" in data:
        state["alone"] = None if data["following"] else time.monotonic()
        state["wait"] = 0.5 if data["following"] else state["wait"]
    if "id" in fields:
        HEADERS["last-event-id"] = fields["id"]


async def again():
    while True:
        try:
            await read()
        except Exception as error:
            print(f"events: {error!r}")
        await asyncio.sleep(0.5 + random.random() * state["wait"])
        state["wait"] = min(2 * state["wait"], 4.5)


async def follow():
    state["task"] = asyncio.create_task(again())  # a task that nothing names may be collected
    await connected.wait()
