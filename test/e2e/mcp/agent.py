"""An agent with the MCP SDK for Python. It calls the tools that stdin names; the person's browser is the test."""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlparse

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from pydantic import AnyUrl

ORIGIN, PORT, CALLBACK, DOCUMENT, COOKIE = sys.argv[1:6]
seen = []


def say(**line):
    print(json.dumps(line), flush=True)


async def hear():
    line = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(line) if line else sys.exit()


class Storage:
    """In memory."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Through(httpx2.AsyncHTTPTransport):
    """Requests for the host go to the proxy's port, as DNS and TLS in front of it would send them."""

    async def handle_async_request(self, request):
        if not str(request.url).startswith(ORIGIN):
            return await super().handle_async_request(request)
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=int(PORT))
        there = httpx2.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        answer = await super().handle_async_request(there)
        resumed = " resumed" if "last-event-id" in request.headers else ""
        seen.append(f"{request.method} {request.url.path} {answer.status_code}{resumed}")
        return answer


async def visit(url):
    say(visit=url)


async def came_back():
    query = parse_qs(urlparse((await hear())["came"]).query)
    return AuthorizationCodeResult(code=query["code"][0], state=query["state"][0])


async def call(storage, path, tool):
    provider = OAuthClientProvider(
        server_url=f"{ORIGIN}{path}",
        client_metadata=OAuthClientMetadata(
            client_name="agent", redirect_uris=[AnyUrl(CALLBACK)], application_type="native", token_endpoint_auth_method="none"
        ),
        storage=storage,
        redirect_handler=visit,
        callback_handler=came_back,
        client_metadata_url=DOCUMENT or None,
    )
    who = {"headers": {"cookie": COOKIE}} if COOKIE else {"auth": provider}
    async with httpx2.AsyncClient(transport=Through(), timeout=60, **who) as http:
        async with Client(streamable_http_client(f"{ORIGIN}{path}", http_client=http)) as client:
            result = await client.call_tool(tool, {})
            return {"text": "".join(part.text for part in result.content), "protocol": client.protocol_version}


def leaf(error):
    """The first that is no group."""
    return leaf(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def main():
    storage = Storage()
    while True:
        asked = await hear()
        seen.clear()
        try:
            said = await call(storage, **asked)
        except Exception as error:
            said = {"error": repr(leaf(error))}
        client = storage.client.client_id if storage.client else ""
        token = storage.tokens.access_token if storage.tokens else ""
        say(**said, seen=seen, client=client, token=token)


asyncio.run(main())
