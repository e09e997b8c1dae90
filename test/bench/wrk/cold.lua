-- a token that nobody has seen
local n = os.time() % 100000 * 10000000
request = function()
  n = n + 1
  return wrk.format("GET", "/verify", { ["Authorization"] = string.format("Bearer coldTokenOfTheBench%013.0f", n) })
end
