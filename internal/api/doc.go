// Package api is the door for programs: the HTTP API below /v1, its OpenAPI 3.1
// document, and its manual at /docs/api.
//
// It knows no capability. Each one's operations are registered by its own
// function, which names for every operation a tag, an example and the scope a key
// needs (metadata "scope": collect, read, admin, or public).
//
// It promises:
//
//   - an operation without a scope is a refusal to start, not an open door;
//   - a key comes in the Authorization header only; it is in no address and no log;
//   - every error is a problem document (RFC 9457) with a stable type, also for an
//     unknown address, a wrong method, a body too large or not JSON; it names the
//     field and the rule and never repeats what was sent;
//   - a body with a field that is unknown, given twice or spelt in other letters
//     is refused: nothing is silently ignored;
//   - the document, the manual and the answers come from the same declarations;
//     the manual loads nothing from anywhere else.
//
// Not here yet: rate limits, and Idempotency-Key on writes. Recording the same
// choice twice adds a second event with the same effect.
package api
