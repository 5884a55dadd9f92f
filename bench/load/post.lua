-- Posts the file BENCH_BODY with the headers of BENCH_HEADERS, and prints the result as one line of JSON.
local file = assert(io.open(os.getenv('BENCH_BODY'), 'rb'))
wrk.method = 'POST'
wrk.body = file:read('*a')
file:close()
for name, value in os.getenv('BENCH_HEADERS'):gmatch('([^:\n]+): ([^\n]+)') do
  wrk.headers[name] = value
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'bench: {"requests":%d,"seconds":%f,"bytes":%d,"failed":%d,"p50":%f,"p99":%f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
