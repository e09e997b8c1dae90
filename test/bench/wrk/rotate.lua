-- 64 tokens in turn: more than a memory of one entry can hold
local n = 0
request = function()
  n = (n + 1) % 64
  return wrk.format("GET", "/verify", { ["Authorization"] = string.format("Bearer rotatingTokenOfTheBench%09d", n) })
end
