import sys

from mcp import MCPError
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import JSONResponse

PORT, HOW = int(sys.argv[1]), sys.argv[2]


async def current_revision(ctx, call_next):
    if ctx.protocol_version != "2026-07-28":
        raise MCPError(-32022, "Unsupported protocol version")
    return await call_next(ctx)


executed = {"read": 0, "delete": 0}
mcp = MCPServer("orders", middleware=[current_revision] if HOW == "strict" else [])


@mcp.tool()
def read() -> str:
    executed["read"] += 1
    return "read"


@mcp.tool()
def delete() -> str:
    executed["delete"] += 1
    return "delete"


# asked after an answer, it knows of that call: a line that is printed may be read later
@mcp.custom_route("/executed", methods=["GET"])
async def counts(_request):
    return JSONResponse(executed)


mcp.run(
    "streamable-http",
    port=PORT,
    streamable_http_path="/tools",
    stateless_http=HOW == "stateless",
    transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
)
