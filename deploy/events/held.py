import asyncio
import time

WINDOW = 5  # s, or CACHE_DEGRADED_TTL if that is longer: what was told may be about a request on its way
held = {}  # what is open: a key → what it is about, how it is closed
recent = []  # when and what was told within WINDOW
NAMES = {"session": "x-forward-auth-session", "user": "x-authgear-user-id", "client": "x-authgear-client-id"}


def hold(headers, close):
    key = object()
    one = {kind: headers.get(name, "") for kind, name in NAMES.items()}
    held[key] = (one, close)
    until = headers.get("x-forward-auth-until", "")
    loop = asyncio.get_running_loop()
    timer = loop.call_later(int(until) - time.time(), end, key, "expired") if until.isdigit() else None
    if one["session"] == "" or any(is_about(event, one) for when, event in recent if time.monotonic() - when < WINDOW):
        end(key, "revoked")
    return lambda: (held.pop(key, None), timer and timer.cancel())


def tell(event, why):
    recent[:] = [one for one in recent if time.monotonic() - one[0] < WINDOW] + [(time.monotonic(), event)]
    for key, (one, _) in list(held.items()):
        if is_about(event, one):
            end(key, why)


def is_about(event, one):
    if event["kind"] == "everyone" or event.get("session") in one["session"].split("."):
        return True
    if event.get("client"):
        return is_client(event["client"], one["client"])
    return bool(event.get("user")) and event["user"] == one["user"]


def is_client(told, name):  # told: an id, https://host or https://*.host
    host = "".join(name.split("/")[2:3]).lower() if told.startswith("https://") else ""
    return name == told or f"https://{host}" == told or (told.startswith("https://*.") and host.endswith(told[9:]))


def end(key, why):
    if key in held:
        _, close = held.pop(key)
        try:
            close(why)
        except Exception as error:
            print(f"events: close: {error!r}")
