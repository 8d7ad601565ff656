"""Templates of new scripts in Zygomys. `scripting.workbench.beginnings` fills in the names that begin with $."""

from __future__ import annotations

from scripting.sandbox.languages.language import ENDPOINT, EVENT, HELPER

TEMPLATES = {
    EVENT: """\
// $purpose
//
// Answers an event: (:payload message) is what happened, the last form is what is decided.
// Ctrl-Space lists the variables, and what $module offers:
//   $function

// a $topic, so that you can run this right away
(def example {
  $field: $example
})

(letseq [event (cond (null? message) {} message)
         payload (:payload event example)]
  (log (sprintf "decided on %d fields" (len (keys payload))))
  {
    processed: true
    $field: (:$field payload nil)
  })
""",
    ENDPOINT: """\
// $purpose
//
// Answers a request to an endpoint: (:body http_request) is what was sent, the last form is the answer.
// Ctrl-Space lists the variables, and what $module offers:
//   $function

(letseq [request (cond (null? http_request) {} http_request)
         body (:body request {})
         name (cond (hash? body) (:name body "you") "you")]
  (log (sprintf "asked by %v" name))
  // status and body; whatever else the last form gives, is the body itself, with status 200
  {status: 200 body: {message: (sprintf "Hello, %v!" name)}})
""",
    HELPER: """\
// $purpose
//
// A helper: other scripts write (import $name "shared/$name"), then ($name.Within 12 0 10).

// The value, or the bound that it passes.
(defn Within [value low high]
  (cond (< value low) low (> value high) high value))
""",
}
