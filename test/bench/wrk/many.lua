-- One of 20,000 tokens with each request, in no order that a cache likes.
local n = 0
request = function()
  n = (n * 1103515245 + 12345) % 2147483648
  return wrk.format("GET", nil, { ["Authorization"] = string.format("Bearer manyTokensOfTheBench%012d", n % 20000) })
end
