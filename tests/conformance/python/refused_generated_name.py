# error: invalid_syntax 2:10
result = $scrub(1)
