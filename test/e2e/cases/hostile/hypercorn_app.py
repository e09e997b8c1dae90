"""Says on stdout what reaches it, one JSON object a line; answers 200, and accepts WebSockets."""
import json


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    print(json.dumps(seen(scope)), flush=True)
    if scope["type"] == "websocket":
        return await websocket(receive, send)
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
    await send({"type": "http.response.body", "body": b"app"})


def seen(scope):
    raw = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return {
        "method": scope.get("method", "GET"),
        "url": f"{raw}?{query}" if query else raw,
        "paths": [raw, scope["path"]],
        "headers": [[name.decode("latin-1").lower(), value.decode("latin-1")] for name, value in scope["headers"]],
        "http": scope["http_version"],
    }


async def websocket(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def lifespan(receive, send):
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
