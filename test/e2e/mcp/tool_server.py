import sys

from mcp import MCPError
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

PORT, HOW = int(sys.argv[1]), sys.argv[2]


async def current_revision(ctx, call_next):
    if ctx.protocol_version != "2026-07-28":
        raise MCPError(-32022, "Unsupported protocol version")
    return await call_next(ctx)


mcp = MCPServer("orders", middleware=[current_revision] if HOW == "strict" else [])


@mcp.tool()
def read() -> str:
    print("executed read", flush=True)
    return "read"


@mcp.tool()
def delete() -> str:
    print("executed delete", flush=True)
    return "delete"


mcp.run(
    "streamable-http",
    port=PORT,
    streamable_http_path="/tools",
    stateless_http=HOW == "stateless",
    transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
)
