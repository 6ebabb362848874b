local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end

local function last(n) return fib(n) end -- a tail call

local function fails() error("on purpose") end

local numbers = coroutine.wrap(function()
  for n = 1, 3 do coroutine.yield(fib(n)) end
end)

local function sum()
  return numbers() + numbers() + numbers()
end

print(fib(2), last(3), sum(), pcall(fails))
