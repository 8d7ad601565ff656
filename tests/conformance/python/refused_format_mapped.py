# error: security_violation 3:10 "__class__"
text = "{a.__class__}"
result = list(map(text.format_map, [{"a": 1}]))
