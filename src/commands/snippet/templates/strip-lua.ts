import { HOP_HEADERS } from '../guards.ts'

/** For Envoy's Lua filter: removes what only forward-auth, Envoy and the next hop may say. @param indent of the YAML block that it stands in @param first what it does before */
export const STRIP_LUA = (indent: string, first = ''): string => lua(first).split('\n').map(line => `${indent}${line}\n`).join('')

/** For a proxy whose routes are somebody else's: a segment that is empty, "." or ".." before its parameters is 400. */
export const GUARD_LUA = `
  local path = (headers:get(":path") or ""):match("^[^?]*"):lower():gsub("%%2e", "."):gsub("%%3b", ";")
  if path:find("/%.?%.?;") then return handle:respond({ [":status"] = "400" }, "") end`

const HOPS = HOP_HEADERS.map(name => `["${name.toLowerCase()}"] = true`).join(', ')

/** What is left of `upgrade` and `connection`, for a WebSocket, are constants. */
const lua = (first: string): string => `\
local hops = { ${HOPS} }
function envoy_on_request(handle)
  local headers, names = handle:headers(), {}${first}
  for name in pairs(headers) do
    if hops[name] or name:find("authgear", 1, true) or name:find("^x%-forward%-auth%-") or name:find("^x%-envoy%-") then table.insert(names, name) end
  end
  for _, name in ipairs(names) do headers:remove(name) end
  if headers:get("upgrade") then headers:replace("upgrade", "websocket") end
  if headers:get("connection") then headers:replace("connection", "upgrade") end
end`
