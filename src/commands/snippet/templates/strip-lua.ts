/** For Envoy's Lua filter: removes what only forward-auth and Envoy may say. @param indent of the YAML block that it stands in */
export const STRIP_LUA = (indent: string): string => LUA.split('\n').map(line => `${indent}${line}\n`).join('')

const LUA = `\
function envoy_on_request(handle)
  local names = {}
  for name in pairs(handle:headers()) do
    if name:find("authgear", 1, true) or name:find("^x%-forward%-auth%-") or name:find("^x%-envoy%-") then table.insert(names, name) end
  end
  for _, name in ipairs(names) do handle:headers():remove(name) end
end`
