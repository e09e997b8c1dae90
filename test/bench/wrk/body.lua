-- The same body with each request.
wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
