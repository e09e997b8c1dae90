import asyncio
import os

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from follow import follow
from held import hold

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
pages = get_asgi_application()


class Live(AsyncWebsocketConsumer):
    closing = None

    async def __call__(self, scope, receive, send):
        self.gone = lambda: None
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.gone()

    async def connect(self):
        await self.accept()
        headers = {name.decode("latin1"): value.decode("latin1") for name, value in self.scope["headers"]}
        self.gone = hold(headers, self.end)
        if self.closing is None:
            await self.send("welcome")

    def end(self, why):
        self.closing = asyncio.create_task(self.close(code=4401, reason=why))

    async def receive(self, text_data=None, bytes_data=None):
        if self.closing is None:  # else nothing more is done for it, even where it does not answer the close
            await self.send(f"you said {text_data}")


async def lifespan(scope, receive, send):
    while True:
        kind = (await receive())["type"]
        if kind == "lifespan.startup":
            await follow()
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


app = ProtocolTypeRouter({"http": pages, "websocket": Live.as_asgi(), "lifespan": lifespan})
