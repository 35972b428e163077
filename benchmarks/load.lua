-- Asks for one numbered thing after the other, and writes what came of it as JSON.
-- Arguments: file, method, path, how many things there are, body; %d in path and body is the number.
-- With a prime step the things do not come in the order in which they are stored.
local STEP = 7919

function init(arguments)
  file, method, path, of, body = arguments[1], arguments[2], arguments[3], tonumber(arguments[4]), arguments[5]
  wrk.thread:set("file", file)
  at = 0
end

function request()
  at = (at + STEP) % of
  local sent = body ~= "" and string.gsub(body, "%%d", at) or nil
  return wrk.format(method, string.gsub(path, "%%d", at), { ["Content-Type"] = "application/json" }, sent)
end

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function done(summary, latency, requests)
  local e = summary.errors
  local out = io.open(threads[1]:get("file"), "w")
  out:write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p90_ms": %.3f, "p99_ms": %.3f, "longest_ms": %.3f, "errors": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(90) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
  out:close()
end
