"""Templates of new scripts in Tengo. `scripting.workbench.beginnings` fills in the names that begin with $."""

from __future__ import annotations

from scripting.sandbox.languages.language import ENDPOINT, EVENT, HELPER

TEMPLATES = {
    EVENT: """\
// $purpose
//
// Answers an event: message.payload is what happened, result is what is decided.
// Ctrl-Space lists the variables, and what $module offers:
//   $function

// a $topic, so that you can run this right away
example := {
	"$field": $example,
	about: "an example"
}

payload := (message || {}).payload || example

log("decided on " + len(payload) + " fields")

result := {
	"$field": payload["$field"],
	processed: true
}
""",
    ENDPOINT: """\
// $purpose
//
// Answers a request to an endpoint: http_request.body is what was sent, result is the answer.
// Ctrl-Space lists the variables, and what $module offers:
//   $function

body := (http_request || {}).body
name := is_map(body) ? body.name || "you" : "you"

log("asked by " + name)

// status and body; whatever else result is, is the body itself, with status 200
result := {status: 200, body: {message: "Hello, " + name + "!"}}
""",
    HELPER: """\
// $purpose
//
// A helper: other scripts write $name := import("shared/$name"), then $name.within(12, 0, 10).

// The value, or the bound that it passes.
within := func(value, low, high) {
	if value < low {
		return low
	}
	return value > high ? high : value
}

export {within: within}
""",
}
