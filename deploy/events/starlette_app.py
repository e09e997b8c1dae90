import asyncio
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute

from follow import follow
from held import hold


async def talk(websocket):
    await websocket.send_text("welcome")
    async for text in websocket.iter_text():
        await websocket.send_text(f"you said {text}")


async def live(websocket):
    await websocket.accept()
    work, reasons = asyncio.create_task(talk(websocket)), []

    def end(why):
        reasons.append(why)
        work.cancel()  # nothing more is done for it, even where it does not answer the close

    gone = hold(websocket.headers, end)
    try:
        await asyncio.wait([work])
    finally:
        gone()
        work.cancel()
    if reasons:
        await websocket.close(4401, reasons[0])
    else:
        await work


async def stream(request):
    async def lines():
        over = asyncio.get_running_loop().create_future()
        gone = hold(request.headers, over.set_result)
        try:
            yield "data: welcome\n\n"
            await over
            yield "event: closed\ndata: 4401\n\n"
        finally:
            gone()

    return StreamingResponse(lines(), media_type="text/event-stream")


@asynccontextmanager
async def lifespan(app):
    await follow()
    yield


app = Starlette(routes=[WebSocketRoute("/", live), Route("/", stream)], lifespan=lifespan)
