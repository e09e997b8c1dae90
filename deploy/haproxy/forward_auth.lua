-- http-request lua.forward-auth: asks txn.authgear_url whether this request may pass. Only a 200 sets txn.authgear_allowed;
-- every other answer goes to the client as it is, and no answer is a 503.
local FORWARDED_REQUEST_HEADERS = { "authorization", "accept", "accept-language", "user-agent", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-site", "origin", "sec-purpose", "x-requested-with", "x-request-id", "mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "traceparent", "tracestate" }
local IDENTITY = { "x-authgear-session-valid", "x-authgear-user-id", "x-authgear-user-anonymous", "x-authgear-user-verified", "x-authgear-user-roles", "x-authgear-session-amr", "x-authgear-session-authenticated-at", "x-authgear-user-can-reauthenticate", "x-authgear-client-id", "x-authgear-scope" }
local FORWARDED_RESPONSE_HEADERS = { "content-type", "www-authenticate", "location", "set-cookie", "cache-control", "vary", "retry-after", "x-forward-auth-reason", "x-request-id", "content-security-policy", "x-content-type-options", "referrer-policy" }
local TIMEOUT = 3500 -- ms for each try; forward-auth itself answers within 1.25 times AUTHGEAR_TIMEOUT (2 s) and 2 times REDIS_TIMEOUT
local TLS = { [true] = true, [1] = true, ["1"] = true } -- ssl_fc is a boolean in some versions, 1 or "1" in others
local DOWN = '{"error":"authgear_unavailable","message":"Signing in cannot be checked at the moment. Please try again."}'

-- HAProxy counts the lines of one name from 0
local function lines_of(headers, name)
  local lines = {}
  if headers[name] then for i = 0, #headers[name] do lines[#lines + 1] = headers[name][i] end end
  return lines
end

local function down(txn)
  local reply = txn:reply({ status = 503, body = DOWN })
  reply:add_header("content-type", "application/json")
  reply:add_header("cache-control", "no-store")
  reply:add_header("retry-after", "1")
  txn:done(reply)
end

local function refuse(txn, answer)
  local reply = txn:reply({ status = answer.status })
  for _, name in ipairs(FORWARDED_RESPONSE_HEADERS) do
    for _, line in ipairs(lines_of(answer.headers, name)) do reply:add_header(name, line) end
  end
  if answer.body and #answer.body > 0 then reply:set_body(answer.body) end
  txn:done(reply)
end

-- security: nothing else of the client's request reaches forward-auth
local function request_headers(txn)
  local client = txn.http:req_get_headers()
  local headers = {
    ["x-forwarded-for"] = { txn.sf:src() },
    ["x-forwarded-proto"] = { TLS[txn.sf:ssl_fc()] and "https" or "http" },
    ["x-forwarded-host"] = { lines_of(client, "host")[1] or "" },
    ["x-forwarded-uri"] = { txn.sf:pathq() },
    ["x-forwarded-method"] = { txn.sf:method() }
  }
  for _, name in ipairs(FORWARDED_REQUEST_HEADERS) do
    local lines = lines_of(client, name)
    if #lines > 0 then headers[name] = lines end
  end
  local cookies = lines_of(client, "cookie")
  if #cookies > 0 then headers["cookie"] = { table.concat(cookies, "; ") } end
  return headers
end

local function ask(txn)
  local answer = core.httpclient():get{ url = txn:get_var("txn.authgear_url"), headers = request_headers(txn), timeout = TIMEOUT }
  -- security: forward-auth gives a reason with every answer; without one it is HAProxy's own error, or another server's 200
  if not answer or #lines_of(answer.headers or {}, "x-forward-auth-reason") == 0 then return nil end
  return answer
end

-- a replica that was just closing its connections is no outage; one that hangs is not asked again
local function ask_again(txn)
  local started = core.now().sec
  local answer = ask(txn)
  if answer or core.now().sec - started > 1 then return answer end
  core.msleep(100)
  return ask(txn)
end

core.register_action("forward-auth", { "http-req" }, function(txn)
  -- security: an error in here would go on with the next rule
  local ran, answer = pcall(ask_again, txn)
  if not ran or not answer then return down(txn) end
  if answer.status ~= 200 then return refuse(txn, answer) end
  for _, name in ipairs(IDENTITY) do -- security: all of them, also the empty ones
    txn.http:req_del_header(name)
    local value = lines_of(answer.headers, name)[1]
    if value then txn.http:req_set_header(name, value) end
  end
  txn:set_var("txn.authgear_allowed", true)
end, 0)
